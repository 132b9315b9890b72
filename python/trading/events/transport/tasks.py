"""Tasks of a transport's own."""

import asyncio
import contextvars
from collections.abc import Coroutine
from typing import Any


async def end_tasks(*tasks: asyncio.Task[None]) -> None:
    """Cancels tasks and waits for their end; what they raise is dropped."""
    if not loop_runs():
        return
    for task in tasks:
        task.cancel()
        task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
    if tasks:
        await asyncio.wait(tasks)


def start_task(work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
    """A task in a context of its own: one that is started by a handler is no part of it."""
    return asyncio.Task(work, loop=asyncio.get_running_loop(), name=name, context=contextvars.Context())


def loop_runs() -> bool:
    """True if anything can be awaited: not in a coroutine that is thrown away after its loop has gone."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
