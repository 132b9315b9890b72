"""How long an event takes from publish to its handler's first line."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from statistics import median, quantiles
from time import perf_counter_ns
from typing import Any

from benchmarks.figures.case import Plan
from benchmarks.figures.comparison import Handler, WrongResultError, settled
from benchmarks.ticks import make_ticks
from trading.events import InMemoryEventBus

ALONE_EVENTS = 5_000
PACED_EVENTS = 10_000
PERIOD_NS = 100_000
"""10,000 events a second."""

Publish = Callable[[Any], Any]
Connect = Callable[[Handler], AbstractAsyncContextManager[Publish]]


@asynccontextmanager
async def over_the_bus(handler: Handler) -> AsyncIterator[Publish]:
    async with InMemoryEventBus() as bus:
        await bus.subscribe("tick", handler)
        yield bus.publish


@asynccontextmanager
async def over_a_queue(handler: Handler) -> AsyncIterator[Publish]:
    queue: asyncio.Queue[Any] = asyncio.Queue()

    async def work() -> None:
        while True:
            await handler(await queue.get())

    worker = asyncio.create_task(work())
    yield queue.put
    worker.cancel()


async def time_alone(connect: Connect, events: Sequence[Any]) -> list[int]:
    """Nanoseconds for each event; the next is published when this one has been handled."""
    loop = asyncio.get_running_loop()
    heard: list[Any] = []
    ends_ns: list[int] = []
    starts_ns: list[int] = []
    handled = loop.create_future()

    async def handle(event: Any) -> None:
        ends_ns.append(perf_counter_ns())
        heard.append(event)
        handled.set_result(None)

    async with connect(handle) as publish:
        for event in events:
            handled = loop.create_future()
            starts_ns.append(perf_counter_ns())
            await publish(event)
            await handled
    return _differences(starts_ns, ends_ns, heard, events)


async def compare_alone(plan: Plan) -> list[float]:
    """Our median latency over that of an asyncio.Queue and a worker, once a round."""
    events = make_ticks(plan.size(ALONE_EVENTS))
    ratios = []
    for connect in (over_the_bus, over_a_queue):
        await time_alone(connect, events[:100])
    with settled():
        for _ in range(plan.rounds):
            ours_ns = median(await time_alone(over_the_bus, events))
            other_ns = median(await time_alone(over_a_queue, events))
            ratios.append(ours_ns / other_ns)
    return ratios


async def time_paced(plan: Plan) -> list[float]:
    """The 99th percentile in milliseconds, once a round, from the moment when an event was due.

    The publisher waits by yielding to the loop, which is more exact than its timers. If it comes late, because the loop
    stood still, its delay counts.
    """
    events = make_ticks(plan.size(PACED_EVENTS))
    percentiles_ms = []
    with settled():
        for _ in range(plan.rounds):
            latencies_ns = await _time_pace(events)
            percentiles_ms.append(quantiles(latencies_ns, n=100)[98] / 1e6)
    return percentiles_ms


async def _time_pace(events: Sequence[Any]) -> list[int]:
    heard: list[Any] = []
    ends_ns: list[int] = []

    async def handle(event: Any) -> None:
        ends_ns.append(perf_counter_ns())
        heard.append(event)

    async with InMemoryEventBus() as bus:
        await bus.subscribe("tick", handle)
        start_ns = perf_counter_ns() + PERIOD_NS
        dues_ns = [start_ns + PERIOD_NS * number for number in range(len(events))]
        for event, due_ns in zip(events, dues_ns, strict=True):
            while perf_counter_ns() < due_ns:  # noqa: ASYNC110 - it waits for the clock
                await asyncio.sleep(0)
            await bus.publish(event)
        await bus.join()
    return _differences(dues_ns, ends_ns, heard, events)


def _differences(
    starts_ns: Sequence[int], ends_ns: Sequence[int], heard: Sequence[Any], events: Sequence[Any]
) -> list[int]:
    if len(heard) != len(events) or any(ours is not theirs for ours, theirs in zip(heard, events, strict=True)):
        raise WrongResultError(f"{len(events)} events were published, {len(heard)} heard, or in another order")
    return [end - start for start, end in zip(starts_ns, ends_ns, strict=True)]
