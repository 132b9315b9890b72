"""A back-test: bars of trades, a crossing of moving averages, orders; the same at every speed, digit by digit."""

import asyncio
from collections import deque
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from tests.support.classes.samples import sample
from tests.support.recording import START, record
from tests.support.virtual_time import run_in_virtual_time
from trading.events.base import BaseEvent
from trading.events.market_data import BarEvent, TradeEvent
from trading.events.memory_bus import InMemoryEventBus
from trading.events.order import OrderSubmittedEvent
from trading.events.persistence import EventReader, ReplayClock

MINUTE = timedelta(minutes=1)


class BarBuilder:
    """Makes a bar of each minute's trades of a symbol, published when the next minute's first trade comes."""

    def __init__(self, bus: InMemoryEventBus) -> None:
        self._bus = bus
        self._trades: dict[str | None, list[TradeEvent]] = {}

    async def hear(self, trade: TradeEvent) -> None:
        trades = self._trades.setdefault(trade.symbol, [])
        opened = START + (trade.timestamp - START) // MINUTE * MINUTE
        if trades and trades[0].timestamp < opened:
            await self._bus.publish(self._bar(trades))
            trades.clear()
        trades.append(trade)

    def _bar(self, trades: list[TradeEvent]) -> BarEvent:
        opened = START + (trades[0].timestamp - START) // MINUTE * MINUTE
        prices = [trade.price for trade in trades]
        facts = {"open": prices[0], "high": max(prices), "low": min(prices), "close": prices[-1]}
        volume = sum((trade.quantity for trade in trades), Decimal(0))
        return sample(
            BarEvent,
            symbol=trades[0].symbol,
            timestamp=opened + MINUTE,
            open_time=opened,
            close_time=opened + MINUTE,
            volume=volume,
            interval="1m",
            **facts,
        )


class Crossing:
    """Buys where the mean of three bars rises above that of eight, and sells where it falls below."""

    def __init__(self, bus: InMemoryEventBus, clock: ReplayClock) -> None:
        self._bus = bus
        self._clock = clock
        self._closes: dict[str | None, deque[Decimal]] = {}
        self._is_above: dict[str | None, bool] = {}

    async def hear(self, bar: BarEvent) -> None:
        closes = self._closes.setdefault(bar.symbol, deque(maxlen=8))
        closes.append(bar.close)
        if len(closes) < 8:
            return
        gap = sum(list(closes)[-3:], Decimal(0)) / 3 - sum(closes, Decimal(0)) / 8
        if self._is_above.get(bar.symbol, gap > 0) != (gap > 0):
            side = "buy" if gap > 0 else "sell"
            quantity = (abs(gap) * bar.volume).quantize(Decimal("0.00000001"))
            await self._bus.publish(
                sample(
                    OrderSubmittedEvent,
                    symbol=bar.symbol,
                    side=side,
                    quantity=quantity,
                    price=bar.close + gap,
                    timestamp=self._clock(),
                    order_id=f"{bar.symbol} {bar.close_time.isoformat()}",
                )
            )
        self._is_above[bar.symbol] = gap > 0


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two hours of trades of two symbols, some of them at the same moment."""
    path, random = tmp_path_factory.mktemp("store"), Random(7)
    price, trades = Decimal("42000.10"), list[BaseEvent]()
    for number in range(2_000):
        price += Decimal(random.randint(-500, 500)) / 100
        moment = START + timedelta(seconds=7_200 * (number // 2) // 1_000)
        trades.append(
            sample(
                TradeEvent,
                event_id=f"trade-{number}",
                symbol=("BTC/USDT", "ETH/USDT")[number % 2],
                timestamp=moment,
                price=price,
                quantity=Decimal(random.randint(1, 99_999)) / 100_000,
            )
        )
    record(path, trades)
    return path


async def back_test(store: Path, speed: float | None) -> list[str]:
    orders: list[str] = []
    async with InMemoryEventBus() as bus:
        replay = EventReader(store).replay(bus, speed=speed, lockstep=True)
        await bus.subscribe(TradeEvent, BarBuilder(bus).hear)
        await bus.subscribe(BarEvent, Crossing(bus, replay.clock).hear)
        await bus.subscribe(
            OrderSubmittedEvent, lambda order: orders.append(order.model_dump_json(exclude={"event_id"}))
        )
        await replay
    return orders


@pytest.mark.parametrize("speed", [1.0, 60.0, 0.5, None])
def test_a_strategy_makes_the_same_orders_to_the_digit_at_every_speed(store: Path, speed: float | None) -> None:
    expected = asyncio.run(back_test(store, None))
    assert len(expected) > 10
    assert run_in_virtual_time(back_test(store, speed)) == expected
