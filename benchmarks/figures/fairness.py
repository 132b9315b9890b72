"""Whether the loop stays alive, and how soon everybody has had a turn."""

import asyncio
from time import perf_counter_ns
from typing import Any

from benchmarks.figures.case import Plan
from benchmarks.figures.comparison import WrongResultError, settled
from benchmarks.ticks import make_ticks
from trading.events import HeartbeatEvent, InMemoryEventBus

SUSPENDING_SUBSCRIPTIONS = 10_000
PUBLISHED = 1_000_000
MADE_EVENTS = 10_000
"""They are published again and again."""

RESUMING_SUBSCRIPTIONS = 100
BACKLOG = 100
"""Events that wait for each subscription that resumes."""


class LoopWatch:
    """Counts the loop's turns, and keeps the longest time between two of them."""

    def __init__(self) -> None:
        self.turns = 0
        self.longest_ns = 0
        self._last_ns = 0
        self._loop = asyncio.get_running_loop()

    def start(self) -> None:
        self.turns = self.longest_ns = 0
        self._last_ns = perf_counter_ns()
        self._handle = self._loop.call_soon(self._tick)

    def stop(self) -> None:
        self._tick()
        self._handle.cancel()

    def _tick(self) -> None:
        now_ns = perf_counter_ns()
        self.longest_ns = max(self.longest_ns, now_ns - self._last_ns)
        self._last_ns = now_ns
        self.turns += 1
        self._handle = self._loop.call_soon(self._tick)


async def start_all_that_suspend(plan: Plan) -> list[float]:
    """Loop turns from publishing one event until every handler has started; each waits until all have.

    Raises:
        WrongResultError: A handler did not start, or started twice.
    """
    subscriptions = plan.size(SUSPENDING_SUBSCRIPTIONS)
    loop = asyncio.get_running_loop()
    turns = []
    for _ in range(plan.rounds):
        started: set[int] = set()
        all_started = loop.create_future()
        watch = LoopWatch()

        def make_handler(number: int, started: set[int], all_started: asyncio.Future[None], watch: LoopWatch) -> Any:
            async def handle(_: Any) -> None:
                started.add(number)
                if len(started) == subscriptions:
                    watch.stop()
                    all_started.set_result(None)
                await asyncio.shield(all_started)

            return handle

        async with InMemoryEventBus() as bus:
            for number in range(subscriptions):
                await bus.subscribe("heartbeat", make_handler(number, started, all_started, watch))
            watch.start()
            await bus.publish(HeartbeatEvent(component="figures", sequence=0))
            await all_started
            turns.append(float(watch.turns))
            await bus.join()
            handled = sum(counts.handled for counts in bus.statistics().subscriptions.values())
        if handled != subscriptions:
            raise WrongResultError(f"{handled} of {subscriptions} handlers ended")
    return turns


async def stand_still(plan: Plan) -> list[float]:
    """The longest time between two turns of the loop, in milliseconds, once a round.

    Half-way through a tight loop of a million publishes, a hundred suspended handlers resume at once, each with a
    hundred events behind it.

    Raises:
        WrongResultError: An event was lost.
    """
    events = make_ticks(plan.size(MADE_EVENTS))
    passes = max(2, plan.size(PUBLISHED) // len(events))
    return [await _longest_ms(events, passes) for _ in range(plan.rounds)]


async def _longest_ms(events: list[Any], passes: int) -> float:
    go_on = asyncio.Event()
    counts = {"tick": 0, "heartbeat": 0}

    async def count(_: Any) -> None:
        counts["tick"] += 1

    async def count_when_told(_: Any) -> None:
        await go_on.wait()
        counts["heartbeat"] += 1

    watch = LoopWatch()
    async with InMemoryEventBus() as bus:
        await bus.subscribe("tick", count)
        for _ in range(RESUMING_SUBSCRIPTIONS):
            await bus.subscribe("heartbeat", count_when_told)
        for sequence in range(BACKLOG):
            await bus.publish(HeartbeatEvent(component="figures", sequence=sequence))
        await asyncio.sleep(0.01)
        with settled():
            watch.start()
            for number in range(passes):
                if number == passes // 2:
                    go_on.set()
                for event in events:
                    await bus.publish(event)
            await bus.join()
            watch.stop()
    expected = {"tick": len(events) * passes, "heartbeat": BACKLOG * RESUMING_SUBSCRIPTIONS}
    if counts != expected:
        raise WrongResultError(f"{counts} events were handled, {expected} expected")
    return watch.longest_ns / 1e6
