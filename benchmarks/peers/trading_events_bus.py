"""This package's InMemoryEventBus, at its defaults."""

from collections.abc import Sequence
from contextlib import asynccontextmanager

from benchmarks.peers.engine import Engine, Handler, Running, Starting
from benchmarks.release import refuse_debug_build
from trading.events import InMemoryEventBus


@asynccontextmanager
async def _start(handlers: Sequence[Handler]) -> Starting:
    refuse_debug_build()
    async with InMemoryEventBus() as bus:
        for handler in handlers:
            await bus.subscribe("tick", handler)
        yield Running(publish=bus.publish, drain=bus.join)


ENGINE = Engine(
    title="trading-events, InMemoryEventBus",
    start=_start,
    distribution="trading-events",
    lacks="results of handlers, two events of one subscription at once",
)
