"""The clock of live trading."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from trading.events._clock.base import Clock, Timer, after, check_moment, check_seconds


class LiveClock(Clock):
    """The system's time. Sleeps and timers are those of the running event loop.

    A timer of `call_at` is not called before its moment, also where the system's time is set back meanwhile.
    """

    def now(self) -> datetime:
        """The system's time, in UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """As in `Clock`; measured by the event loop's own, monotonic clock."""
        after(self.now(), check_seconds(seconds))
        await asyncio.sleep(seconds)

    def call_at(self, moment: datetime, function: Callable[..., object], *args: Any) -> Timer:
        """As in `Clock`."""
        moment, timer = check_moment(moment), self._timer(function, args)
        self._wait(asyncio.get_running_loop(), timer, moment)
        return timer

    def call_later(self, seconds: float, function: Callable[..., object], *args: Any) -> Timer:
        """As in `Clock`; measured by the event loop's own, monotonic clock."""
        after(self.now(), check_seconds(seconds))
        timer = self._timer(function, args)
        timer._handle = asyncio.get_running_loop().call_later(max(seconds, 0.0), timer.call)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - its clock
        return timer

    def _wait(self, loop: asyncio.AbstractEventLoop, timer: Timer, moment: datetime) -> None:
        left_s = (moment - self.now()).total_seconds()
        timer._handle = loop.call_later(max(left_s, 0.0), self._reach, loop, timer, moment)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - its clock

    def _reach(self, loop: asyncio.AbstractEventLoop, timer: Timer, moment: datetime) -> None:
        if self.now() < moment:
            self._wait(loop, timer, moment)
        else:
            timer.call()

    def __repr__(self) -> str:
        return "<LiveClock>"
