"""blinker's Signal: calls plain functions inside `send`."""

from collections.abc import Sequence
from contextlib import asynccontextmanager

from blinker import Signal

from benchmarks.peers.engine import Engine, Handler, Running, Starting, nothing


@asynccontextmanager
async def _start(handlers: Sequence[Handler]) -> Starting:
    tick = Signal()
    for handler in handlers:
        tick.connect(handler, weak=False)
    yield Running(publish=tick.send, drain=nothing)


ENGINE = Engine(
    title="blinker, Signal",
    start=_start,
    distribution="blinker",
    awaits_publish=False,
    async_handlers=False,
    waiting_events=0,
    lacks="queues, patterns, an order among receivers; a function that raises reaches the publisher, and later "
    "functions hear nothing",
)
