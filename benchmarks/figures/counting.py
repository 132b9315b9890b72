"""What it costs that the bus measures the latency of what passes through it."""

from collections.abc import Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from benchmarks.figures.case import Plan
from benchmarks.figures.comparison import MakeHandler, Side, Starting, compare
from benchmarks.ticks import make_warm_ticks
from trading.events import InMemoryEventBus

EVENTS = 50_000
EVERY = 64
"""One event in so many is timed, as is the default."""


@asynccontextmanager
async def publishing(make_handler: MakeHandler, events: Sequence[Any], *, time_one_in: int) -> Starting:
    """`await bus.publish(event)`, one event in so many timed."""
    async with InMemoryEventBus(time_one_in=time_one_in) as bus:
        await bus.subscribe("tick", make_handler())

        async def run() -> None:
            for event in events:
                await bus.publish(event)
            await bus.join()

        yield run


async def measure_on_and_off(plan: Plan) -> list[float]:
    events = make_warm_ticks(plan.size(EVENTS))
    on, off = partial(publishing, time_one_in=EVERY), partial(publishing, time_one_in=0)
    return await compare(Side(on, events), Side(off, events), plan)
