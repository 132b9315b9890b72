"""The floor: Python itself, without any engine between the loop and the handler."""

from collections.abc import Sequence
from contextlib import asynccontextmanager
from typing import Any

from benchmarks.peers.engine import Engine, Handler, Running, Starting, nothing


@asynccontextmanager
async def _start(handlers: Sequence[Handler]) -> Starting:
    async def call_each(event: Any) -> None:
        for handler in handlers:
            await handler(event)

    yield Running(publish=handlers[0] if len(handlers) == 1 else call_each, drain=nothing)


ENGINE = Engine(
    title="floor: `await handler(event)`",
    start=_start,
    waiting_events=0,
    lacks="queues, routing; a handler delays the publisher, and its failure reaches it",
)
