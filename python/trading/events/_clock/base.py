"""The interface of a clock: the time, sleeping, and timers."""

import asyncio
import inspect
import math
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from contextvars import Context, ContextVar, copy_context
from datetime import datetime, timedelta
from typing import Any, cast

from trading.events._core import to_utc


class Timer:
    """A function that a clock calls once, at a moment; made by `call_at` and `call_later`."""

    __slots__ = ("_context", "_function", "_handle", "_is_cancelled")

    def __init__(self, function: Callable[[], object]) -> None:
        self._function: Callable[[], object] | None = function
        self._context: Context | None = copy_context()
        self._handle: asyncio.TimerHandle | None = None
        self._is_cancelled = False

    def cancel(self) -> None:
        """Has the function not be called. After it was called, or cancelled, this does nothing."""
        if self._function is None:
            return
        self._is_cancelled = True
        self._function = self._context = None
        if self._handle is not None:
            self._handle.cancel()

    @property
    def cancelled(self) -> bool:
        """True if it was cancelled before its function was called."""
        return self._is_cancelled

    @property
    def is_pending(self) -> bool:
        """True until its function is called or it is cancelled."""
        return self._function is not None

    def call(self) -> None:
        """Calls the function, once; its clock does."""
        function, context = self._function, self._context
        self._function = self._context = None
        if function is not None and context is not None:
            context.run(function)

    def __repr__(self) -> str:
        state = "pending" if self.is_pending else "cancelled" if self._is_cancelled else "called"
        return f"<Timer: {state}>"


RUN: ContextVar["asyncio.Task[object] | None"] = ContextVar("trading.events.timer_task", default=None)
"""The task of a timer's coroutine, seen by it and by the tasks that it starts."""


class Clock(ABC):
    """Says what time it is, and wakes and calls at a moment. One interface for live trading, replays and tests.

    A handler or a strategy is given a clock, and never asks which: `LiveClock` follows the system's time, a replay's
    clock (`Replay.clock`) that of the recording, and a `ManualClock` is advanced by a test.

        async def cancel_later(order: OrderSubmittedEvent) -> None:
            await clock.sleep(30)
            await bus.publish(cancelled(order))

        timer = clock.call_later(30, cancel, order)  # or so; `timer.cancel()` takes it back

    Moments are aware datetimes; a naive one is refused. Timers that are due are called in the order of their moments,
    and of their making where those are equal. What a timer's function raises is given to the event loop's exception
    handler, which logs it. A timer and a sleep belong to the event loop in which they are begun, and to its thread;
    `now` may be called from any thread. A clock can be called, too, which is the same as `now`.
    """

    def __init__(self) -> None:
        self._runs: set[asyncio.Task[object]] = set()

    @abstractmethod
    def now(self) -> datetime:
        """The time, aware and in UTC."""

    def __call__(self) -> datetime:
        """The same as `now`."""
        return self.now()

    @abstractmethod
    async def sleep(self, seconds: float) -> None:
        """Returns after so many seconds; after 0 or fewer, when the event loop has gone round once.

        Raises:
            TypeError: It is no number.
            ValueError: It is not finite, or leads beyond the year 9999.
        """

    @abstractmethod
    def call_at(self, moment: datetime, function: Callable[..., object], *args: Any) -> Timer:
        """Calls a function at a moment; as soon as possible if that is over. A coroutine is run in a task.

        Raises:
            ValueError: The moment is naive.
            RuntimeError: No event loop runs in this thread, or it is not that of the clock (WrongLoopError).
        """

    @abstractmethod
    def call_later(self, seconds: float, function: Callable[..., object], *args: Any) -> Timer:
        """Calls a function after so many seconds; 0 or fewer mean as soon as possible. Otherwise as `call_at`.

        Raises:
            TypeError: `seconds` is no number.
            ValueError: It is not finite, or leads beyond the year 9999.
            RuntimeError: As in `call_at`.
        """

    def _timer(self, function: Callable[..., object], args: tuple[Any, ...]) -> Timer:
        if not callable(function):
            raise TypeError(f"{function!r} cannot be called")
        return Timer(lambda: self._run(function, args))

    def _run(self, function: Callable[..., object], args: tuple[Any, ...]) -> None:
        loop = asyncio.get_running_loop()
        try:
            result = function(*args)
        except Exception as error:  # noqa: BLE001 - it is told of as asyncio tells of its own timers
            loop.call_exception_handler({"message": f"a timer's function failed: {function!r}", "exception": error})
            return
        if inspect.isawaitable(result):
            task: asyncio.Task[object] = loop.create_task(_await(cast("Awaitable[object]", result)))
            self._runs.add(task)
            task.add_done_callback(self._end_run)

    def _end_run(self, task: "asyncio.Task[object]") -> None:
        self._runs.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            context = {"message": "a timer's coroutine failed", "exception": error, "task": task}
            task.get_loop().call_exception_handler(context)


async def _await(result: Awaitable[object]) -> object:
    RUN.set(asyncio.current_task())
    return await result


def check_moment(moment: datetime) -> datetime:
    """A moment in UTC.

    Raises:
        ValueError: It is naive.
    """
    if not isinstance(moment, datetime):
        raise TypeError(f"a moment is a datetime, not {moment!r}")
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} is naive; give it a time zone, such as moment.replace(tzinfo=UTC)")
    return to_utc(moment)


def check_seconds(seconds: float) -> float:
    """A finite number of seconds."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise TypeError(f"seconds must be a number, not {seconds!r}")
    if not math.isfinite(seconds):
        raise ValueError(f"seconds must be finite, not {seconds!r}")
    return float(seconds)


def after(moment: datetime, seconds: float) -> datetime:
    """The moment so many seconds later."""
    try:
        return moment + timedelta(seconds=seconds)
    except OverflowError:
        raise ValueError(f"{seconds!r} seconds after {moment} is beyond the years 1 to 9999") from None
