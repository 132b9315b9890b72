"""Paper trading: a random market, a strategy, a simulated broker, a position keeper and a recorder on one event bus.

    python examples/paper_trading.py live data/paper                     # a minute in real time, recorded
    python examples/paper_trading.py back-test data/paper                # the same strategy over what was recorded

And in two processes, over a Redis or Valkey server; start the first one first:

    python examples/paper_trading.py keep data/paper redis://localhost   # positions and recorder
    python examples/paper_trading.py live redis://localhost              # market, strategy and broker

The strategy and the broker are given a bus and a clock, and never ask which: they are the same in all three.
"""

import asyncio
import sys
from collections import deque
from collections.abc import Iterator
from decimal import Decimal
from random import Random
from statistics import mean

from trading.events import (
    Clock,
    HeartbeatEvent,
    HybridEventBus,
    IEventBus,
    InMemoryEventBus,
    LiveClock,
    OrderCancelledEvent,
    OrderEvent,
    OrderFilledEvent,
    OrderSubmittedEvent,
    Side,
    Timer,
    TradeEvent,
    use_clock,
)
from trading.events.persistence import EventReader, ParquetEventWriter

EXCHANGE, SYMBOL = "paper", "BTC/USDT"
TRADES, TRADE_EVERY_S = 240, 0.25
DECIDE_EVERY, DECIDE_AFTER_S, LEAST_GAP = 4, 0.1, 2
TIME_IN_FORCE_S = 3.0


def random_walk(seed: int) -> Iterator[tuple[Decimal, Decimal]]:
    """Prices and quantities, the same for the same seed."""
    random, price = Random(seed), Decimal("42000.00")
    while True:
        price += Decimal(random.randint(-500, 500)) / 100
        yield price, Decimal(random.randint(1, 500)) / 1000


async def run_market(bus: IEventBus, clock: Clock, *, seed: int = 7) -> None:
    """Publishes the trades of a market, and a heartbeat when it closes."""
    walk = random_walk(seed)
    for _ in range(TRADES):
        await clock.sleep(TRADE_EVERY_S)
        price, quantity = next(walk)
        await bus.publish(
            TradeEvent(
                exchange=EXCHANGE,
                symbol=SYMBOL,
                price=price,
                quantity=quantity,
                exchange_timestamp=clock.now(),
            )
        )
    await bus.publish(HeartbeatEvent(component="market", sequence=TRADES))


class Strategy:
    """Looks a moment after every fourth trade: buys below the mean of the last trades, and sells above it."""

    def __init__(self, bus: IEventBus, clock: Clock) -> None:
        self._bus = bus
        self._clock = clock
        self._prices: deque[Decimal] = deque(maxlen=20)
        self._open_order: str | None = None
        self._orders = self._trades = 0

    async def start(self) -> None:
        await self._bus.subscribe(TradeEvent, self.on_trade)
        await self._bus.subscribe(OrderFilledEvent, self.on_done)
        await self._bus.subscribe(OrderCancelledEvent, self.on_done)

    async def on_trade(self, trade: TradeEvent) -> None:
        self._prices.append(trade.price)
        self._trades += 1
        if self._trades % DECIDE_EVERY == 0:
            self._clock.call_later(DECIDE_AFTER_S, self.decide)

    async def on_done(self, event: OrderEvent) -> None:
        if event.order_id == self._open_order:
            self._open_order = None

    async def decide(self) -> None:
        gap = self._prices[-1] - mean(self._prices)
        if self._open_order is None and abs(gap) > LEAST_GAP:
            await self._submit("buy" if gap < 0 else "sell", self._prices[-1], abs(gap))

    async def _submit(self, side: Side, price: Decimal, gap: Decimal) -> None:
        self._orders += 1
        self._open_order = f"order-{self._orders}"
        await self._bus.publish(
            OrderSubmittedEvent(
                exchange=EXCHANGE,
                symbol=SYMBOL,
                order_id=self._open_order,
                client_order_id=self._open_order,
                side=side,
                order_type="limit",
                quantity=(gap / 100).quantize(Decimal("0.0001")),
                price=price - 1 if side == "buy" else price + 1,
            )
        )


class PaperBroker:
    """Fills an order when a trade reaches its price, and cancels it when its time is over."""

    def __init__(self, bus: IEventBus, clock: Clock) -> None:
        self._bus = bus
        self._clock = clock
        self._open: dict[str, tuple[OrderSubmittedEvent, Timer]] = {}

    async def start(self) -> None:
        await self._bus.subscribe(OrderSubmittedEvent, self.on_order)
        await self._bus.subscribe(TradeEvent, self.on_trade)

    async def on_order(self, order: OrderSubmittedEvent) -> None:
        self._open[order.order_id] = (order, self._clock.call_later(TIME_IN_FORCE_S, self.cancel, order))

    async def on_trade(self, trade: TradeEvent) -> None:
        for order, timer in tuple(self._open.values()):
            price = order.price or trade.price
            if trade.price <= price if order.side == "buy" else trade.price >= price:
                timer.cancel()
                await self.fill(order, price)

    async def fill(self, order: OrderSubmittedEvent, price: Decimal) -> None:
        del self._open[order.order_id]
        await self._bus.publish(
            OrderFilledEvent(
                exchange=order.exchange,
                symbol=order.symbol,
                order_id=order.order_id,
                fill_id=f"fill-{order.order_id}",
                side=order.side,
                price=price,
                quantity=order.quantity,
                order_quantity=order.quantity,
                cumulative_quantity=order.quantity,
                remaining_quantity=Decimal(0),
            )
        )

    async def cancel(self, order: OrderSubmittedEvent) -> None:
        del self._open[order.order_id]
        await self._bus.publish(
            OrderCancelledEvent(
                exchange=order.exchange,
                symbol=order.symbol,
                order_id=order.order_id,
                reason=f"not filled in {TIME_IN_FORCE_S:g} s",
                remaining_quantity=order.quantity,
            )
        )


class PositionKeeper:
    """Keeps what is held and what was paid for it."""

    def __init__(self) -> None:
        self.position = Decimal(0)
        self.cash = Decimal(0)

    def on_fill(self, fill: OrderFilledEvent) -> None:
        bought = fill.quantity if fill.side == "buy" else -fill.quantity
        self.position += bought
        self.cash -= bought * fill.price


async def live(store: str, clock: Clock) -> PositionKeeper:
    """Everything in one process. The writer is entered first, so that it is closed last and has everything."""
    keeper = PositionKeeper()
    with use_clock(clock):
        async with ParquetEventWriter(store) as writer, InMemoryEventBus() as bus:
            await bus.subscribe("*", writer.write_event)
            await bus.subscribe(OrderFilledEvent, keeper.on_fill)
            await Strategy(bus, clock).start()
            await PaperBroker(bus, clock).start()
            await run_market(bus, clock)
    return keeper


async def back_test(store: str, *, speed: float | None = None) -> tuple[PositionKeeper, list[OrderEvent]]:
    """The recorded trades again, for the same strategy and broker; speed None is as fast as possible."""
    keeper, orders = PositionKeeper(), list[OrderEvent]()
    async with InMemoryEventBus() as bus:
        replay = EventReader(store).replay(bus, event_type=TradeEvent, speed=speed, lockstep=True)
        with use_clock(replay.clock):
            await bus.subscribe(OrderEvent, orders.append)
            await bus.subscribe(OrderFilledEvent, keeper.on_fill)
            await Strategy(bus, replay.clock).start()
            await PaperBroker(bus, replay.clock).start()
            await replay
    return keeper, orders


async def live_over_server(url: str, clock: Clock) -> None:
    """The market, the strategy and the broker; what they publish goes to the server, too."""
    with use_clock(clock):
        async with HybridEventBus(url) as bus:
            await Strategy(bus, clock).start()
            await PaperBroker(bus, clock).start()
            await run_market(bus, clock)


async def keep(store: str, url: str) -> PositionKeeper:
    """The positions and the recorder, in a process of their own, until the market closes."""
    keeper, is_over = PositionKeeper(), asyncio.Event()
    async with ParquetEventWriter(store) as writer, HybridEventBus(url) as bus:
        await bus.subscribe("*", writer.write_event)
        await bus.subscribe(OrderFilledEvent, keeper.on_fill)
        await bus.subscribe(HeartbeatEvent, lambda _: is_over.set())
        print("ready", flush=True)
        await is_over.wait()
    return keeper


async def main(command: str, *places: str) -> None:
    match command, places:
        case "live", [url] if "://" in url:
            await live_over_server(url, LiveClock())
            return
        case "live", [store]:
            keeper = await live(store, LiveClock())
        case "back-test", [store]:
            keeper, _ = await back_test(store)
        case "keep", [store, url]:
            keeper = await keep(store, url)
        case _:
            raise SystemExit(__doc__)
    print(f"position {keeper.position}, cash {keeper.cash}")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:] or [""]))
