"""The common part of clocks whose time is set: those of tests and of replays."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from heapq import heappop, heappush
from itertools import count
from typing import Any, NamedTuple

from trading.events._clock.base import Clock, Timer, after, check_moment, check_seconds
from trading.events.errors import WrongLoopError

TURNS = 100
"""Turns of the event loop that a task is given to come to rest."""


class Sleep(NamedTuple):
    """Somebody who sleeps on a clock."""

    task: "asyncio.Task[Any] | None"
    timer: Timer
    """The timer that ends it."""

    owner: object
    """What sleeps with it, for whoever drives the clock: the handling of an event, say. None for nothing."""


class SteppedClock(Clock):
    """A clock whose time goes from timer to timer when it is driven."""

    def __init__(self, moment: datetime | None) -> None:
        super().__init__()
        self._moment: datetime | None = moment
        self._due: list[tuple[datetime, int, Timer]] = []
        self._early: list[tuple[float, Timer]] = []
        self._numbers = count()
        self._sleeps: dict[asyncio.Future[None], Sleep] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def now(self) -> datetime:
        """The time that it was driven to; when a timer is called or a sleep ends, the moment at which that is due.

        Raises:
            LookupError: There is no time yet: the replay has not begun.
        """
        if self._moment is None:
            raise LookupError("the replay has not begun, so there is no time in it yet")
        return self._moment

    async def sleep(self, seconds: float) -> None:
        """As in `Clock`; it returns when the clock's time has come there."""
        self._check_loop()
        if check_seconds(seconds) <= 0:
            await asyncio.sleep(0)
            return
        waking: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        timer = Timer(lambda: self._wake(waking))
        self._set_later(seconds, timer)
        self._fall_asleep(waking, timer)
        try:
            await waking
        finally:
            timer.cancel()
            self._sleeps.pop(waking, None)

    def call_at(self, moment: datetime, function: Callable[..., object], *args: Any) -> Timer:
        """As in `Clock`."""
        moment, timer = check_moment(moment), self._timer(function, args)
        self._check_loop()
        self._set(moment, timer)
        return timer

    def call_later(self, seconds: float, function: Callable[..., object], *args: Any) -> Timer:
        """As in `Clock`."""
        seconds, timer = check_seconds(seconds), self._timer(function, args)
        self._check_loop()
        self._set_later(seconds, timer)
        return timer

    def next_due(self, until: datetime | None = None) -> datetime | None:
        """The moment of the next timer, unless there is none or it is due later than `until`."""
        due = self._due
        while due and not due[0][2].is_pending:
            heappop(due)
        return due[0][0] if due and (until is None or due[0][0] <= until) else None

    def call_next(self) -> None:
        """Sets the time to the next timer's moment, unless that is over already, and calls the timer."""
        moment, _, timer = heappop(self._due)
        if self._moment is None or moment > self._moment:
            self._moment = moment
        timer.call()

    def _set(self, moment: datetime, timer: Timer) -> None:
        heappush(self._due, (moment, next(self._numbers), timer))

    def _set_later(self, seconds: float, timer: Timer) -> None:
        if self._moment is None:
            self._early.append((seconds, timer))
        else:
            self._set(after(self._moment, seconds), timer)

    def _fall_asleep(self, waking: "asyncio.Future[None]", timer: Timer) -> None:
        self._sleeps[waking] = Sleep(asyncio.current_task(), timer, self._owner())

    def _wake(self, waking: "asyncio.Future[None]") -> Sleep | None:
        sleep = self._sleeps.pop(waking, None)
        if not waking.done():
            waking.set_result(None)
        return sleep

    def _owner(self) -> object:
        return None

    def _check_loop(self) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is None or self._loop.is_closed():
            self._loop = loop
        elif self._loop is not loop:
            raise WrongLoopError(f"{self!r} belongs to another event loop; call it there, by loop.call_soon_threadsafe")
