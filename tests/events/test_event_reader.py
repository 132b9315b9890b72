"""EventReader: every query is answered as a plain filter over a list would answer it."""

import asyncio
import threading
from datetime import UTC, date, datetime, timedelta, timezone
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.events.recording import START, read, record, tick, ticks
from tests.events.samples import sample
from tests.events.virtual_time import run_in_virtual_time
from trading.events._core import compose_topic, matches
from trading.events.base import BaseEvent
from trading.events.errors import StorePathError
from trading.events.filters import (
    combined_filter,
    event_type_filter,
    exchange_filter,
    not_filter,
    symbol_filter,
    time_range_filter,
)
from trading.events.market_data import MarketDataEvent, TickEvent, TradeEvent
from trading.events.order import OrderAcceptedEvent, OrderEvent, OrderExpiredEvent
from trading.events.persistence import EventRange, EventReader, event_range, merge
from trading.events.persistence.selection import select
from trading.events.persistence.stored_schema import FileTopic
from trading.events.persistence.window import _CHUNK_EVENTS
from trading.events.system import HeartbeatEvent

CLASSES: list[type[BaseEvent]] = [TickEvent, TradeEvent, OrderAcceptedEvent, OrderExpiredEvent, HeartbeatEvent]
SYMBOLS = ["BTC/USDT", "BTCUSDT", "btc/usdt", "ETH/USDT"]
EXCHANGES = ["binance", "okx", "OKX"]


def make(cls: type[BaseEvent], second: int, exchange: str, symbol: str) -> BaseEvent:
    place = {} if cls is HeartbeatEvent else {"exchange": exchange, "symbol": symbol}
    return sample(cls, timestamp=START + timedelta(seconds=second), **place)


seconds = st.sampled_from([-86_401, -86_400, -1, 0, 1, 2, 3, 86_399, 86_400])
recordings = st.lists(
    st.builds(make, st.sampled_from(CLASSES), seconds, st.sampled_from(EXCHANGES), st.sampled_from(SYMBOLS)),
    max_size=20,
)
moments = st.none() | seconds.map(lambda second: START + timedelta(seconds=second))
event_types: st.SearchStrategy[Any] = st.none() | st.sampled_from(
    [
        *("tick", "order_accepted", "bar", OrderEvent, MarketDataEvent, TickEvent, BaseEvent, [TradeEvent, "tick"], []),
        *("order_*", "*", "t?ck", "events.*.okx", "events.tick.*.BTC*", ["events.heartbeat._._", "order_expired"]),
    ]
)
exchanges = (
    st.none() | st.sampled_from([*EXCHANGES, "*", "o*", "?kx"]) | st.lists(st.sampled_from([*EXCHANGES, "bin*"]))
)
symbols = (
    st.none() | st.sampled_from([*SYMBOLS, "nothing", "*", "BTC*", "???/USDT"]) | st.lists(st.sampled_from(SYMBOLS))
)
predefined: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(SYMBOLS).map(symbol_filter),
    st.sampled_from(EXCHANGES).map(exchange_filter),
    st.sampled_from(["tick", OrderEvent, TradeEvent]).map(event_type_filter),
    seconds.map(lambda second: time_range_filter(START + timedelta(seconds=second))),
    seconds.map(lambda second: time_range_filter(end=START + timedelta(seconds=second))),
    st.just(lambda event: event.event_id[-1] in "02468ace"),
)
filters: st.SearchStrategy[Any] = st.none() | st.recursive(
    predefined,
    lambda inner: (
        st.builds(combined_filter, inner, inner, mode=st.sampled_from(["and", "or"])) | st.builds(not_filter, inner)
    ),
    max_leaves=4,
)


def is_like(value: str | None, chosen: Any) -> bool:
    if chosen is None:
        return True
    several = [chosen] if isinstance(chosen, str) else chosen
    return any(fnmatchcase("_" if value is None else value, each) for each in several)


def is_of_type(event: BaseEvent, chosen: Any) -> bool:
    if chosen is None:
        return True
    if isinstance(chosen, str):
        return matches(chosen, event.topic)
    if isinstance(chosen, list):
        return any(is_of_type(event, each) for each in chosen)
    return isinstance(event, chosen)


queries = st.fixed_dictionaries(
    {"event_type": event_types, "exchange": exchanges, "symbol": symbols, "filter": filters}
)


def spans(events: list[BaseEvent]) -> dict[Any, tuple[int, datetime, datetime]]:
    found: dict[Any, tuple[int, datetime, datetime]] = {}
    for event in events:
        count, first, _ = found.get(event.topic, (0, event.timestamp, None))
        found[event.topic] = count + 1, first, event.timestamp
    return found


@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(recordings, st.lists(st.tuples(moments, moments, queries), min_size=1, max_size=4))
def test_a_query_gives_what_a_filter_over_a_list_gives(
    tmp_path_factory: pytest.TempPathFactory,
    recording: list[BaseEvent],
    asked: list[tuple[datetime | None, datetime | None, dict[str, Any]]],
) -> None:
    store = tmp_path_factory.mktemp("store")
    record(store, recording)
    reader = EventReader(store)
    for start, end, query in asked:
        chosen = [
            event
            for event in sorted(recording, key=lambda event: event.timestamp)
            if is_of_type(event, query["event_type"])
            and is_like(event.exchange, query["exchange"])
            and is_like(event.symbol, query["symbol"])
            and (query["filter"] is None or query["filter"](event))
        ]
        expected = [
            event
            for event in chosen
            if (start is None or event.timestamp >= start) and (end is None or event.timestamp < end)
        ]
        assert list(reader.read_range(start, end, **query)) == expected
        assert asyncio.run(collect(reader.read_range(start, end, **query))) == expected
        assert reader.read_table(start, end, **query)["event_id"].to_pylist() == [each.event_id for each in expected]
        assert reader.count(start, end, **query) == len(expected)
        assert reader.time_span(**query) == ((chosen[0].timestamp, chosen[-1].timestamp) if chosen else None)
        if end is not None:
            before = [event for event in chosen if event.timestamp < end]
            assert reader.last_before(end, **query) == (before[-1] if before else None)
        if query["filter"] is None and start is end is None:
            topics = {
                compose_topic(topic.event_type, topic.exchange, topic.symbol): (topic.rows, topic.first, topic.last)
                for topic in reader.topics(**query)
            }
            assert topics == spans(chosen)


async def collect(events: EventRange) -> list[BaseEvent]:
    return [event async for event in events]


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
    reader = EventReader(tmp_path)
    assert reader.base_path == tmp_path
    assert list(reader.read_range()) == list(reader.files()) == reader.topics() == []
    assert (reader.count(), reader.time_span()) == (0, None)
    assert reader.read_table().column_names == [*BaseEvent.model_fields, "_seq"]
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
