"""Events of types that no class here is for are stored to the byte, and read by whoever has their class."""

import asyncio
import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support.children import fork
from tests.support.recording import START, files_of, read, record, ticks
from trading.events import (
    Amount,
    BaseEvent,
    EventDecodeError,
    InMemoryEventBus,
    UnknownEvent,
    UnstorableEventError,
    base,
    decode_event,
    encode_event,
)
from trading.events.errors import CorruptFileError, StoredEventError, UnknownEventTypeError
from trading.events.persistence import EventReader, ParquetEventWriter, RotationPolicy, compact, remove_days, verify
from trading.events.persistence.parquet.journal import raw_topic_table
from trading.events.persistence.schema import stored_schema
from trading.events.persistence.schema.raw_schema import RawSchema, read_raw

pytestmark = pytest.mark.usefixtures("classes_are_forgotten")


class Funding(BaseEvent):
    event_type: Literal["raw_funding"] = "raw_funding"
    rate: Amount
    intervals: tuple[timedelta, ...] = (timedelta(hours=8),)


base._CLASSES.pop("raw_funding")


def fundings(count: int, *, first: int = 0) -> list[Funding]:
    return [
        Funding(
            event_id=f"funding-{number}",
            timestamp=START + timedelta(seconds=number),
            exchange="binance",
            symbol="BTC/USDT",
            rate=f"0.000{number}",  # type: ignore[arg-type]
            metadata={"number": number},
        )
        for number in range(first, first + count)
    ]


@pytest.fixture(autouse=True)
def knows(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Defines the class, or forgets it: `knows(Funding)`."""

    def know(cls: type[BaseEvent] | None) -> None:
        if cls is not None:
            base._CLASSES["raw_funding"] = cls
        else:
            base._CLASSES.pop("raw_funding", None)

    know(None)
    return know


def carried(events: list[Funding]) -> list[UnknownEvent]:
    """The events as a process has them that does not know their class."""
    base._CLASSES["raw_funding"] = Funding
    encoded = [encode_event(event) for event in events]
    del base._CLASSES["raw_funding"]
    return [UnknownEvent.of_bytes(each) for each in encoded]


@pytest.mark.parametrize("is_sealed", [True, False])
async def test_they_come_back_to_the_byte_and_as_their_class(tmp_path: Path, knows: Any, *, is_sealed: bool) -> None:
    """Turned red by: a raw column of anything but the bytes; leaving unsealed rows of no class to the quarantine."""
    events = fundings(5)
    raw = carried(events)
    async with ParquetEventWriter(tmp_path) as writer:
        await writer.write_event(raw[0])
        await writer.write_batch([*ticks(3), *raw[1:]])
        if is_sealed:
            await writer.flush(seal=True)
        reader = EventReader(tmp_path)
        found = [event for event in reader.read_range(unknown="mapping") if isinstance(event, UnknownEvent)]
        assert [event.encoded for event in found] == [event.encoded for event in raw]
        assert [event["rate"] for event in found] == ["0.0000", "0.0001", "0.0002", "0.0003", "0.0004"]
        assert reader.count(event_type="raw_funding") == 5
        assert [(topic.event_type, topic.rows) for topic in reader.topics()] == [("raw_funding", 5), ("tick", 3)]
        last = reader.last_before(datetime(2025, 1, 1, tzinfo=UTC), unknown="mapping")
        assert last == raw[-1]
        with pytest.raises(UnknownEventTypeError, match="'raw_funding': import the module that defines it"):
            list(reader.read_range())
        assert [event.event_type for event in read(tmp_path, event_type="tick")] == ["tick"] * 3
        knows(Funding)
        assert read(tmp_path, event_type=Funding) == events
        assert reader.last_before(datetime(2025, 1, 1, tzinfo=UTC)) == events[-1]
        assert reader.read_table(event_type=Funding)["rate"].to_pylist() == [event.rate for event in events]
    assert list(verify(tmp_path)) == []


def test_a_topic_has_files_of_both_kinds_which_are_one_to_readers(tmp_path: Path, knows: Any) -> None:
    """Turned red by: merging files of columns with raw ones; a table that keeps the bytes where the class is known."""
    events = fundings(6)
    record(tmp_path, [*carried(events[0::3])])
    record(tmp_path, [*carried(events[1::3])])
    knows(Funding)
    record(tmp_path, events[2::3])
    assert len(files_of(tmp_path)) == 3
    assert read(tmp_path) == events
    table = EventReader(tmp_path).read_table()
    assert table["event_id"].to_pylist() == [event.event_id for event in events]
    assert table["rate"].to_pylist() == [event.rate for event in events]
    assert "_event" not in table.column_names
    done = compact(tmp_path)
    assert (done.merged, done.made, done.rows) == (2, 1, 4)
    assert read(tmp_path) == events
    assert list(verify(tmp_path)) == []
    knows(None)
    found = read(tmp_path, unknown="mapping")
    assert [event.event_id for event in found] == [event.event_id for event in events]
    assert [dict(event)["rate"] for event in found][1:3] == ["0.0001", events[2].rate]
    assert EventReader(tmp_path).read_table().num_rows == 6
    assert len(remove_days(tmp_path, before=datetime(2025, 1, 1, tzinfo=UTC).date())) == 1


def test_a_mapping_of_columns_whose_class_is_gone_cannot_be_recorded(tmp_path: Path, knows: Any) -> None:
    knows(Funding)
    record(tmp_path / "source", fundings(1))
    knows(None)
    [event] = read(tmp_path / "source", unknown="mapping")
    assert dict(event) | {"rate": None, "intervals": None} == {
        "event_id": "funding-0", "event_type": "raw_funding", "timestamp": START, "exchange": "binance",
        "symbol": "BTC/USDT", "metadata": {"number": 0}, "rate": None, "intervals": None,
    }  # fmt: skip
    with pytest.raises(UnstorableEventError, match="no class here is for its type"):
        record(tmp_path / "target", [event])


@pytest.mark.parametrize("limit", ["rows", "bytes"])
def test_large_topics_are_sealed_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    """Turned red by: a piece whose refused rows are asked again, or whose last row is left out."""
    monkeypatch.setattr(raw_topic_table, *(("CHUNK_ROWS", 7) if limit == "rows" else ("_MOST_BYTES", 1_000)))
    raw = carried(fundings(50))
    record(tmp_path, [*raw])
    [path] = files_of(tmp_path)
    assert pq.ParquetFile(tmp_path / path).metadata.num_row_groups > 5
    assert read(tmp_path, unknown="mapping") == raw


def test_a_writer_that_is_killed_has_lost_none(tmp_path: Path, knows: Any) -> None:
    events = fundings(20)
    raw = carried(events)

    async def write_and_die() -> None:
        writer = ParquetEventWriter(tmp_path, rotation=RotationPolicy(rows=8))
        for event in raw:
            await writer.write_event(event)
        os.kill(os.getpid(), signal.SIGKILL)

    os.waitpid(fork(lambda: asyncio.run(write_and_die())), 0)
    assert read(tmp_path, unknown="mapping") == raw
    record(tmp_path, [])
    assert read(tmp_path, unknown="mapping") == raw
    knows(Funding)
    assert read(tmp_path) == events


def test_a_release_that_knows_no_raw_files_refuses_them_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Turned red by: the version of other files."""
    record(tmp_path, [*carried(fundings(1)), *ticks(1)])
    monkeypatch.setattr(stored_schema, "RAW_VERSION", stored_schema.VERSION)
    with pytest.raises(CorruptFileError, match="its format has version 2, and this release reads up to 1"):
        list(EventReader(tmp_path).read_range())
    assert read(tmp_path, event_type="tick") == ticks(1)


def test_an_event_that_its_class_refuses_is_named_with_its_row(tmp_path: Path, knows: Any) -> None:
    raw = carried(fundings(3))
    encoded = raw[1].encoded
    assert encoded is not None
    record(tmp_path, [raw[0], UnknownEvent.of_bytes(encoded.replace(b"\xa60.0001", b"\xa6absurd")), raw[2]])
    knows(Funding)
    reader = EventReader(tmp_path)
    with pytest.raises(StoredEventError, match="absurd") as caught:
        list(reader.read_range())
    assert (caught.value.seq, caught.value.event_type, caught.value.field) == (2, "raw_funding", "rate")
    assert len(list(reader.read_range(invalid="skip"))) == 2
    assert reader.read_table(invalid="skip")["event_id"].to_pylist() == ["funding-0", "funding-2"]
    with pytest.raises(StoredEventError, match="absurd"):
        reader.read_table()


@pytest.mark.parametrize("column", ["event_type", "timestamp", "exchange", "symbol"])
def test_columns_that_say_another_topic_or_time_than_the_event_are_refused(column: str) -> None:
    """Turned red by: taking an event for one of the topic and the time that its columns say."""
    raw, other = carried(fundings(2))
    schema = RawSchema("raw_funding")
    [rows] = schema.encode([raw], [1]).to_batches()
    assert read_raw(rows, 0) == raw
    value = {"timestamp": other.timestamp}.get(column, "other")
    index = rows.schema.get_field_index(column)
    wrong = rows.set_column(index, column, pa.array([value], rows.column(index).type))
    with pytest.raises(EventDecodeError, match="its columns say another time or topic"):
        read_raw(wrong, 0)


async def test_they_are_replayed_as_they_came(tmp_path: Path) -> None:
    raw = carried(fundings(4))
    async with ParquetEventWriter(tmp_path) as writer:
        await writer.write_batch(raw)
    heard: list[BaseEvent] = []
    async with InMemoryEventBus() as bus:
        await bus.subscribe("events.*.binance", heard.append)
        await bus.subscribe("tick", heard.append)
        assert await EventReader(tmp_path).replay(bus, speed=None, unknown="mapping") == 4
    assert heard == raw
    base._CLASSES["raw_funding"] = Funding
    assert [decode_event(encode_event(event)) for event in heard] == fundings(4)


def test_wrong_words_are_refused_at_once(tmp_path: Path) -> None:
    record(tmp_path, ticks(1))
    with pytest.raises(ValueError, match="unknown must be 'raise' or 'mapping', not 'skip'"):
        EventReader(tmp_path).read_range(unknown="skip")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="UnknownEvent has no event types of its own"):
        EventReader(tmp_path).read_range(event_type=UnknownEvent)
