"""pyee's AsyncIOEventEmitter: a task for each event and handler."""

from collections.abc import Sequence
from contextlib import asynccontextmanager
from functools import partial

from pyee.asyncio import AsyncIOEventEmitter

from benchmarks.peers.engine import Engine, Handler, Running, Starting


@asynccontextmanager
async def _start(handlers: Sequence[Handler]) -> Starting:
    emitter = AsyncIOEventEmitter()
    for handler in handlers:
        emitter.add_listener("tick", handler)
    yield Running(publish=partial(emitter.emit, "tick"), drain=emitter.wait_for_complete)


ENGINE = Engine(
    title="pyee, AsyncIOEventEmitter",
    start=_start,
    distribution="pyee",
    awaits_publish=False,
    lacks="patterns, a bound (each event is a task for each handler), order (a slow handler is overtaken by later "
    "events)",
)
