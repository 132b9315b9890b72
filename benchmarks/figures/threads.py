"""What publishing from many threads costs."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from time import perf_counter_ns
from typing import Any

from benchmarks.figures.case import Plan
from benchmarks.figures.comparison import WrongResultError, settled
from benchmarks.ticks import make_ticks
from trading.events import InMemoryEventBus

EVENTS = 100_000
THREADS = 10


async def publish_from_many(plan: Plan) -> list[float]:
    """Events a second with ten threads over those with one, until all are handled, once a round."""
    events = make_ticks(plan.size(EVENTS) // THREADS * THREADS)
    ratios = []
    await check(events)
    with settled():
        for _ in range(plan.rounds):
            one_ns = await _time(events, threads=1)
            many_ns = await _time(events, threads=THREADS)
            ratios.append(one_ns / many_ns)
    return ratios


async def check(events: Sequence[Any]) -> None:
    """Publishes once from many threads.

    Raises:
        WrongResultError: An event was lost or doubled, or one thread's events came out of order.
    """
    heard: list[Any] = []

    async def keep(event: Any) -> None:
        heard.append(event)

    parts = _divide(events, THREADS)
    await _publish(keep, parts)
    owner = {event.event_id: number for number, part in enumerate(parts) for event in part}
    for number, part in enumerate(parts):
        own = [event for event in heard if owner[event.event_id] == number]
        if own != list(part):
            raise WrongResultError(
                f"thread {number} published {len(part)} events; {len(own)} came, or in another order"
            )


async def _time(events: Sequence[Any], *, threads: int) -> int:
    heard = 0

    async def count(_: Any) -> None:
        nonlocal heard
        heard += 1

    elapsed_ns = await _publish(count, _divide(events, threads))
    if heard != len(events):
        raise WrongResultError(f"{len(events)} events were published, {heard} heard")
    return elapsed_ns


async def _publish(handler: Callable[[Any], Any], parts: Sequence[Sequence[Any]]) -> int:
    """Nanoseconds from the moment when all threads stand ready until all events are handled."""
    loop = asyncio.get_running_loop()
    ready = threading.Barrier(len(parts) + 1)
    running = len(parts)
    finished = loop.create_future()

    def note_end() -> None:
        nonlocal running
        running -= 1
        if not running:
            finished.set_result(None)

    def publish_part(part: Sequence[Any]) -> None:
        ready.wait()
        for event in part:
            bus.publish_nowait(event)
        loop.call_soon_threadsafe(note_end)

    async with InMemoryEventBus() as bus:
        await bus.subscribe("tick", handler, capacity=sum(map(len, parts)))
        workers = [threading.Thread(target=publish_part, args=(part,)) for part in parts]
        for worker in workers:
            worker.start()
        ready.wait()
        start_ns = perf_counter_ns()
        await finished
        await bus.join()
        elapsed_ns = perf_counter_ns() - start_ns
    for worker in workers:
        worker.join()
    return elapsed_ns


def _divide(events: Sequence[Any], count: int) -> list[Sequence[Any]]:
    size = len(events) // count
    return [events[start : start + size] for start in range(0, len(events), size)]
