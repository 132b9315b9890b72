"""What every reader promises: each query is what a plain filter over the list of all events is."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.contract.store.test_writers import exactly
from tests.support.classes.samples import sample
from tests.support.recording import START, tick
from tests.support.stores.kinds import ARCTIC_BYTES
from trading.events.base import BaseEvent
from trading.events.codec import table_to_events
from trading.events.errors import StorePathError
from trading.events.filters import exchange_filter, symbol_filter, time_range_filter
from trading.events.market_data import MarketDataEvent, TickEvent, TradeEvent
from trading.events.memory_bus import InMemoryEventBus
from trading.events.order import OrderEvent, OrderRejectedEvent
from trading.events.persistence import (
    ArcticEventReader,
    ArcticEventWriter,
    EventReader,
    IEventReader,
    ParquetEventWriter,
)
from trading.events.system import HeartbeatEvent


def at(second: float) -> datetime:
    return START + timedelta(seconds=second)


def recording() -> list[BaseEvent]:
    """Events of several classes, venues and symbols, with ties, late ones and ones without names, over three days."""
    events: list[BaseEvent] = []
    for number in range(30):
        events += [
            tick(number, symbol="BTC/USDT", exchange="binance"),
            tick(number, symbol="btc/usdt", exchange="okx", event_id=f"o-{number}"),
            sample(TradeEvent, timestamp=at(number * 7_200), exchange="binance", symbol="ETH/USDT", price=number),
        ]
    events.append(sample(OrderRejectedEvent, timestamp=at(5), symbol="BTC/USDT"))
    events += [sample(HeartbeatEvent, timestamp=at(number), sequence=number) for number in (3, 3, 1)]
    events.append(tick(2, symbol="BTC/USDT", event_id="late", bid=Decimal("1E-30")))
    return events


EVENTS = recording()
ORDERED = sorted(EVENTS, key=lambda event: event.timestamp)


@pytest.fixture(scope="module", params=["parquet", "arctic"])
def reader(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> IEventReader:
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "arctic":
        asyncio.run(fill(ArcticEventWriter(folder, capacity_bytes=ARCTIC_BYTES)))
        return ArcticEventReader(folder, capacity_bytes=ARCTIC_BYTES)
    asyncio.run(fill(ParquetEventWriter(folder)))
    return EventReader(folder)


async def fill(writer: Any) -> None:
    async with writer:
        await writer.write_batch(EVENTS[:40])
        await writer.flush()
        for event in EVENTS[40:]:
            await writer.write_event(event)


QUERIES: list[tuple[str, dict[str, Any], Callable[[BaseEvent], bool]]] = [
    ("everything", {}, lambda e: True),
    ("from a moment", {"start": at(5)}, lambda e: e.timestamp >= at(5)),
    ("to a moment", {"end": at(5)}, lambda e: e.timestamp < at(5)),
    ("a range", {"start": at(3), "end": at(9)}, lambda e: at(3) <= e.timestamp < at(9)),
    ("a naive range", {"start": datetime(2024, 1, 1, 0, 0, 3)}, lambda e: e.timestamp >= at(3)),
    ("an empty range", {"start": at(9), "end": at(9)}, lambda e: False),
    ("a range before all", {"end": at(-1)}, lambda e: False),
    ("a range after all", {"start": at(10**7)}, lambda e: False),
    ("a type", {"event_type": "tick"}, lambda e: e.event_type == "tick"),
    ("a pattern of types", {"event_type": "t*"}, lambda e: e.event_type in {"tick", "trade"}),
    ("several types", {"event_type": ["tick", HeartbeatEvent]}, lambda e: isinstance(e, (TickEvent, HeartbeatEvent))),
    ("a class", {"event_type": MarketDataEvent}, lambda e: isinstance(e, MarketDataEvent)),
    ("another class", {"event_type": OrderEvent}, lambda e: isinstance(e, OrderEvent)),
    ("a topic", {"event_type": "events.tick.okx"}, lambda e: e.event_type == "tick" and e.exchange == "okx"),
    ("an exchange", {"exchange": "okx"}, lambda e: e.exchange == "okx"),
    ("a pattern of exchanges", {"exchange": "b*"}, lambda e: e.exchange == "binance"),
    ("a symbol", {"symbol": "BTC/USDT"}, lambda e: e.symbol == "BTC/USDT"),
    ("symbols", {"symbol": ["btc/usdt", "ETH/USDT"]}, lambda e: e.symbol in {"btc/usdt", "ETH/USDT"}),
    ("a pattern of symbols", {"symbol": "*/USDT"}, lambda e: (e.symbol or "").endswith("/USDT")),
    ("no symbol", {"symbol": "_"}, lambda e: e.symbol is None),
    ("an unknown symbol", {"symbol": "XRP/USDT"}, lambda e: False),
    ("a native filter", {"filter": symbol_filter("ETH/USDT")}, lambda e: e.symbol == "ETH/USDT"),
    ("a filter of time", {"filter": time_range_filter(at(1), at(4))}, lambda e: at(1) <= e.timestamp < at(4)),
    ("a negated filter", {"filter": ~exchange_filter("okx")}, lambda e: e.exchange != "okx"),
    ("any callable", {"filter": lambda e: e.event_id < "t"}, lambda e: e.event_id < "t"),
    (
        "all at once",
        {"start": at(1), "end": at(20), "event_type": "tick", "exchange": "binance", "filter": lambda e: e.bid > 3},
        lambda e: isinstance(e, TickEvent) and e.exchange == "binance" and 3 < (e.bid or 0) < 20,
    ),
]
each_query = pytest.mark.parametrize(("query", "passes"), [q[1:] for q in QUERIES], ids=[q[0] for q in QUERIES])


@each_query
def test_a_query_gives_the_selected_events_by_time_ties_in_the_order_of_recording(
    reader: IEventReader, query: dict[str, Any], passes: Callable[[BaseEvent], bool]
) -> None:
    expected = [event for event in ORDERED if passes(event)]
    assert exactly(reader.read_range(**query)) == exactly(expected)
    assert reader.count(**query) == len(expected)


@each_query
def test_topics_and_spans_of_a_query_are_those_of_its_events(
    reader: IEventReader, query: dict[str, Any], passes: Callable[[BaseEvent], bool]
) -> None:
    expected: dict[tuple[str, str | None, str | None], list[datetime]] = {}
    for event in filter(passes, ORDERED):
        expected.setdefault((event.event_type, event.exchange, event.symbol), []).append(event.timestamp)
    found = {(t.event_type, t.exchange, t.symbol): t for t in reader.topics(**query)}
    if isinstance(reader, ArcticEventReader):
        assert {names: (t.rows, t.first, t.last) for names, t in found.items()} == {
            names: (len(times), times[0], times[-1]) for names, times in expected.items()
        }
    else:
        assert expected.keys() <= found.keys()


@pytest.mark.parametrize("moment", [at(-1), at(0), at(2.5), at(3), at(4), at(10**7)])
@pytest.mark.parametrize(
    "criteria", [{}, {"event_type": "tick"}, {"symbol": "_"}, {"filter": lambda e: e.symbol is None}]
)
def test_the_last_event_before_a_moment_is_the_last_that_was_recorded(
    reader: IEventReader, moment: datetime, criteria: dict[str, Any]
) -> None:
    before = list(reader.read_range(end=moment, **criteria))
    last = reader.last_before(moment, **criteria)
    assert (last and last.event_id) == (before[-1].event_id if before else None)


def test_the_time_span_is_that_of_all_selected_events(reader: IEventReader) -> None:
    assert reader.time_span() == (ORDERED[0].timestamp, ORDERED[-1].timestamp)
    assert reader.time_span(event_type="heartbeat") == (at(1), at(3))
    assert reader.time_span(symbol="XRP/USDT") is None


def test_a_table_holds_the_same_events(reader: IEventReader) -> None:
    table = reader.read_table(event_type="tick", exchange="okx")
    assert table.num_rows == 30
    assert table.column("symbol").unique().to_pylist() == ["btc/usdt"]
    assert [f"{bid:f}" for bid in table.column("bid").cast("float64").to_pylist()[:2]] == ["0.000000", "1.000000"]
    exact = reader.read_table(event_type="tick", exchange="okx", exact=True)
    assert exactly(table_to_events(exact)) == exactly(e for e in ORDERED if e.exchange == "okx")


async def test_it_is_gone_over_with_async_for_and_more_than_once(reader: IEventReader) -> None:
    events = reader.read_range(event_type="heartbeat")
    assert [event.timestamp async for event in events] == [event.timestamp for event in events] == [at(1), at(3), at(3)]


def test_a_reading_may_be_left_before_its_end(reader: IEventReader) -> None:
    events = iter(reader.read_range())
    assert next(events).timestamp == ORDERED[0].timestamp
    events.close()


async def test_a_replay_publishes_the_same_events_in_the_same_order(reader: IEventReader) -> None:
    heard: list[BaseEvent] = []
    async with InMemoryEventBus() as bus:
        await bus.subscribe("*", heard.append)
        assert await reader.replay(bus, speed=None) == len(EVENTS)
        await bus.join()
    assert exactly(heard) == exactly(ORDERED)


async def test_a_subscription_may_begin_with_what_is_stored_and_go_on_live(reader: IEventReader) -> None:
    heard: list[BaseEvent] = []
    async with InMemoryEventBus() as bus:
        await bus.subscribe("*", heard.append, start=at(3), store=reader)
        await bus.publish(live := tick(99))
        await bus.join()
    assert exactly(heard) == exactly([*(event for event in ORDERED if event.timestamp >= at(3)), live])


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ({"start": "2024"}, TypeError),
        ({"event_type": 1}, TypeError),
        ({"event_type": "Tick!"}, ValueError),
        ({"symbol": 1}, TypeError),
        ({"filter": 1}, TypeError),
        ({"speed": 0}, ValueError),
    ],
)
def test_wrong_arguments_raise_at_once(reader: IEventReader, query: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        reader.read_range(**query)


@pytest.mark.parametrize("cls", [EventReader, ArcticEventReader])
def test_a_store_that_is_not_there_is_refused(cls: Any, tmp_path: Path) -> None:
    with pytest.raises(StorePathError, match="does not exist, so there are no recorded events"):
        cls(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    with pytest.raises(StorePathError, match="is not a folder"):
        cls(tmp_path / "file")
