"""What every clock does: says the time, sleeps, calls timers, takes them back."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import time_machine

from trading.events import Clock, HeartbeatEvent, InMemoryEventBus, LiveClock, ManualClock, WrongLoopError, use_clock
from trading.events.persistence import ReplayClock

NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)

Pass = Callable[[float], Awaitable[None]]
"""Lets so many seconds pass."""


async def turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def live() -> tuple[Clock, Pass]:
    return LiveClock(), asyncio.sleep


def manual() -> tuple[Clock, Pass]:
    clock = ManualClock(NOON)
    return clock, clock.advance


def replayed() -> tuple[Clock, Pass]:
    clock = ReplayClock()
    clock.set(NOON)

    async def wait(seconds: float) -> None:
        until = clock.now() + timedelta(seconds=seconds)
        await turns()
        while clock.next_due(until) is not None:
            clock.call_next()
            await turns()
        clock.advance(until)

    return clock, wait


each_clock = pytest.mark.parametrize("make", [live, manual, replayed], ids=["live", "manual", "replay"])
Make = Callable[[], tuple[Clock, Pass]]


@each_clock
async def test_timers_are_called_in_the_order_of_their_moments_with_their_arguments(make: Make) -> None:
    clock, wait = make()
    called: list[Any] = []
    now = clock.now()
    clock.call_at(now + timedelta(seconds=0.03), called.append, "third")
    clock.call_later(0.01, called.append, "first")
    clock.call_at((now + timedelta(seconds=0.02)).astimezone(timezone(timedelta(hours=5))), called.append, "second")
    await wait(0.2)
    assert called == ["first", "second", "third"]


@each_clock
async def test_a_timer_is_not_called_before_its_moment(make: Make) -> None:
    clock, wait = make()
    told: list[datetime] = []
    moment = clock.now() + timedelta(seconds=0.02)
    clock.call_at(moment, lambda: told.append(clock.now()))
    await wait(0.2)
    assert told[0] >= moment
    assert clock() >= told[0]


@each_clock
async def test_a_timer_that_is_cancelled_is_never_called(make: Make) -> None:
    clock, wait = make()
    called: list[int] = []
    timers = [clock.call_later(0.01, called.append, number) for number in range(3)]
    timers[1].cancel()
    await wait(0.1)
    timers[0].cancel()
    assert called == [0, 2]
    assert [timer.cancelled for timer in timers] == [False, True, False]
    assert not any(timer.is_pending for timer in timers)


@each_clock
async def test_a_sleep_ends_after_its_time_and_a_cancelled_one_at_once(make: Make) -> None:
    clock, wait = make()
    woken: list[str] = []

    async def sleep(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append(name)

    tasks = [asyncio.create_task(sleep(*each)) for each in (("late", 0.04), ("early", 0.01), ("never", 0.02))]
    await asyncio.sleep(0)
    tasks[2].cancel()
    await wait(0.2)
    assert woken == ["early", "late"]
    assert tasks[2].cancelled()


@each_clock
@pytest.mark.parametrize("seconds", [0, -1, -0.5])
async def test_a_sleep_of_nothing_goes_once_round_the_loop(make: Make, seconds: float) -> None:
    clock, _ = make()
    order: list[str] = []
    asyncio.get_running_loop().call_soon(order.append, "loop")
    await clock.sleep(seconds)
    assert order == ["loop"]


@each_clock
async def test_what_is_over_is_called_as_soon_as_possible_and_not_at_once(make: Make) -> None:
    clock, wait = make()
    called: list[str] = []
    clock.call_at(clock.now() - timedelta(days=1), called.append, "over")
    clock.call_later(-3, called.append, "negative")
    assert called == []
    await wait(0.05)
    assert called == ["over", "negative"]


@each_clock
async def test_the_coroutine_of_a_timer_is_run(make: Make) -> None:
    clock, wait = make()
    called: list[str] = []

    async def cancel(order: str) -> None:
        await clock.sleep(0.01)
        called.append(order)

    clock.call_later(0.01, cancel, "order")
    await wait(0.3)
    assert called == ["order"]


@each_clock
@pytest.mark.parametrize("kind", ["plain", "async"])
async def test_what_a_timer_raises_is_told_to_the_loop_and_harms_no_other(make: Make, kind: str) -> None:
    clock, wait = make()
    told: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["exception"]))

    def fail() -> None:
        raise KeyError("plain")

    async def fail_later() -> None:
        raise KeyError("async")

    called: list[int] = []
    clock.call_later(0.01, fail_later if kind == "async" else fail)
    clock.call_later(0.02, called.append, 1)
    await wait(0.2)
    assert [type(error) for error in told] == [KeyError]
    assert called == [1]


@each_clock
async def test_naive_moments_and_odd_seconds_are_refused_by_name(make: Make) -> None:
    clock, _ = make()
    odd: Any = "30"
    flag: Any = True
    with pytest.raises(ValueError, match="is naive"):
        clock.call_at(datetime(2024, 1, 1), print)
    with pytest.raises(TypeError, match="'30'"):
        await clock.sleep(odd)
    with pytest.raises(TypeError, match="True"):
        clock.call_later(flag, print)
    for seconds in (math.nan, math.inf, 1e12):
        with pytest.raises(ValueError, match=r"finite|9999"):
            clock.call_later(seconds, print)
        with pytest.raises(ValueError, match=r"finite|9999"):
            await clock.sleep(seconds)
    with pytest.raises(TypeError, match="cannot be called"):
        clock.call_later(1, odd)


@each_clock
async def test_another_thread_may_ask_for_the_time_and_set_no_timer(make: Make) -> None:
    clock, _ = make()
    clock.call_later(100, print).cancel()
    assert await asyncio.to_thread(clock.now)

    def set_timer() -> None:
        clock.call_later(1, print)

    with pytest.raises(RuntimeError, match="no running event loop"):
        await asyncio.to_thread(set_timer)


@pytest.mark.parametrize("make", [manual, replayed], ids=["manual", "replay"])
async def test_another_loop_is_refused(make: Make) -> None:
    clock, _ = make()
    clock.call_later(100, print)

    async def sleep_elsewhere() -> None:
        await clock.sleep(1)

    with pytest.raises(WrongLoopError, match="another event loop"):
        await asyncio.to_thread(asyncio.run, sleep_elsewhere())


@each_clock
async def test_default_times_come_from_it(make: Make) -> None:
    clock, _ = make()
    with use_clock(clock):
        before, event, after = clock.now(), HeartbeatEvent(component="feed", sequence=1), clock.now()
    assert before <= event.timestamp <= after


async def test_the_live_clock_goes_by_the_systems_time() -> None:
    with time_machine.travel(NOON, tick=False):
        assert LiveClock().now() == NOON


async def test_a_live_timer_waits_for_its_moment_although_the_systems_time_is_set_back() -> None:
    clock, is_called = LiveClock(), asyncio.Event()
    with time_machine.travel(NOON, tick=False) as traveller:
        clock.call_at(NOON + timedelta(seconds=0.01), is_called.set)
        traveller.move_to(NOON - timedelta(seconds=0.05))
        await asyncio.sleep(0.03)
        assert not is_called.is_set()
        traveller.move_to(NOON + timedelta(seconds=1))
        await asyncio.wait_for(is_called.wait(), 30)


async def test_a_manual_clock_stands_still_and_says_the_moment_of_each_timer() -> None:
    clock = ManualClock(NOON)
    told: list[float] = []

    def tell() -> None:
        told.append((clock.now() - NOON).total_seconds())
        if len(told) < 3:
            clock.call_later(10, tell)

    clock.call_later(10, tell)
    await clock.advance(25)
    assert told == [10, 20]
    assert clock.now() == NOON + timedelta(seconds=25)
    await clock.advance_to(NOON + timedelta(seconds=30))
    assert told == [10, 20, 30]
    with pytest.raises(ValueError, match="not set back"):
        await clock.advance(-1)
    with pytest.raises(ValueError, match="naive"):
        ManualClock(datetime(2024, 1, 1))


async def test_a_test_advances_a_handler_that_sleeps() -> None:
    clock, done = ManualClock(NOON), list[datetime]()
    async with InMemoryEventBus() as bus:

        @bus.on("heartbeat")
        async def wait(_: HeartbeatEvent) -> None:
            await clock.sleep(30)
            done.append(clock.now())

        await bus.publish(HeartbeatEvent(component="feed", sequence=1))
        await clock.advance(29)
        assert done == []
        await clock.advance(60)
    assert done == [NOON + timedelta(seconds=30)]
