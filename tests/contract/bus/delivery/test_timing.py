"""Latency and handler times in the statistics, and the watchdog that names slow handlers."""

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.support.doubles import Bus, Gate, Recorder, full_queue, tick, ticks, turns
from tests.support.patience import PATIENCE_S
from trading.events import BaseEvent
from trading.events._bus import watchdog

MakeBus = Callable[..., Awaitable[Bus]]


@pytest.mark.parametrize("delivery", ["queued", "inline"])
async def test_every_event_is_timed_where_that_is_asked_for(make_bus: MakeBus, delivery: str) -> None:
    """Turned red by: taking the time of the first event only."""
    bus = await make_bus(time_one_in=1)
    sid = await bus.subscribe("tick", lambda _: None, delivery=delivery)
    await bus.publish_batch(ticks(range(10)))
    await bus.join()
    account = bus.statistics().subscriptions[sid]
    assert (account.latency.count, account.handling.count) == (10, 10)
    for times in (account.latency, account.handling):
        assert 0 < times.p50_ns <= times.p99_ns <= times.p999_ns <= times.max_ns


async def test_one_in_sixty_four_is_timed_by_default_the_first_among_them(bus: Bus) -> None:
    """Turned red by: timing the last of sixty-four."""
    sid = await bus.subscribe("tick", Recorder())
    await bus.publish(tick(0))
    await bus.join()
    assert bus.statistics().subscriptions[sid].latency.count == 1
    await bus.publish_batch(ticks(range(1, 128)))
    await bus.join()
    assert bus.statistics().subscriptions[sid].latency.count == 2


async def test_timing_can_be_turned_off(make_bus: MakeBus) -> None:
    """Turned red by: making a stopwatch all the same."""
    bus = await make_bus(time_one_in=0)
    sid = await bus.subscribe("tick", Recorder())
    await bus.publish(tick(0))
    await bus.join()
    account = bus.statistics().subscriptions[sid]
    assert (account.latency, account.handling) == (None, None)


@pytest.mark.parametrize(
    ("wrong", "error"), [(-1, ValueError), (2**32, ValueError), (1.5, TypeError), (True, TypeError)]
)
async def test_an_impossible_rate_is_refused(bus_type: Callable[..., Bus], wrong: Any, error: type[Exception]) -> None:
    """Turned red by: passing it on unlooked at."""
    with pytest.raises(error, match="time_one_in"):
        bus_type(time_one_in=wrong)


async def test_what_an_event_waits_counts_as_latency_and_what_its_handler_takes_as_handling(make_bus: MakeBus) -> None:
    """Turned red by: reading the clock only when the handler ends."""
    bus = await make_bus(time_one_in=1)
    gate, sid = await full_queue(bus)
    began_ns = time.perf_counter_ns()
    await turns()
    passed_ns = time.perf_counter_ns() - began_ns
    gate.open()
    await bus.join()
    account = bus.statistics().subscriptions[sid]
    assert (account.latency.count, account.handling.count) == (2, 2)
    assert account.latency.max_ns >= passed_ns, "tick 1 stood in the queue meanwhile"
    assert account.handling.max_ns >= passed_ns, "tick 0 was in its handler meanwhile"


@pytest.mark.parametrize(("overflow", "timed"), [("drop_oldest", 3), ("drop_newest", 3), ("conflate", 2)])
async def test_what_is_dropped_is_not_timed(make_bus: MakeBus, overflow: str, timed: int) -> None:
    """Turned red by: leaving the mark of an event that was replaced, and by marking one that came to a full queue."""
    bus = await make_bus(time_one_in=1)
    gate, sid = await full_queue(bus, overflow=overflow)
    for number in range(2, 10):
        await bus.publish(tick(number))
    await turns()
    gate.open()
    await bus.join()
    await bus.publish(tick(10))
    await bus.join()
    account = bus.statistics().subscriptions[sid]
    assert (account.handled, account.latency.count, account.handling.count) == (3, timed, timed)


@pytest.mark.parametrize(
    ("wrong", "error"), [(0, ValueError), (-1, ValueError), (float("nan"), ValueError), ("1", TypeError)]
)
def test_an_impossible_limit_is_refused(bus_type: Callable[..., Bus], wrong: Any, error: type[Exception]) -> None:
    """Turned red by: finding out in the watchdog's thread."""
    with pytest.raises(error, match="slow_handler_s"):
        bus_type(slow_handler_s=wrong)


class Warnings(logging.Handler):
    """Collects what the watchdog says, and lets a test wait for it."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []
        self.has_come = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())
        self.has_come.set()


@pytest.fixture
def warned() -> Any:
    handler = Warnings()
    logging.getLogger("trading.events").addHandler(handler)
    yield handler
    logging.getLogger("trading.events").removeHandler(handler)


async def test_a_handler_that_waits_too_long_is_named_once_with_its_place(make_bus: MakeBus, warned: Warnings) -> None:
    """Turned red by: warning at every look, and by looking only at the loop's thread."""
    bus = await make_bus(slow_handler_s=0.02)
    gate = Gate()
    sid = await bus.subscribe("tick", gate, name="stuck strategy")
    await bus.publish(tick(1))
    assert await asyncio.to_thread(warned.has_come.wait, PATIENCE_S)
    warned.has_come.clear()
    other = await bus.subscribe("tick", Gate(), name="another")
    await bus.publish(tick(2))
    assert await asyncio.to_thread(warned.has_come.wait, PATIENCE_S)
    assert ["stuck strategy" in text for text in warned.texts] == [True, False]
    assert sid in warned.texts[0]
    assert other in warned.texts[1]
    assert "await self._passes.acquire()" in warned.texts[0], "the stack shows where it waits"
    gate.open()


async def test_a_handler_that_holds_up_the_loop_is_named_while_it_does(make_bus: MakeBus, warned: Warnings) -> None:
    """Turned red by: looking from a callback of the loop."""
    bus = await make_bus(slow_handler_s=0.02)

    def handler(_event: BaseEvent) -> None:
        assert warned.has_come.wait(PATIENCE_S)

    sid = await bus.subscribe("tick", handler, name="busy strategy")
    await bus.publish(tick(1))
    await bus.join()
    assert bus.statistics().subscriptions[sid].handled == 1
    assert "busy strategy" in warned.texts[0]
    assert "assert warned.has_come.wait(PATIENCE_S)" in warned.texts[0]


async def test_a_handler_that_was_subscribed_by_decoration_alone_is_watched_too(
    bus_type: Callable[..., Bus], warned: Warnings
) -> None:
    """Turned red by: beginning to watch in `subscribe` alone."""
    bus = bus_type(slow_handler_s=0.02)
    gate = Gate()
    bus.on("tick", name="decorated")(gate)
    await bus.publish(tick(1))
    assert await asyncio.to_thread(warned.has_come.wait, PATIENCE_S)
    assert "decorated" in warned.texts[0]
    gate.open()
    await bus.aclose()


class Clock:
    """A clock that a test sets, and that counts how often it is looked at."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.looks = 0

    def monotonic(self) -> float:
        self.looks += 1
        return self.now_s


async def test_handlers_that_end_in_time_are_not_named(
    make_bus: MakeBus, warned: Warnings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Turned red by: counting from the first event of the subscription."""
    clock = Clock()
    monkeypatch.setattr(watchdog, "time", clock)
    bus = await make_bus(slow_handler_s=0.02)

    async def handler(_event: BaseEvent) -> None:
        before = clock.looks
        clock.now_s += 0.01
        while clock.looks == before:  # noqa: ASYNC110 - the watchdog tells nobody
            await asyncio.sleep(0)

    await bus.subscribe("tick", handler, name="quick")
    await bus.publish_batch(ticks(range(20)))
    await bus.join()
    assert warned.texts == []


async def test_the_watchdog_ends_with_its_bus(bus_type: Callable[..., Bus]) -> None:
    """Turned red by: not telling it that the bus has closed."""
    before = set(threading.enumerate())
    async with bus_type(slow_handler_s=0.02) as bus:
        await bus.subscribe("tick", Recorder())
        (watchdog,) = set(threading.enumerate()) - before
    await asyncio.to_thread(watchdog.join, PATIENCE_S)
    assert not watchdog.is_alive()
