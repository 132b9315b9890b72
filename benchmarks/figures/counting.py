"""What it costs that the bus measures the latency of what passes through it."""

import inspect
from collections.abc import Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from benchmarks.figures.case import Plan
from benchmarks.figures.comparison import MakeHandler, Side, Starting, compare
from benchmarks.ticks import make_warm_ticks
from trading.events import InMemoryEventBus

EVENTS = 50_000
SWITCH = "latency"
"""The option of the bus that turns its histograms off."""


def without_switch() -> str | None:
    """Says what is missing to compare with statistics turned off."""
    if SWITCH not in inspect.signature(InMemoryEventBus).parameters:
        return "this build has no statistics that can be turned off"
    return None


@asynccontextmanager
async def publishing(make_handler: MakeHandler, events: Sequence[Any], *, measured: bool) -> Starting:
    """`await bus.publish(event)`, the histograms on or off."""
    options: dict[str, Any] = {SWITCH: measured}
    async with InMemoryEventBus(**options) as bus:
        await bus.subscribe("tick", make_handler())

        async def run() -> None:
            for event in events:
                await bus.publish(event)
            await bus.join()

        yield run


async def measure_on_and_off(plan: Plan) -> list[float]:
    events = make_warm_ticks(plan.size(EVENTS))
    on, off = partial(publishing, measured=True), partial(publishing, measured=False)
    return await compare(Side(on, events), Side(off, events), plan)
