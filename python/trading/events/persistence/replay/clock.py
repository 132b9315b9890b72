"""The clock of a replay."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any, cast
from weakref import WeakKeyDictionary

from trading.events._clock.base import RUN, Timer
from trading.events._clock.stepped import TURNS, Sleep, SteppedClock
from trading.events._core import NativeBus

Handling = tuple[str, int]
"""A subscription of the replay's bus, and which of its events is in its handler."""


class ReplayClock(SteppedClock):
    """The clock of a replay: it says the timestamp of the event that is being published, or was last.

    Handlers that are given a `Clock` run the same live and in a replay. Between two events the replay calls the timers
    and ends the sleeps that are due until then, in order, each at its own moment, those of an event's own timestamp
    before the event; at any speed. A replay runs ahead of handlers that have events waiting; in `lockstep` all that an
    event or a timer has set off is done before the next, so that the clock says, in handlers, the event's own time.

    - Before a replay begins, `now` raises LookupError, and `sleep` and `call_later` count from its first event.
    - While it is paused, its time stands still. `seek` sets the time to the first event from there on; timers keep
      their moments, so that those passed over are called first, and after a step back the others wait for theirs.
    - Its time ends with its last event, or when it is stopped or fails: a timer that is due later is never called, and
      whoever sleeps then outside of a handler is cancelled. Handlers that sleep are let finish: their sleeps end one
      after the other, at their moments, so that closing the bus does not wait for them. In `lockstep` they finish
      before the replay returns, and timers that are due by then are called.
    - After that, `call_at` and `call_later` give timers that are never called, and `sleep` raises RuntimeError outside
      of a handler.
    - Where the queue of a handler that sleeps is full, publishing waits for it, and the time goes on with the next
      timers until there is room.
    """

    def __init__(self, bus: object = None, *, told: Callable[[], None] = lambda: None) -> None:
        super().__init__(None)
        self._bus = bus if isinstance(bus, NativeBus) else None
        self._told = told
        self._has_ended = False
        self._handlings: WeakKeyDictionary[asyncio.Task[Any], Handling | None] = WeakKeyDictionary()
        self._woken: set[asyncio.Task[Any]] = set()

    async def sleep(self, seconds: float) -> None:
        """As in `Clock`. In lockstep, a handler that sleeps counts as done until it is due.

        Raises:
            RuntimeError: The replay has ended, and no handler of its bus sleeps.
        """
        if self._has_ended and not isinstance(self._owner(), tuple):
            raise RuntimeError("the replay has ended and its time with it, so that nobody would end this sleep")
        await super().sleep(seconds)

    def set(self, moment: datetime) -> None:
        """Sets the time; the replay calls it."""
        self._moment = moment
        early, self._early = self._early, []
        for seconds, timer in early:
            self._set_later(seconds, timer)

    def advance(self, moment: datetime) -> None:
        """Sets the time, but not back; the replay calls it."""
        if self._moment is None or moment > self._moment:
            self._moment = moment

    def end(self) -> None:
        """Ends the time, except for handlers that sleep; the replay calls it."""
        self._has_ended = True
        handlers = self._sleeping_handlers()
        for waking, sleep in tuple(self._sleeps.items()):
            if waking not in handlers:
                waking.cancel()
            elif self._moment is None:
                sleep.timer.call()
        kept = {id(sleep.timer) for sleep in handlers.values()}
        for timer in [*(timer for _, _, timer in self._due), *(timer for _, timer in self._early)]:
            if id(timer) not in kept:
                timer.cancel()
        self._end_next_sleep()

    @property
    def has_begun(self) -> bool:
        """True once there is a time in it."""
        return self._moment is not None

    @property
    def has_sleeping_handlers(self) -> bool:
        """True if a handler of the replay's bus sleeps."""
        return bool(self._sleeping_handlers())

    @property
    def knows_handlers(self) -> bool:
        """True if the bus is one of this package, which tells what its handlers do."""
        return self._bus is not None

    @property
    def is_awaited(self) -> bool:
        """True if a handler sleeps, or a timer's coroutine runs."""
        return bool(self._runs) or any(sleep.owner is not None for sleep in self._sleeps.values())

    def is_at_rest(self, publishing: int = 0) -> bool:
        """True if all that handlers and timers still do is to sleep, or to wait for room behind one that sleeps.

        Args:
            publishing: How many others may be waiting for room.
        """
        if self._bus is None:
            return False
        owners = {sleep.owner for waking, sleep in self._sleeps.items() if not waking.done()}
        awake = sum(not run.done() and run not in owners for run in self._runs)
        asleep = {cast("Handling", owner) for owner in owners if isinstance(owner, tuple)}
        return self._bus._only_left_in(asleep) and awake + publishing <= self._bus._publishers_waiting  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - the replay's

    async def let_woken_run(self) -> None:
        """Lets tasks outside of handlers that have been woken run until they end or sleep again, or for some turns."""
        for _ in range(TURNS):
            asleep = {sleep.task for sleep in self._sleeps.values()}
            self._woken = {task for task in self._woken if not task.done() and task not in asleep}
            if not self._woken:
                return
            await asyncio.sleep(0)
        self._woken.clear()

    def call_at(self, moment: datetime, function: Callable[..., object], *args: Any) -> Timer:
        """As in `Clock`; never called once the replay has ended."""
        return self._unless_ended(super().call_at(moment, function, *args))

    def call_later(self, seconds: float, function: Callable[..., object], *args: Any) -> Timer:
        """As in `Clock`; never called once the replay has ended."""
        return self._unless_ended(super().call_later(seconds, function, *args))

    def _unless_ended(self, timer: Timer) -> Timer:
        if self._has_ended:
            timer.cancel()
        return timer

    def _set(self, moment: datetime, timer: Timer) -> None:
        super()._set(moment, timer)
        self._told()

    def _fall_asleep(self, waking: "asyncio.Future[None]", timer: Timer) -> None:
        super()._fall_asleep(waking, timer)
        if not self._has_ended:
            self._told()
        elif self._moment is None:
            timer.call()
        else:
            asyncio.get_running_loop().call_soon(self._end_next_sleep)

    def _wake(self, waking: "asyncio.Future[None]") -> Sleep | None:
        sleep = super()._wake(waking)
        if sleep is not None and sleep.task is not None and sleep.owner not in {*self._in_handlers(), *self._runs}:
            self._woken.add(sleep.task)
        return sleep

    def _end_next_sleep(self) -> None:
        if self.next_due() is not None:
            self.call_next()
            asyncio.get_running_loop().call_soon(self._end_next_sleep)

    def _sleeping_handlers(self) -> dict["asyncio.Future[None]", Sleep]:
        running = self._in_handlers()
        return {waking: sleep for waking, sleep in self._sleeps.items() if sleep.owner in running}

    def _in_handlers(self) -> frozenset[object]:
        found = () if self._bus is None else self._bus._in_handlers()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - the replay's
        return frozenset((sid, handed_out) for sid, _, handed_out in found)

    def _owner(self) -> object:
        """The timer's coroutine or the handling of an event that the caller is part of."""
        run = RUN.get()
        if run in self._runs:
            return run
        if self._bus is None:
            return None
        task, handling = asyncio.current_task(), self._bus._handling  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - the replay's
        if task is None or hasattr(task.get_coro(), "suspended_sid"):  # the bus's own worker, which serves many
            return handling
        return handling if self._handlings.setdefault(task, handling) == handling else None

    def __repr__(self) -> str:
        return f"<ReplayClock: {self._moment or 'not begun'}>"
