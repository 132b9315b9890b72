"""Work that is given up when something else happens."""

import asyncio
from collections.abc import Coroutine
from typing import Any


async def work_until(work: Coroutine[Any, Any, object], end: asyncio.Event, *, timeout_s: float | None = None) -> bool:
    """Does work for as long as there is time, and an event is not set.

    Args:
        work: What is done. Given up, it is cancelled, and its end waited for.
        end: Ends it early.
        timeout_s: Seconds after which it is given up; None for no limit.

    Returns:
        Whether it was done. What it raises is raised here; what it returns is dropped.
    """
    doing, ending = asyncio.ensure_future(work), asyncio.ensure_future(end.wait())
    try:
        await asyncio.wait([doing, ending], timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        is_done = doing.done()
    finally:
        doing.cancel()
        ending.cancel()
        outcome, _ = await asyncio.gather(doing, ending, return_exceptions=True)
    if is_done and isinstance(outcome, BaseException):
        raise outcome
    return is_done
