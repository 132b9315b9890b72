"""psygnal's SignalInstance: calls plain functions inside `emit`."""

from collections.abc import Sequence
from contextlib import asynccontextmanager

from psygnal import SignalInstance

from benchmarks.peers.engine import Engine, Handler, Running, Starting, nothing


@asynccontextmanager
async def _start(handlers: Sequence[Handler]) -> Starting:
    tick = SignalInstance((object,), name="tick")
    for handler in handlers:
        tick.connect(handler)
    yield Running(publish=tick.emit, drain=nothing)


ENGINE = Engine(
    title="psygnal, SignalInstance",
    start=_start,
    distribution="psygnal",
    awaits_publish=False,
    async_handlers=False,
    waiting_events=0,
    lacks="queues, patterns; a function that raises reaches the publisher, and later functions hear nothing",
)
