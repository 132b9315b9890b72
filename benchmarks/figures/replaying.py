"""What a replay costs: how late events reach a handler, and how many a second pass when nothing is waited for."""

import asyncio
import time
from datetime import timedelta

from benchmarks.figures.case import Case, Plan
from benchmarks.figures.reading import record
from benchmarks.figures.storing import folder
from benchmarks.ticks import START, make_ticks
from trading.events.market_data import TickEvent
from trading.events.memory_bus import InMemoryEventBus
from trading.events.persistence import EventReader

NEVER_FULL = 2_000_000


async def replay_in_time(plan: Plan) -> list[float]:
    """p99 of how late events reach a handler, a thousand a second at their original speed, in milliseconds."""
    count = plan.size(5_000)
    figures: list[float] = []
    with folder() as path:
        reader = EventReader(await record(path, make_ticks(count)))
        for _ in range(plan.rounds):
            late_s: list[float] = []

            async def hear(event: TickEvent, late_s: list[float] = late_s) -> None:
                late_s.append(time.perf_counter() - (event.timestamp - START) / timedelta(seconds=1))

            async with InMemoryEventBus() as bus:
                await bus.subscribe("tick", hear)
                replay = reader.replay(bus)
                assert await replay == count
                await bus.join()
            assert replay.report().error.count == count
            late_s.sort()  # the least is when the first would have had to come
            figures.append((late_s[int(count * 0.99) - 1] - late_s[0]) * 1e3)
    return figures


async def replay_without_waiting(plan: Plan) -> list[float]:
    """Events a second into one handler, against going over them alone."""
    count = plan.size(200_000)
    figures: list[float] = []
    with folder() as path:
        reader = EventReader(await record(path, make_ticks(count)))
        for _ in range(plan.rounds):
            start = time.perf_counter()
            alone = 0
            async for chunk in reader.read_range().chunks():
                alone += len(chunk)
            middle = time.perf_counter()
            heard = await _replay(reader)
            figures.append((middle - start) / (time.perf_counter() - middle))
            assert alone == heard == count
            await asyncio.sleep(0)
    return figures


async def _replay(reader: EventReader) -> int:
    heard = 0

    async def hear(_: TickEvent) -> None:
        nonlocal heard
        heard += 1

    async with InMemoryEventBus() as bus:
        await bus.subscribe("tick", hear, capacity=NEVER_FULL)
        await reader.replay(bus, speed=None)
        await bus.join()
    return heard


REPLAY_CASES = (
    Case(
        "replay_error",
        "replay at speed 1, 1,000 events/s: how late they reach a handler, p99",
        replay_in_time,
        bound=2.0,
        aim=1.0,
        unit="ms",
        rounds=2,
    ),
    Case(
        "replay_speed",
        "replay as fast as possible into one handler, events/s against reading alone, at least",
        replay_without_waiting,
        bound=0.7,
        aim=0.9,
        more_is_better=True,
        rounds=5,
    ),
)
