"""EventReader: every query is answered as a plain filter over a list would answer it."""

import asyncio
import threading
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from tests.support.classes.samples import sample
from tests.support.recording import START, read, record, tick, ticks
from tests.support.virtual_time import run_in_virtual_time
from trading.events.base import BaseEvent
from trading.events.errors import StorePathError
from trading.events.filters import (
    combined_filter,
    symbol_filter,
)
from trading.events.market_data import TickEvent, TradeEvent
from trading.events.order import OrderAcceptedEvent, OrderEvent, OrderExpiredEvent
from trading.events.persistence import EventReader
from trading.events.persistence.parquet.reading import merge
from trading.events.persistence.parquet.reading.merge_buffer import _CHUNK_EVENTS
from trading.events.persistence.replay import event_range
from trading.events.persistence.schema.stored_schema import FileTopic
from trading.events.persistence.selection import select
from trading.events.system import HeartbeatEvent

CLASSES: list[type[BaseEvent]] = [TickEvent, TradeEvent, OrderAcceptedEvent, OrderExpiredEvent, HeartbeatEvent]


def test_the_first_moment_is_in_the_range_and_the_last_is_not(tmp_path: Path) -> None:
    record(tmp_path, ticks(3))
    first, middle, last = (event.timestamp for event in ticks(3))
    reader = EventReader(tmp_path)
    for start, end, expected in [
        (last, None, 1), (first, None, 3), (None, first, 0), (None, last, 2), (first, last, 2), (middle, middle, 0),
        (last, first, 0), (None, last + timedelta(microseconds=1), 3), (last + timedelta(microseconds=1), None, 0),
    ]:  # fmt: skip
        assert len(list(reader.read_range(start, end))) == expected
        assert reader.count(start, end) == reader.read_table(start, end).num_rows == expected
    assert reader.topics(end=first) == reader.topics(last + timedelta(microseconds=1)) == []


def test_a_class_stands_for_its_subclasses_and_a_text_for_one_type(tmp_path: Path) -> None:
    record(tmp_path, [sample(cls, timestamp=START) for cls in CLASSES])

    def types(chosen: Any) -> list[str]:
        return [event.event_type for event in read(tmp_path, event_type=chosen)]

    assert types(OrderEvent) == ["order_accepted", "order_expired"]
    assert types([OrderEvent, "tick"]) == ["tick", "order_accepted", "order_expired"]
    assert types(OrderExpiredEvent) == types("order_expired") == ["order_expired"]
    assert types(BaseEvent) == types(None) == [cls.model_fields["event_type"].default for cls in CLASSES]


def test_a_topic_is_chosen_by_its_true_names_whatever_their_spelling() -> None:
    selection = select(None, None, event_type="tick", exchange="binance", symbol=["A", "B"])
    topic = FileTopic(event_type="tick", exchange="binance", symbol="A")
    assert selection.wants_topic(topic)
    for change in ({"event_type": "trade"}, {"exchange": None}, {"exchange": "okx"}, {"symbol": "C"}, {"symbol": None}):
        assert not selection.wants_topic(topic.model_copy(update=change))


def test_for_and_async_for_give_the_same_any_number_of_times(tmp_path: Path) -> None:
    recorded = ticks(_CHUNK_EVENTS + 1)
    record(tmp_path, recorded)
    events = EventReader(tmp_path).read_range()

    async def collect() -> list[BaseEvent]:
        return [event async for event in events]

    assert list(events) == asyncio.run(collect()) == list(events) == recorded


@pytest.mark.parametrize("count", [0, 1, _CHUNK_EVENTS, 2 * _CHUNK_EVENTS])
def test_async_for_ends_after_the_last_event(tmp_path: Path, count: int) -> None:
    record(tmp_path, ticks(count))

    async def collect() -> list[BaseEvent]:
        return [event async for event in EventReader(tmp_path).read_range()]

    assert asyncio.run(collect()) == ticks(count)


async def test_async_for_leaves_the_loop_free_and_can_be_cancelled_while_it_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asyncio.to_thread(record, tmp_path, ticks(3))
    reading, go_on = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    real_merge = merge.merge

    def slow_merge(*args: Any, **more: Any) -> Any:
        loop.call_soon_threadsafe(reading.set)
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result()
        yield from real_merge(*args, **more)

    monkeypatch.setattr("trading.events.persistence.reader.merge", slow_merge)

    async def collect() -> list[BaseEvent]:
        return [event async for event in EventReader(tmp_path).read_range()]

    task = asyncio.create_task(collect())
    await reading.wait()
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("speed", [1.0, 4.0, 0.5])
def test_a_range_keeps_the_original_timing_at_any_factor(tmp_path: Path, speed: float) -> None:
    record(tmp_path, [tick(number, after_s=second) for number, second in enumerate([0, 1, 1, 61, 3600])])

    async def collect() -> list[float]:
        clock = asyncio.get_running_loop().time
        start = clock()
        return [clock() - start async for _ in EventReader(tmp_path).read_range(speed=speed)]

    arrivals = run_in_virtual_time(collect())
    assert arrivals == pytest.approx([second / speed for second in [0, 1, 1, 61, 3600]], abs=1e-3)


def test_a_plain_for_sleeps_to_keep_the_timing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000.0
    naps: list[float] = []

    def sleep(length_s: float) -> None:
        nonlocal now
        if threading.current_thread() is threading.main_thread():
            now += length_s + 0.25
            naps.append(length_s)

    monkeypatch.setattr(event_range.time, "monotonic", lambda: now)
    monkeypatch.setattr(event_range.time, "sleep", sleep)
    record(tmp_path, [tick(number, after_s=second) for number, second in enumerate([0, 1, 2, 2.1, 10])])

    arrivals = [now - 1_000.0 for _ in EventReader(tmp_path).read_range(speed=1.0)]

    assert naps == pytest.approx([0.0, 0.75, 0.75, 0.0, 7.5])
    assert arrivals == pytest.approx([0.25, 1.25, 2.25, 2.5, 10.25])


@pytest.mark.parametrize("speed", [0, -1.0, float("nan"), float("inf")])
def test_an_impossible_speed_is_refused(tmp_path: Path, speed: float) -> None:
    record(tmp_path, [])
    reader = EventReader(tmp_path)
    with pytest.raises(ValueError, match="speed must be above zero, or None"):
        reader.read_range(speed=speed)
    with pytest.raises(ValueError, match="speed must be above zero, or None"):
        reader.replay(None, speed=speed)


def test_a_naive_datetime_is_in_utc_and_any_other_zone_is_understood(tmp_path: Path) -> None:
    record(tmp_path, ticks(3))
    naive = datetime(2024, 1, 1, 0, 0, 1)
    nepal = datetime(2024, 1, 1, 5, 45, 1, tzinfo=timezone(timedelta(hours=5, minutes=45)))
    assert read(tmp_path, naive) == read(tmp_path, nepal) == ticks(3)[1:]
    assert read(tmp_path, None, naive) == ticks(1)
    assert read(tmp_path, datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)) == ticks(3)


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"start": date(2024, 1, 1)}, TypeError, "start must be a datetime"),
        ({"end": "2024-01-01"}, TypeError, "end must be a datetime"),
        ({"start": TickEvent}, TypeError, "start must be a datetime, .*; a class goes by name: event_type=TickEvent"),
        ({"event_type": "no type"}, ValueError, "cannot be an event type"),
        ({"event_type": int}, TypeError, "event_type must be a text or an event class"),
        ({"event_type": [tick()]}, TypeError, "event_type must be a text or an event class"),
        ({"exchange": 1}, TypeError, "exchange must be a text"),
        ({"symbol": [None]}, TypeError, "symbol must be a text"),
    ],
)
def test_a_wrong_argument_is_refused_at_once(
    tmp_path: Path, wrong: dict[str, Any], error: type[Exception], message: str
) -> None:
    record(tmp_path, [])
    with pytest.raises(error, match=message):
        EventReader(tmp_path).read_range(**wrong)


def test_a_store_that_is_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorePathError, match="nowhere does not exist"):
        EventReader(tmp_path / "nowhere")
    with pytest.raises(StorePathError, match="file is not a folder"):
        EventReader(tmp_path / "file")
    with pytest.raises(ValueError, match="on_error must be 'raise' or 'warn'"):
        EventReader(tmp_path, on_error="ignore")


def test_an_empty_store_has_nothing(tmp_path: Path) -> None:
    record(tmp_path, [])
    reader = EventReader(tmp_path)
    assert reader.base_path == tmp_path
    assert list(reader.read_range()) == list(reader.files()) == reader.topics() == []
    assert (reader.count(), reader.time_span()) == (0, None)
    assert reader.read_table().column_names == list(BaseEvent.model_fields)
    assert reader.read_table(exact=True).column_names == [*BaseEvent.model_fields, "_seq"]
    assert "bid" in reader.read_table(event_type="tick").column_names
    assert reader.read_table(event_type="tick").num_rows == 0


def test_a_reader_needs_no_writer_and_disturbs_none(tmp_path: Path) -> None:
    record(tmp_path, ticks(2))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    (tmp_path / ".lock").unlink()
    assert read(tmp_path) == ticks(2)
    assert set(tmp_path.rglob("*")) == set(before) - {tmp_path / ".lock"}


def test_frames_hold_what_the_table_holds(tmp_path: Path) -> None:
    record(tmp_path, [*ticks(3), sample(HeartbeatEvent, timestamp=START)])
    reader = EventReader(tmp_path)
    table = reader.read_table(event_type="tick")
    frame = reader.to_polars(event_type="tick")
    assert frame["bid"].to_list() == table["bid"].to_pylist()
    assert frame.columns == table.column_names
    exact = reader.to_pandas(event_type="tick")
    assert exact["bid"].tolist() == table["bid"].to_pylist()
    assert list(exact.columns) == table.column_names
    assert len(reader.to_polars(end=START + timedelta(seconds=1))) == 2


def test_a_filter_that_raises_is_heard_of(tmp_path: Path) -> None:
    record(tmp_path, ticks(3))
    with pytest.raises(ZeroDivisionError):
        list(EventReader(tmp_path).read_range(filter=lambda event: 1 / (event.bid - 1)))
    with pytest.raises(TypeError, match="is no filter: it cannot be called"):
        EventReader(tmp_path).read_range(filter="tick")


def test_what_filters_decide_of_topics_and_times_costs_no_event(tmp_path: Path) -> None:
    record(tmp_path, ticks(3))
    asked: list[str] = []
    custom = combined_filter(symbol_filter("OTHER"), lambda event: asked.append(event.event_id))
    assert list(EventReader(tmp_path).read_range(filter=custom)) == []
    assert EventReader(tmp_path).count(filter=~custom) == 3
    assert asked == []
