"""Draining and closing: a bus ends once nothing is left to be handled, read from a stream or given from a store."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any
from weakref import WeakSet

from trading.events._bus.catch_up import CatchUps
from trading.events._bus.drain_log import DrainLog, subscriptions_left
from trading.events._bus.exit_warnings import WarningBus
from trading.events._bus.watchdog import Watchdog
from trading.events.errors import ReentrancyError
from trading.events.statistics import statistics_of
from trading.events.stream import EventStream

_LOGGER = logging.getLogger("trading.events")

_GRACE_S = 5.0
"""Seconds that `aclose` waits for handlers that it has cancelled; one that will not end is logged and left."""


class ClosingBus(WarningBus):
    """A native bus with all that closing it has to wait for or to end: workers, streams, catch-ups, the watchdog."""

    __slots__ = ("_catch_ups", "_streams", "_watchdog", "name")

    def _begin(self, name: str, watchdog: Watchdog | None) -> None:
        """Sets what closing uses. No constructor, as that of the native bus is called by `__new__`."""
        self.name = name
        self._watchdog = watchdog
        self._streams: WeakSet[EventStream[Any]] = WeakSet()
        self._catch_ups = CatchUps()
        self._warn_if_forgotten()

    def _note_stream(self, stream: EventStream[Any]) -> None:
        self._streams.add(stream)

    async def _close_within(self, limit: asyncio.Timeout) -> None:
        self._close()
        try:
            async with limit:
                await self._work_off_locally()
                while not self._seal():
                    await self._work_off_locally()
        except TimeoutError:
            self._refuse()
            await self._catch_ups.cancel(_GRACE_S)
            await self._cancel_workers()
            self._seal()
        if self._watchdog is not None:
            self._watchdog.stop()
        for stream in tuple(self._streams):
            stream.end()

    async def _work_off_locally(self) -> None:
        """Returns when nothing is left to be handled, nobody is at it, and no store is being read."""
        while True:
            await self._catch_ups.finish()
            while self._unfinished:
                await self._idle()
            if workers := self._workers():
                await asyncio.wait(workers)
            elif (reader_done := self._reader_done()) is not None:
                await reader_done
            else:
                return

    def _check_closer(self) -> None:
        """Refuses a handler. A reader that closes the bus is done with its events."""
        self._check_outside("aclose")
        for stream in tuple(self._streams):
            stream.leave_to_caller()

    def _readers(self) -> list[EventStream[Any]]:
        """The streams of which somebody has an event and has not asked for the next."""
        return [stream for stream in tuple(self._streams) if stream.is_read]

    def _unread(self) -> list[EventStream[Any]]:
        """The streams that offer an event which nobody takes."""
        return [stream for stream in tuple(self._streams) if stream.is_unread]

    def _reader_done(self) -> Coroutine[Any, Any, None] | None:
        """A coroutine that ends when one of them does; it does not keep a stream that is forgotten meanwhile."""
        return next((stream.reader_done() for stream in self._readers()), None)

    def _is_reading(self) -> bool:
        """True if the caller has an event of one of the bus's streams and has not asked for the next."""
        return any(stream.is_read_here for stream in tuple(self._streams))

    def _left(self) -> list[str]:
        """Describes all that closing waits for."""
        stores = [f"subscription {sid}, which is given what its store has" for sid in self._catch_ups.running]
        readers = [f"the reader of {stream!r}, which has not asked for the next event" for stream in self._readers()]
        unread = [f"{stream!r}, which is open and has events that nobody reads" for stream in self._unread()]
        return [*self._subscriptions_left(), *stores, *readers, *unread]

    def _subscriptions_left(self, only: str | None = None) -> list[str]:
        accounts = statistics_of(*self._counts()).subscriptions
        return subscriptions_left(accounts.values(), self._in_handlers(), only)

    def _telling(self, what: str, left: Callable[[], list[str]]) -> DrainLog:
        return DrainLog(self.name, what, left=left, published=lambda: self._published_so_far)

    @property
    def _published_so_far(self) -> int:
        """Number of events the bus has accepted."""
        return self._published

    async def _cancel_workers(self) -> None:
        loop = asyncio.get_running_loop()
        end_s = loop.time() + _GRACE_S
        while workers := self._abandon():
            for worker in workers:
                worker.cancel()
            _, stubborn = await asyncio.wait(workers, timeout=max(end_s - loop.time(), 0.0))
            for worker in stubborn:
                _LOGGER.error("%s is closed, but a handler ignores its cancellation: %r", self.name, worker)
            if stubborn:
                break

    def _check_outside(self, what: str) -> None:
        if self._in_handler:
            raise ReentrancyError(f"{what} in a handler would wait for the handler itself; call it in another task")
