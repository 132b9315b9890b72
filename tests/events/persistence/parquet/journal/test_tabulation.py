"""Rows of the journal as tables: natively as Python would make them, and by Python what is beyond the native way."""

import gc
import json
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import field_validator

from tests.support.classes.samples import SAMPLES, sample
from tests.support.classes.strategies import events
from tests.support.recording import START, tick
from trading.events import _core
from trading.events.base import BaseEvent
from trading.events.codec import encode_event
from trading.events.errors import UnstorableEventError
from trading.events.market_data import OrderBookEvent, QuoteEvent, TickEvent, TradeEvent
from trading.events.persistence import ParquetEventWriter
from trading.events.persistence.parquet.journal.journal_tables import JournalTables
from trading.events.persistence.schema.event_schema import event_schema

METADATA: list[dict[str, Any]] = [
    {},
    {"a": 1, "b": -1, "c": 2**63, "d": None, "e": True, "f": [False, [], {}]},
    {"float": [0.0, -0.0, 1.0, 0.1, 1e15, 1e-4, 1.2e-5, 9.9e-6, 5e-324, 123456789.123]},
    {"text": 'a"b\\c/d\b\f\n\r\t\x00\x1f\x7f ä€😀'},
    {"ä": {"deep": {"deeper": [{"deepest": "x" * 300}]}}},
    {str(number): number for number in range(100)},
    {"big": 2**200},
]


@pytest.fixture
def rows_of(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What a journal has read of events, or of other bytes."""

    def record(events: Sequence[BaseEvent | bytes]) -> _core.SegmentRows:
        folder = tmp_path_factory.mktemp("journal")
        journal = _core.Journal(
            folder, 1, 1, most_rows=1 << 40, most_bytes=1 << 40, most_unsynced_bytes=1 << 40, is_deferred=False
        )
        journal.append_batch([event if isinstance(event, bytes) else encode_event(event) for event in events])
        [segment] = _core.open_segments(folder)
        return segment.read()

    return record


def expected(events: Sequence[BaseEvent]) -> pa.Table:
    """The table by way of events, by time and order of recording."""
    table = event_schema(type(events[0])).encode(list(events), list(range(1, len(events) + 1)))
    return table.sort_by([("timestamp", "ascending"), ("_seq", "ascending")])


def unchecked(event: BaseEvent, **changes: Any) -> BaseEvent:
    """The event with other values, past its validators."""
    return type(event).model_construct(**(dict(event) | changes))


def refused(rows: _core.SegmentRows, cls: type[BaseEvent]) -> list[int]:
    return [index for topic in rows.sort()[0] for index in topic.columns(cls, 0, len(topic))[3]]


@pytest.mark.parametrize("cls", SAMPLES)
def test_columns_are_made_natively_as_they_would_be_of_events(cls: type[BaseEvent], rows_of: Any) -> None:
    several = [sample(cls, metadata=metadata) for metadata in METADATA]
    rows = rows_of(several)
    assert refused(rows, cls) == [5, 6]  # so many names, so great a number
    [topic] = JournalTables(rows).topics
    assert topic.table.equals(expected(several), check_metadata=True)


@given(event=events(), others=st.lists(events(), max_size=3))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_events_make_the_same_tables_as_by_way_of_events(
    event: BaseEvent, others: list[BaseEvent], rows_of: Any
) -> None:
    several = [event, *others]
    tables = JournalTables(rows_of(several))
    whole = [topic.table for topic in tables.topics]
    assert tables.quarantined() == []
    found = {seq: row for table in whole for seq, row in zip(table["_seq"].to_pylist(), table.to_pylist(), strict=True)}
    assert sorted(found) == list(range(1, len(several) + 1))
    for seq, each in enumerate(several, 1):
        [row] = event_schema(type(each)).encode([each], [seq]).to_pylist()
        assert [repr(found[seq][name]).replace("e+", "e") for name in row] == [
            repr(value).replace("e+", "e") for value in row.values()
        ]


@given(number=st.floats(allow_nan=False, allow_infinity=False))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_float_in_metadata_has_the_digits_that_pydantic_writes(number: float, rows_of: Any) -> None:
    event = tick(metadata={"x": number})
    [topic] = JournalTables(rows_of([event])).topics
    [text] = topic.table["metadata"].to_pylist()
    assert text == expected([event])["metadata"].to_pylist()[0].replace("e+", "e")
    assert repr(json.loads(text)["x"]) == repr(number)


def test_order_books_need_no_python(rows_of: Any) -> None:
    assert refused(rows_of([sample(OrderBookEvent)]), OrderBookEvent) == []


def test_rows_are_in_order_of_time_and_recording_also_where_some_are_refused(rows_of: Any) -> None:
    several = [tick(number % 3, metadata={"big": 2 ** (number * 20)}) for number in range(9)]
    rows = rows_of(several)
    assert 0 < len(refused(rows, TickEvent)) < 9
    [topic] = JournalTables(rows).topics
    assert topic.table["_seq"].to_pylist() == [1, 4, 7, 2, 5, 8, 3, 6, 9]
    assert topic.table.equals(expected(several))


def test_a_row_beyond_the_limits_of_its_fields_is_refused_and_the_others_are_not(rows_of: Any) -> None:
    bad = encode_event(sample(TradeEvent, quantity=10)).replace(b"quantity\xa210", b"quantity\xa2-1")
    tables = JournalTables(rows_of([sample(TradeEvent), bad, b"\xc1", sample(TradeEvent)]))
    [topic] = tables.topics
    assert topic.table["_seq"].to_pylist() == [1, 4]
    assert [refusal.seq for refusal in tables.refused] == [3, 2]
    assert tables.quarantined() == [1, 2]


@pytest.mark.usefixtures("classes_are_forgotten")
def test_a_class_with_validators_of_its_own_needs_no_python_and_they_are_not_asked(
    rows_of: Any,
) -> None:
    class Rumour(BaseEvent):
        event_type: Literal["rumour"] = "rumour"
        text: str

        @field_validator("text")
        @classmethod
        def _is_true(cls, text: str) -> str:
            if "false" in text:
                raise ValueError("that is false")
            return text

    true = Rumour(timestamp=START, text="true")
    several = [true, unchecked(true, text="false")]
    rows = rows_of(several)
    assert refused(rows, Rumour) == []
    tables = JournalTables(rows)
    [topic] = tables.topics
    assert topic.table.equals(expected(several))
    assert not tables.faults
    assert not tables.refused


async def test_an_event_that_its_own_class_would_refuse_is_refused_when_it_is_written(tmp_path: Path) -> None:
    quote = unchecked(sample(QuoteEvent), bid=None)
    async with ParquetEventWriter(tmp_path) as writer:
        with pytest.raises(UnstorableEventError, match="without a bid"):
            await writer.write_event(quote)


def test_a_segment_is_forgotten_with_its_tables_and_needs_no_collection_of_garbage(rows_of: Any) -> None:
    gc.disable()
    try:
        tables = JournalTables(rows_of([sample(TradeEvent), b"\xc1"]))
        assert [table.table.num_rows for table in tables.topics] == [1]
        kept = [weakref.ref(tables), *map(weakref.ref, tables.topics)]
        del tables
        assert [each() for each in kept] == [None, None]
    finally:
        gc.enable()
