"""How a user's code reads to a type checker. A line that ends in `# refused` must be an error, any other must not."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, assert_type

from trading.events import (
    BaseEvent,
    IEventBus,
    InMemoryEventBus,
    OrderEvent,
    OrderFilledEvent,
    TickEvent,
    TradeEvent,
    exchange_filter,
    not_filter,
    symbol_filter,
)
from trading.events.persistence import EventReader, ParquetEventWriter

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

    async for event in bus.stream(TickEvent):
        assert_type(event, TickEvent)
    async for any_event in bus.stream("tick"):
        assert_type(any_event, Any)


async def store(bus: InMemoryEventBus, writer: ParquetEventWriter, reader: EventReader) -> None:
    await bus.subscribe("*", writer.write_event)
    await bus.caught_up(await bus.subscribe(TickEvent, print, start=TIME, store=reader))
    for event in reader.read_range(TIME, TIME, symbol="BTC/USDT"):
        assert_type(event, BaseEvent)


def make_events() -> None:
    tick = TickEvent(exchange="binance", symbol="BTC/USDT", raw_symbol="BTCUSDT", exchange_timestamp=TIME)
    tick.last = Decimal(1)  # refused
    TickEvent(exchange="binance", symbol="BTC/USDT")  # refused
