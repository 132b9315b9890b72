"""What a file says about itself, and how a class that has changed reads it."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import JsonValue

from tests.events.codec.test_columns import Venue, define, encode
from tests.support.recording import START, read, record, rewrite_manifest, tick
from trading.events.base import BaseEvent
from trading.events.market_data import TickEvent
from trading.events.persistence import EventReader, ParquetEventWriter, compact
from trading.events.persistence.schema.event_schema import event_schema
from trading.events.persistence.schema.stored_schema import (
    FileTopic,
    StoredColumn,
    arrow_schema,
    describe_file,
    read_description,
)

pytestmark = pytest.mark.usefixtures("classes_are_forgotten")


TICK_COLUMNS = {column.name: column.stored for column in event_schema(TickEvent).columns}


def described(columns: dict[str, StoredColumn], **topic: Any) -> pa.Schema:
    """The schema of a file that says of itself what is given."""
    whole = FileTopic(**{"event_type": "tick", "exchange": "binance", "symbol": None} | topic)
    return event_schema(TickEvent).arrow.with_metadata(describe_file(whole, columns))


def test_a_description_comes_back() -> None:
    topic, columns = read_description(described(TICK_COLUMNS))
    assert topic == FileTopic(event_type="tick", exchange="binance", symbol=None)
    assert columns == TICK_COLUMNS
    assert arrow_schema(columns) == event_schema(TickEvent).arrow


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        (pa.schema([]), "does not come from an event store"),
        (described(TICK_COLUMNS, version=3), "version 3, and this release reads up to 2"),
        (described(TICK_COLUMNS | {"_event": StoredColumn(form="text")}), "'_event' has an unknown form"),
        (described(TICK_COLUMNS | {"bid": StoredColumn(form="raw")}), "'bid' has an unknown form"),
        (described(TICK_COLUMNS | {"bid": StoredColumn(form="lisp")}), "'bid' has an unknown form, 'lisp'"),
        (
            described(TICK_COLUMNS | {"bid": StoredColumn(form="decimal")}),
            "'bid' has an unknown form, 'decimal' with 0",
        ),
        (described(TICK_COLUMNS | {"bid": StoredColumn(form="float")}), "no column 'bid' of type double"),
        (described(TICK_COLUMNS | {"more": StoredColumn(form="text")}), "no column 'more' of type string"),
        (
            described(TICK_COLUMNS | {"timestamp": StoredColumn(form="text")}),
            "'timestamp' is missing or not of the form",
        ),
        (described({"bid": TICK_COLUMNS["bid"]}), "'event_type' is missing"),
        (pa.schema([], metadata={"trading_events": "{", "trading_events_columns": "{}"}), "Invalid JSON"),
    ],
)
def test_a_description_that_is_wrong_is_refused(schema: pa.Schema, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_description(schema)


def test_a_file_in_which_arrow_keeps_its_schema_too_is_read(tmp_path: Path) -> None:
    events = [tick(number) for number in range(5)]
    record(tmp_path, events)
    [path] = tmp_path.rglob("*.parquet")
    assert b"ARROW:schema" not in (pq.read_metadata(path).metadata or {})
    pq.write_table(pq.read_table(path), path)
    rewrite_manifest(path.parent)
    assert b"ARROW:schema" in (pq.read_metadata(path).metadata or {})
    assert list(EventReader(tmp_path).read_range()) == events


def test_a_class_that_has_gained_an_optional_field_reads_old_rows() -> None:
    old = define(int)(value=1)
    rows, columns = encode([old]).to_batches()[0], read_description(described_as(type(old)))[1]

    [again] = event_schema(define(int, note=str | None)).decode(rows, columns)
    assert (again.value, again.note, again.event_id) == (1, None, old.event_id)


def test_a_class_that_has_lost_a_field_reads_old_rows() -> None:
    old = define(int, note=str | None)(value=1, note="x")
    rows, columns = encode([old]).to_batches()[0], read_description(described_as(type(old)))[1]

    [again] = event_schema(define(int)).decode(rows, columns)
    assert (again.value, again.event_id) == (1, old.event_id)


async def test_a_store_is_read_and_merged_by_the_class_as_it_is_now(tmp_path: Path) -> None:
    old = define(int, gone=str | None)
    async with ParquetEventWriter(tmp_path) as writer:
        await writer.write_event(old(value=1, gone="x", timestamp=START))
        await writer.flush(seal=True)
        await writer.write_event(old(value=2, gone="y", timestamp=START))
        new = define(int, more=Decimal | None)
        assert values(tmp_path) == [(1, None), (2, None)]
        await writer.write_event(new(value=3, more=Decimal("1.0"), timestamp=START))
        assert values(tmp_path) == [(1, None), (2, None), (3, Decimal("1.0"))]
    assert values(tmp_path) == [(1, None), (2, None), (3, Decimal("1.0"))]
    compact(tmp_path)
    assert values(tmp_path) == [(1, None), (2, None), (3, Decimal("1.0"))]


def values(store: Path) -> list[Any]:
    events: list[Any] = read(store)
    return [(event.value, event.more) for event in events]


@pytest.mark.parametrize(
    ("before", "value", "after", "expected"),
    [
        (int, 7, Decimal, Decimal(7)),
        (str, "7", int, 7),
        (list[int], [1], JsonValue, [1]),
        (str, "abc", JsonValue, "abc"),
        (str, "swap", Venue, Venue.SWAP),
        (Venue, Venue.SWAP, str, "swap"),
        (list[int], [7], tuple[Decimal, ...], (Decimal(7),)),
    ],
)
def test_a_field_that_has_changed_its_type_is_read_as_pydantic_allows(
    before: Any, value: Any, after: Any, expected: Any
) -> None:
    old = define(before)(value=value)
    rows, columns = encode([old]).to_batches()[0], read_description(described_as(type(old)))[1]

    [again] = event_schema(define(after)).decode(rows, columns)

    assert again.value == expected


def described_as(cls: type[BaseEvent]) -> pa.Schema:
    schema = event_schema(cls)
    return schema.arrow.with_metadata(schema.describe(None, None))
