"""Names handlers that take too long."""

import logging
import math
import sys
import threading
import time
import traceback
from types import FrameType
from typing import TYPE_CHECKING, Protocol
from weakref import ref

if TYPE_CHECKING:
    import asyncio

_LOGGER = logging.getLogger("trading.events")

_GLANCES = 4
"""Looks of a watchdog within the time that a handler may take: it warns at most a quarter of that late."""


class WatchedBus(Protocol):
    """A bus whose handlers can be looked at from another thread."""

    name: str

    def _in_handlers(self) -> list[tuple[str, str, int]]: ...

    def _workers(self) -> "list[asyncio.Task[None]]": ...


class Watchdog:
    """Looks at a bus from a thread of its own, which sees a handler that holds up the loop as well as one that waits.

    Handlers are not slowed by it: it compares what is in a handler with what was there when it last looked.
    """

    def __init__(self, bus: WatchedBus, slow_handler_s: float) -> None:
        if isinstance(slow_handler_s, bool) or not isinstance(slow_handler_s, int | float):
            raise TypeError(f"slow_handler_s is {slow_handler_s!r}; it must be a number of seconds")
        if not (slow_handler_s > 0 and math.isfinite(slow_handler_s)):
            raise ValueError(f"slow_handler_s is {slow_handler_s}; it must be above 0 and finite")
        self._bus = ref(bus, lambda _: self.stop())
        self._slow_s = float(slow_handler_s)
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._loop_thread = 0

    def start(self) -> None:
        """Begins to watch, if it does not yet. The last thread that has asked for it is taken for the loop's."""
        self._loop_thread = threading.get_ident()
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="trading-events-watchdog", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Ends the thread."""
        self._stopped.set()

    def _watch(self) -> None:
        since_s: dict[tuple[str, int], float] = {}
        named: set[tuple[str, int]] = set()
        while not self._stopped.wait(self._slow_s / _GLANCES):
            bus = self._bus()
            if bus is None:
                return
            now_s = time.monotonic()
            running = {(sid, events): name for sid, name, events in bus._in_handlers()}  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - its watchdog
            since_s = {handling: since_s.get(handling, now_s) for handling in running}
            named &= running.keys()
            for handling, name in running.items():
                if now_s - since_s[handling] >= self._slow_s and handling not in named:
                    named.add(handling)
                    self._warn(bus, handling[0], name, now_s - since_s[handling])
            del bus

    def _warn(self, bus: WatchedBus, sid: str, name: str, seconds: float) -> None:
        frame = self._frame(bus, sid)
        stack = "" if frame is None else "\n" + "".join(traceback.format_stack(frame)).rstrip()
        text = "%s: the handler of subscription %s (%s) has been running for %.3g s%s"
        _LOGGER.warning(text, bus.name, name, sid, seconds, stack)

    def _frame(self, bus: WatchedBus, sid: str) -> FrameType | None:
        """Frame of the handler: of its suspended coroutine, or, if it runs, of the loop's thread."""
        workers: list[asyncio.Task[None]] = bus._workers()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - its watchdog
        for worker in workers:
            coroutine = worker.get_coro()
            if getattr(coroutine, "suspended_sid", None) == sid:
                frame: object = getattr(coroutine, "cr_frame", None)
                return frame if isinstance(frame, FrameType) else None
        frames = sys._current_frames()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - documented, for debuggers
        return frames.get(self._loop_thread)
