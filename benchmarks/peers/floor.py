"""The floor: Python itself, without any engine between the loop and the handler."""

from collections.abc import Sequence
from contextlib import asynccontextmanager
from typing import Any

from benchmarks.peers.engine import Engine, Handler, Running, Starting


async def _nothing() -> None:
    pass


@asynccontextmanager
async def _start(handlers: Sequence[Handler]) -> Starting:
    async def call_each(event: Any) -> None:
        for handler in handlers:
            await handler(event)

    yield Running(publish=handlers[0] if len(handlers) == 1 else call_each, drain=_nothing)


ENGINE = Engine(title="floor: `await handler(event)`", start=_start)
