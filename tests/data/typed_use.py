"""How a user's code reads to a type checker. A line that ends in `# refused` must be an error, any other must not."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, Required, TypedDict, Unpack, assert_type

from trading.events import (
    Amount,
    BaseEvent,
    BookLevel,
    HeartbeatEvent,
    IEventBus,
    InMemoryEventBus,
    MarketDataEvent,
    OrderBookEvent,
    OrderEvent,
    OrderFilledEvent,
    TickEvent,
    TradeEvent,
    events_from_table,
    exchange_filter,
    not_filter,
    symbol_filter,
)
from trading.events.arguments import MarketDataEventArguments, Number
from trading.events.codec import ArrowStream
from trading.events.persistence import EventRange, EventReader, ParquetEventWriter, Replay


class Instrument(TypedDict):
    exchange: str
    symbol: str


TIME = datetime(2024, 1, 1, tzinfo=UTC)


async def on_tick(event: TickEvent) -> None:
    assert_type(event.last, Decimal | None)


def on_any(event: BaseEvent) -> None:
    assert_type(event.topic, str)


async def on_order(event: OrderEvent) -> None:
    assert_type(event.symbol, str)


async def on_trade(event: TradeEvent) -> None:
    assert_type(event.price, Decimal)


async def subscribe(bus: IEventBus) -> None:
    assert_type(await bus.subscribe(TickEvent, on_tick), str)
    await bus.subscribe(TickEvent, on_any)
    await bus.subscribe(OrderFilledEvent, on_order)
    await bus.subscribe("tick", on_any, symbol_filter("BTC/USDT") & ~exchange_filter("binance"))
    await bus.subscribe("tick", on_any, filter=lambda event: event.symbol == "BTC/USDT")
    await bus.subscribe(TickEvent, on_tick, lambda event: event.last is not None)
    await bus.subscribe(TickEvent, on_tick, not_filter(lambda event: event.symbol is None))
    await bus.subscribe(TickEvent, on_trade)  # refused
    await bus.subscribe(OrderEvent, on_tick)  # refused
    await bus.subscribe("tick", on_any, "BTC/USDT")  # refused
    await bus.subscribe(42, on_any)  # refused


async def publish(bus: InMemoryEventBus, tick: TickEvent) -> None:
    await bus.publish(tick)
    await bus.publish_batch([tick, tick])
    bus.publish_nowait(tick)
    await bus.publish("tick")  # refused
    await bus.publish_batch(tick)  # refused


async def use_the_rest(bus: InMemoryEventBus) -> None:
    await bus.subscribe("tick", on_any, capacity=10, overflow="drop_oldest", name="strategy-a")
    await bus.subscribe("tick", on_any, overflow="explode")  # refused
    async with InMemoryEventBus() as another:
        assert_type(another, InMemoryEventBus)

    @bus.on(TickEvent)
    async def heard(event: TickEvent) -> None:
        assert_type(event.raw_symbol, str)

    @bus.on(OrderFilledEvent, lambda event: event.is_full, capacity=10)
    @bus.on(TickEvent)
    def heard_of_both(event: OrderFilledEvent | TickEvent) -> int:
        return len(event.topic)

    assert_type(heard_of_both(1), int)

    @bus.on("tick")
    async def heard_by_name(event: TickEvent) -> None:
        assert_type(event.raw_symbol, str)

    bus.on(TickEvent)(on_any)
    bus.on(OrderEvent)(on_order)
    bus.on(TickEvent)(on_trade)  # refused
    bus.on(OrderEvent)(on_tick)  # refused
    bus.on(TickEvent, lambda event: event.price)(on_tick)  # refused
    bus.on(TickEvent, overflow="explode")(on_tick)  # refused
    bus.on(42)(on_any)  # refused

    async for event in bus.stream(TickEvent):
        assert_type(event, TickEvent)
    async for any_event in bus.stream("tick"):
        assert_type(any_event, Any)


async def store(bus: InMemoryEventBus, writer: ParquetEventWriter, reader: EventReader) -> None:
    await bus.subscribe("*", writer.write_event)
    await bus.caught_up(await bus.subscribe(TickEvent, print, start=TIME, store=reader))
    for event in reader.read_range(TIME, TIME, symbol="BTC/USDT"):
        assert_type(event, BaseEvent)
    for tick in reader.read_range(TIME, event_type=TickEvent, exchange="binance", speed=2.0):
        assert_type(tick, TickEvent)
    async for tick_or_trade in reader.read_range(event_type=(TickEvent, TradeEvent)):
        assert_type(tick_or_trade, TickEvent | TradeEvent)
    for one_of_three in reader.read_range(event_type=(TickEvent, TradeEvent, OrderFilledEvent), symbol=["A", "B"]):
        assert_type(one_of_three, TickEvent | TradeEvent | OrderFilledEvent)
    for one_of_a_list in reader.read_range(event_type=[TickEvent, TradeEvent]):  # to mypy it is a BaseEvent
        assert_type(one_of_a_list.topic, str)
    for named in reader.read_range(event_type="tick"):
        assert_type(named, BaseEvent)
    ticks: EventRange[TickEvent] = reader.read_range(event_type=TickEvent)
    everything: EventRange = ticks
    trades: EventRange[TradeEvent] = ticks  # refused
    reader.read_range(event_type=TickEvent, exchanges="binance")  # refused
    reader.read_range(event_type=42)  # refused
    assert_type(reader.last_before(TIME, event_type=TradeEvent), TradeEvent | None)
    assert_type(reader.last_before(TIME), BaseEvent | None)
    assert_type(await reader.replay(bus, event_type=TickEvent, speed=None), int)
    replay: Replay[TickEvent] = reader.replay(bus, event_type=TickEvent)
    assert_type(bus.history.query(TickEvent), list[TickEvent])
    assert_type(bus.history.query([TickEvent]), list[TickEvent])
    assert_type(bus.history.query("tick"), list[Any])
    await replay.run()
    on_any(next(iter(everything)))
    assert_type(next(iter(trades)), TradeEvent)


async def take_tables(table: ArrowStream, writer: ParquetEventWriter) -> None:
    assert_type(events_from_table(table, TickEvent), list[TickEvent])
    assert_type(await writer.write_table(table, TickEvent, exchange="binance", tz="UTC"), int)
    await writer.write_table(table, TickEvent, time_unit="hours")  # refused
    events_from_table([1, 2], TickEvent)  # refused
    events_from_table(table, dict)  # refused


def make_events() -> None:
    tick = TickEvent(exchange="binance", symbol="BTC/USDT", raw_symbol="BTCUSDT", exchange_timestamp=TIME)
    tick.last = Decimal(1)  # refused
    TickEvent(exchange="binance", symbol="BTC/USDT")  # refused


def make_of_what_constructors_take(order_filled: OrderFilledEvent) -> None:
    market: Instrument = {"exchange": "binance", "symbol": "BTC/USDT"}
    trade = TradeEvent(**market, price=42000.1, quantity=1, exchange_timestamp="2024-01-01T00:00:00Z", timestamp=TIME)
    assert_type(trade.price, Decimal)
    TradeEvent(
        **market, price="42000.10", quantity=Decimal(1), exchange_timestamp=TIME, side="buy", metadata={"a": [1]}
    )
    level = BookLevel(price="1.5", quantity=2)
    OrderBookEvent(**market, kind="delta", bids=[level, {"price": 1, "quantity": 0}], exchange_timestamp=TIME)
    HeartbeatEvent(component="feed", sequence=1, interval_s=0.5)
    TradeEvent(**market, price=None, quantity=1, exchange_timestamp=TIME)  # refused
    TradeEvent(**market, price=[1], quantity=1, exchange_timestamp=TIME)  # refused
    TradeEvent(**market, price=1, quantity=1, exchange_timestamp=TIME, side="BUY")  # refused
    TradeEvent(**market, price=1, quantity=1, exchange_timestamp=1704067200)  # refused
    TradeEvent(**market, prise=1, price=1, quantity=1, exchange_timestamp=TIME)  # refused
    OrderBookEvent(**market, kind="delta", bids=[(1, 2)], exchange_timestamp=TIME)  # refused
    HeartbeatEvent(component="feed", sequence="1", interval_s=0.5)  # refused
    HeartbeatEvent("feed", 1, 0.5)  # refused
    assert_type(order_filled.model_copy(update={"price": 2}), OrderFilledEvent)


class FundingRateArguments(MarketDataEventArguments, total=False):
    rate: Required[Number]


class FundingRateEvent(MarketDataEvent):
    event_type: Literal["funding_rate"] = "funding_rate"
    rate: Amount

    if TYPE_CHECKING:

        def __init__(self, **arguments: Unpack[FundingRateArguments]) -> None: ...


class PlainRateEvent(MarketDataEvent):
    event_type: Literal["plain_rate"] = "plain_rate"
    rate: Amount


def make_events_of_classes_of_ones_own() -> None:
    assert_type(
        FundingRateEvent(exchange="binance", symbol="BTC/USDT", rate="0.0001", timestamp="2024-01-01").rate, Decimal
    )
    FundingRateEvent(exchange="binance", symbol="BTC/USDT")  # refused
    PlainRateEvent(exchange="binance", symbol="BTC/USDT", rate=Decimal("0.0001"))
    PlainRateEvent(exchange="binance", symbol="BTC/USDT", rate="0.0001")  # refused
