"""A fair loop: dispatch has one budget a loop turn, for the whole bus."""

import asyncio
import time
from typing import Any

import pytest

from tests.support.doubles import Bus, Gate, number_of, order, tick, ticks, turns, until
from trading.events import BaseEvent


class Clock:
    """Counts the turns of the loop, and what happened in each."""

    def __init__(self) -> None:
        self.turns = 0
        self.most_in_a_turn = 0
        self._in_this_turn = 0
        self._handle: asyncio.Handle | None = None

    def __enter__(self) -> "Clock":
        self._tick()
        return self

    def __exit__(self, *_exception: object) -> None:
        assert self._handle is not None
        self._handle.cancel()

    def _tick(self) -> None:
        self.turns += 1
        self._in_this_turn = 0
        self._handle = asyncio.get_running_loop().call_soon(self._tick)

    def note(self, _event: object = None) -> None:
        """Something happened."""
        self._in_this_turn += 1
        self.most_in_a_turn = max(self.most_in_a_turn, self._in_this_turn)


async def test_a_handler_that_never_suspends_leaves_the_loop_alive(bus: Bus) -> None:
    """Turned red by: a budget and a `STRETCH_NS` without end."""
    with Clock() as clock:

        async def handler(_event: BaseEvent) -> None:
            clock.note()

        await bus.subscribe("tick", handler)
        event = tick(1)
        for _ in range(50_000):
            bus.publish_nowait(event)
        before = clock.turns
        await bus.join()
        assert clock.turns - before >= 10
        assert clock.most_in_a_turn <= 5_000


@pytest.mark.parametrize("quick_ones", [0, 130], ids=["from the first", "after many quick ones"])
async def test_handlers_that_take_long_leave_the_loop_alive(bus: Bus, quick_ones: int) -> None:
    """Turned red by: a `STRETCH_NS` of an hour; for the second case, a `GLANCE` of 100,000."""
    with Clock() as clock:

        def compute(event: BaseEvent) -> None:
            if number_of(event) >= quick_ones:
                clock.note()
                end_s = time.perf_counter() + 0.0005
                while time.perf_counter() < end_s:
                    pass

        await bus.subscribe("tick", compute)
        await bus.publish_batch(ticks(range(quick_ones + 250)))
        await bus.join()
        assert clock.most_in_a_turn <= 50


async def test_the_budget_is_one_for_the_whole_bus(bus: Bus) -> None:
    """Turned red by: `refill` for each subscription that is taken."""
    with Clock() as clock:
        for _ in range(500):
            await bus.subscribe("tick", clock.note)
        event = tick(1)
        for _ in range(100):
            bus.publish_nowait(event)
        await bus.join()
        assert clock.most_in_a_turn <= 5_000


async def test_a_hundred_subscriptions_that_resume_at_once_share_one_budget(bus: Bus) -> None:
    """Turned red by: `refill` for each worker that goes on."""
    with Clock() as clock:
        suspended = 0
        go_on = asyncio.Event()

        async def handler(event: BaseEvent) -> None:
            nonlocal suspended
            if number_of(event) == 0:
                suspended += 1
                await go_on.wait()
            clock.note()

        for _ in range(100):
            await bus.subscribe("tick", handler)
        await bus.publish_batch(ticks([0] + [1] * 500))
        await until(lambda: suspended == 100)
        go_on.set()
        await bus.join()
        assert clock.most_in_a_turn <= 5_000


async def test_a_tight_publishing_loop_cannot_starve_its_own_handlers(bus: Bus) -> None:
    """Turned red by: `publishing_is_spent` answering no."""
    seen = 0

    async def handler(_event: BaseEvent) -> None:
        nonlocal seen
        seen += 1

    await bus.subscribe("tick", handler)
    event = tick(1)
    published = 0
    while seen == 0:
        await bus.publish(event)
        published += 1
        assert published <= 5_000


async def test_a_tight_publishing_loop_leaves_the_loop_alive(bus: Bus) -> None:
    """Turned red by: `accept` charging nothing for an event that nobody hears."""
    event = tick(1)
    with Clock() as clock:
        for _ in range(50_000):
            await bus.publish(event)
        assert clock.turns >= 10


async def test_a_batch_yields_too(bus: Bus) -> None:
    """Turned red by: `publishing_is_spent` answering no."""
    gate = Gate()
    await bus.subscribe("tick", gate)
    gate.open()
    event = tick(1)
    with Clock() as clock:
        await bus.publish_batch([event] * 20_000)
        assert clock.turns >= 10
    await bus.join()


async def test_a_publish_that_yields_has_not_accepted_yet(bus: Bus) -> None:
    """Turned red by: `offer` admitting the event before it yields."""
    sid = await bus.subscribe("tick", lambda _event: None)
    event = tick(1)
    finished = bus.publish(event)
    await finished
    for _ in range(10_000):
        awaitable = bus.publish(event)
        if awaitable is not finished:
            break
    accepted = bus.statistics().subscriptions[sid].accepted
    await awaitable
    assert awaitable is not finished
    assert bus.statistics().subscriptions[sid].accepted == accepted + 1


async def test_handlers_that_keep_publishing_leave_the_loop_alive(bus: Bus) -> None:
    """Turned red by: a budget and a `STRETCH_NS` without end."""
    is_over = False

    async def handler(event: BaseEvent) -> None:
        if not is_over:
            await bus.publish(event)

    await bus.subscribe("tick", handler)
    await bus.publish(tick(1))
    await until(lambda: bus.statistics().published > 20)
    is_over = True
    await bus.join()


async def test_nobody_starves_beside_a_subscription_that_never_runs_dry(bus: Bus) -> None:
    """Turned red by: `release` putting a subscription that has more at the head of those to be served."""
    is_over = False
    seen: list[Any] = []

    async def endless(event: BaseEvent) -> None:
        if not is_over:
            await bus.publish(event)

    await bus.subscribe("events.tick.*.LOUD", endless)
    await bus.subscribe("events.tick.*.QUIET", seen.append)
    await bus.publish(tick(1, symbol="LOUD"))
    await turns(3)
    await bus.publish(tick(2, symbol="QUIET"))
    await turns(20)
    assert len(seen) == 1
    is_over = True
    await bus.join()


async def test_nobody_starves_beside_two_subscriptions_that_feed_each_other(bus: Bus) -> None:
    """Turned red by: `accept` putting a subscription that has got an event at the head of those to be served."""
    is_over = False
    seen: list[Any] = []

    def answering(theirs: str) -> Any:
        async def handler(_event: BaseEvent) -> None:
            if not is_over:
                await bus.publish(tick(1, symbol=theirs))

        return handler

    await bus.subscribe("events.tick.*.PING", answering("PONG"))
    await bus.subscribe("events.tick.*.PONG", answering("PING"))
    await bus.subscribe("events.tick.*.QUIET", seen.append)
    await bus.publish(tick(1, symbol="QUIET"))
    await bus.publish(tick(2, symbol="PING"))
    await turns(20)
    assert len(seen) == 1
    is_over = True
    await bus.join()


async def test_subscriptions_take_turns_also_within_one_turn_of_the_loop(bus: Bus) -> None:
    """Turned red by: a `TURN` without end."""
    story: list[int] = []
    await bus.subscribe("tick", lambda event: story.append(number_of(event)))
    await bus.subscribe("order_*", lambda event: story.append(number_of(event)))
    await bus.publish_batch(ticks(range(400)))
    await bus.publish(order(1000))
    await bus.join()
    assert story.index(1000) <= 100


async def test_two_thousand_handlers_that_suspend_all_start_within_a_few_turns(bus: Bus) -> None:
    """Turned red by: `hand_over` hiring one worker and not two."""
    started = 0
    go_on = asyncio.Event()

    async def handler(_event: BaseEvent) -> None:
        nonlocal started
        started += 1
        await go_on.wait()

    for _ in range(2_000):
        await bus.subscribe("tick", handler)
    await bus.publish(tick(1))
    for _ in range(100):
        if started == 2_000:
            break
        await turns(1)
    assert started == 2_000
    go_on.set()
    await bus.join()
