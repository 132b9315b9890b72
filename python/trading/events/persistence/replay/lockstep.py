"""Lockstep: what an event or a timer has set off is done before the next comes."""

import asyncio
from typing import TYPE_CHECKING

from trading.events.persistence.replay.clock import ReplayClock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

SPIN = 1_000
"""Turns of the event loop after which it is asked only every millisecond whether all is done."""

_BEFORE_JOINING = 8
"""Turns of the event loop in which most handlers end, so that joining the bus needs no task."""


class Lockstep:
    """Waits until all that was set off is done, except for who sleeps on the replay's clock.

    Args:
        bus: A bus with a `join`. Which handlers sleep, only this package's buses tell.
        clock: The replay's clock.

    Raises:
        TypeError: The bus has no `join`.
    """

    def __init__(self, bus: object, clock: ReplayClock) -> None:
        join: Callable[[], Awaitable[object]] | None = getattr(bus, "join", None)
        if join is None:
            raise TypeError(f"{bus!r} has no `join`, so nobody can tell when an event has been handled")
        self._join = join
        self._clock = clock
        self._slept: asyncio.Future[None] | None = None

    async def settle(self) -> None:
        """Returns when all is done or asleep."""
        clock, turns = self._clock, 0
        await clock.let_woken_run()
        while clock.knows_handlers and not clock.is_at_rest():
            turns += 1
            if clock.is_awaited:
                await asyncio.sleep(0 if turns < SPIN else 0.001)
            elif turns <= _BEFORE_JOINING:
                await asyncio.sleep(0)
            elif await self._join_unless_slept():
                return
        if not clock.is_awaited:
            await self._join()

    def note_sleep(self) -> None:
        """Told when somebody falls asleep, or a timer is set."""
        if self._slept is not None and not self._slept.done():
            self._slept.set_result(None)

    async def _join_unless_slept(self) -> bool:
        """Joins the bus. Returns False if somebody falls asleep meanwhile."""
        joining = asyncio.ensure_future(self._join())
        self._slept = asyncio.get_running_loop().create_future()
        try:
            await asyncio.wait((joining, self._slept), return_when=asyncio.FIRST_COMPLETED)
            if joining.done():
                await joining
            return joining.done()
        finally:
            self._slept = None
            joining.cancel()
