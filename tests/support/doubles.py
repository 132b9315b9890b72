"""Events, handlers and measures that the contract's tests share."""

import asyncio
import itertools
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from weakref import WeakSet

from tests.support.any_bus import Bus
from trading.events import BaseEvent, OrderSubmittedEvent, TickEvent, WrongLoopError

MOMENT = datetime(2024, 1, 1, tzinfo=UTC)


def tick(number: int = 0, *, symbol: str = "BTC/USDT", exchange: str = "binance") -> TickEvent:
    """A tick that is told from others by its number."""
    return TickEvent(
        event_id=str(number), exchange=exchange, symbol=symbol, raw_symbol=symbol, exchange_timestamp=MOMENT
    )


def ticks(numbers: Iterable[int], *, symbol: str = "BTC/USDT") -> list[BaseEvent]:
    """Ticks with these numbers."""
    return [tick(number, symbol=symbol) for number in numbers]


def order(number: int = 0, *, symbol: str = "BTC/USDT") -> OrderSubmittedEvent:
    """An order that is told from others by its number."""
    return OrderSubmittedEvent(
        event_id=str(number),
        order_id=str(number),
        client_order_id=str(number),
        exchange="binance",
        symbol=symbol,
        side="buy",
        order_type="market",
        quantity=Decimal(1),
    )


def number_of(event: BaseEvent) -> int:
    """The number that the event was made with."""
    return int(event.event_id)


class Recorder:
    """A handler that notes the number of every event and never suspends."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    async def __call__(self, event: BaseEvent) -> None:
        self.seen.append(number_of(event))


class Gate:
    """A handler that suspends at every event until it is let go."""

    def __init__(self) -> None:
        self.started: list[int] = []
        self.finished: list[int] = []
        self._passes = asyncio.Semaphore(0)
        self._is_open = False
        self._changed = asyncio.Event()

    async def __call__(self, event: BaseEvent) -> None:
        self.started.append(number_of(event))
        self._changed.set()
        if not self._is_open:
            await self._passes.acquire()
        self.finished.append(number_of(event))
        self._changed.set()

    def let_go(self, count: int = 1) -> None:
        """Lets it end with so many events."""
        for _ in range(count):
            self._passes.release()

    def open(self) -> None:
        """Lets it end with this event and suspend no more."""
        self._is_open = True
        self._passes.release()

    async def has_started(self, count: int) -> None:
        """Waits until so many events have reached it."""
        while len(self.started) < count:
            self._changed.clear()
            await self._changed.wait()

    async def has_finished(self, count: int) -> None:
        """Waits until it has ended with so many events."""
        while len(self.finished) < count:
            self._changed.clear()
            await self._changed.wait()


FAR_BUSES: WeakSet[Any] = WeakSet()
"""The buses of this test whose events take a way through a server."""


async def turns(count: int = 20) -> None:
    """Lets what was published arrive and the loop turn, for what must not happen to have had its chance."""
    for bus in tuple(FAR_BUSES):
        with suppress(WrongLoopError):
            await bus.flush()
    for _ in range(count):
        await asyncio.sleep(0)


async def until(condition: Callable[[], object]) -> None:
    """Lets the loop turn until something is so. What takes many turns is up to other processes, which need the core."""
    for turn in itertools.count():
        if condition():
            return
        await asyncio.sleep(0 if turn < 1_000 else 0.001)


async def full_queue(
    bus: Bus, *, symbol: str = "BTC/USDT", capacity: int = 1, overflow: str = "block", **options: Any
) -> tuple[Gate, str]:
    """A subscription to one symbol whose handler is suspended with tick 0 and whose queue is full with 1, 2, ..."""
    gate = Gate()
    pattern = f"events.tick.*.{symbol}"
    sid = await bus.subscribe(pattern, gate, capacity=capacity, overflow=overflow, **options)
    await bus.publish(tick(0, symbol=symbol))
    await gate.has_started(1)
    for number in range(1, capacity + 1):
        await bus.publish(tick(number, symbol=symbol))
    await until(lambda: bus.statistics().subscriptions[sid].queued == capacity)
    return gate, sid


def dropped(account: Any) -> Mapping[str, int]:
    """How many events a subscription lost, by reason, reasons without any left out."""
    return {reason: count for reason, count in account.dropped.items() if count}


def balance(account: Any) -> int:
    """What is missing from a subscription's account: 0 at every moment."""
    ended = account.handled + account.failed + sum(account.dropped.values())
    return int(account.accepted - ended - account.waiting)


def assert_balanced(bus: Bus) -> None:
    """Every subscription's account balances, and the bus's own agree with them."""
    statistics = bus.statistics()
    accounts = [*statistics.subscriptions.values(), statistics.retired]
    assert [account for account in accounts if balance(account)] == []
    assert statistics.waiting == sum(account.waiting for account in accounts)
    for account in accounts:
        assert 0 <= account.queued <= account.waiting
        assert account.queued <= account.high_water or account.sid == ""
