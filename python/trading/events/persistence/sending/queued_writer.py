"""The base class of writers whose stores take events in batches."""

import asyncio
import logging
import os
import threading
import weakref
from abc import abstractmethod
from collections.abc import Iterable
from contextlib import suppress
from types import TracebackType
from typing import Self

from trading.events._codec.micros import from_micros
from trading.events.base import BaseEvent
from trading.events.errors import RefusedEventsError, StoreClosedError, StoreUnavailableError, UnstorableEventError
from trading.events.persistence.base import CLOSED, IEventWriter
from trading.events.persistence.feeds import Feed, Feeds
from trading.events.persistence.sending.sender import Sender

_LAST_TRY_S = 5.0
_LEAST_WAIT_S = 0.1

_log = logging.getLogger("trading.events.persistence")


class QueuedEventWriter(IEventWriter):
    """Keeps events in a bounded queue, from which a thread hands them over to the store.

    A writer that is not closed tries to store what waits, for a few seconds, when it is garbage collected or the
    interpreter ends. Its methods may be called from any event loop; in a forked child they raise.
    """

    def __init__(self, sender: Sender) -> None:
        self._closing = False
        self._feeds = Feeds()
        self._owner = os.getpid()
        self._adding = threading.Lock()
        self._sender = sender
        self._finalizer = weakref.finalize(self, _close, sender, self._owner)

    @abstractmethod
    def _encode(self, events: Iterable[BaseEvent]) -> list[bytes]:
        """The rows that are sent for events. Called by one thread at a time, in the order in which they are kept.

        Raises:
            NotAnEventError: One of them is no event.
            UnstorableEventError: A value of one of them cannot be stored exactly.
        """

    @property
    def waiting(self) -> int:
        """The number of events that wait to be sent, those that `write_event` waits for included."""
        return self._sender.waiting

    @property
    def refused(self) -> int:
        """The number of events that the server has refused for good."""
        return self._sender.refused

    @property
    def failure(self) -> str | None:
        """The reason why the last attempt has failed; None if it has not, or there was none."""
        return self._sender.failure

    def note_feed(self, feed: Feed) -> None:
        """Keeps a bus that hands its events to `write_event`, to have it drained before this closes."""
        self._feeds.add(feed)

    async def write_event(self, event: BaseEvent) -> None:
        """Takes one event; waits while there is no room for it.

        Raises:
            NotAnEventError: It is no event.
            UnstorableEventError: A value of it cannot be stored exactly, or the store does not know its time.
            StoreClosedError: The writer is closed.
        """
        await self._write([event])

    async def write_batch(self, events: Iterable[BaseEvent]) -> None:
        """Takes several events, all of them or, if it raises or is cancelled while it waits, none.

        Raises:
            NotAnEventError: One of them is no event.
            UnstorableEventError: A value of one of them cannot be stored exactly, or the store does not know its time.
            StoreClosedError: The writer is closed.
        """
        await self._write(events)

    async def flush(self, *, timeout_s: float = 30.0) -> None:
        """Returns when every event taken so far is in the store. Waiting events are sent at once.

        Args:
            timeout_s: Longest to wait for the store, in seconds.

        Raises:
            StoreClosedError: The writer is closed.
            StoreUnavailableError: The store has not taken them by then. They are kept and tried again.
            RefusedEventsError: It has refused some, since this was last raised. All others are stored.
        """
        self._check_open()
        await self._drain(timeout_s)
        self._raise_refused()

    async def aclose(self, *, timeout_s: float = 30.0, discard: bool = False) -> None:
        """Sends the waiting events and ends the thread. Calling it again does nothing.

        Buses that have `write_event` as a handler are drained first, each for its `close_timeout_s` at most.

        Args:
            timeout_s: Longest to wait for the store to take anything, in seconds.
            discard: Whether to close even if events are lost because the store has not taken them by then.

        Raises:
            StoreUnavailableError: The store has not taken them by then. The writer is still open, and nothing is lost.
            RefusedEventsError: It has refused some, since this was last raised. The writer is closed.
        """
        if self._closing or os.getpid() != self._owner:
            return
        try:
            if self._feeds:
                await self._drain_feeds(timeout_s)
            self._closing = True
            await self._drain(timeout_s)
        except StoreUnavailableError:
            if not discard:
                self._closing = False
                raise
        except BaseException:
            self._closing = False
            raise
        self._finalizer.detach()
        await asyncio.to_thread(_stop, self._sender)
        self._raise_refused()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _write(self, events: Iterable[BaseEvent]) -> None:
        self._check_open()
        several = list(events)
        with self._adding:
            refused = self._sender.add(self._encode(several))
        if refused is not None:
            await asyncio.wrap_future(refused)

    async def _drain(self, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                await asyncio.wrap_future(self._sender.ask())
                while self._closing and self._sender.waiting:
                    await asyncio.wrap_future(self._sender.ask())
        except TimeoutError:
            raise self._unavailable(timeout_s) from None

    def _unavailable(self, timeout_s: float) -> StoreUnavailableError:
        return StoreUnavailableError(
            f"{self._sender.waiting} events are not stored after {timeout_s} s; they are kept and tried again: "
            f"{self._sender.failure or 'the store takes its time'}"
        )

    async def _drain_feeds(self, timeout_s: float) -> None:
        """Has all buses drained that record here. One whose events the store does not take never would be."""
        draining = asyncio.ensure_future(self._feeds.drained())
        try:
            while not (await asyncio.wait([draining], timeout=max(timeout_s, _LEAST_WAIT_S)))[0]:
                if self._sender.failure is not None:
                    raise self._unavailable(timeout_s)
        finally:
            draining.cancel()
        draining.result()

    def _raise_refused(self) -> None:
        refused = self._sender.take_untold()
        if refused:
            raise RefusedEventsError([(event.line, event.reason) for event in refused])

    def _check_open(self) -> None:
        if self._closing or os.getpid() != self._owner:
            raise StoreClosedError(CLOSED)


def check_time(event: BaseEvent, micros: int, *, first: int, last: int) -> None:
    """Refuses an event at a time that its store does not know, all in microseconds since 1970.

    Raises:
        UnstorableEventError: It is not from `first` to `last`.
    """
    if not first <= micros <= last:
        raise UnstorableEventError(
            f"{type(event).__name__} {event.event_id} cannot be stored: its timestamp {event.timestamp} is not between "
            f"{from_micros(first)} and {from_micros(last)}, which is all that the store knows"
        )


def _close(sender: Sender, owner: int) -> None:
    """Closes a writer that was not closed; not in a forked child, and without waiting for its own thread."""
    if os.getpid() != owner:
        return
    if threading.current_thread() is not sender.thread:
        with suppress(TimeoutError):
            sender.ask().result(_LAST_TRY_S)
    _stop(sender)


def _stop(sender: Sender) -> None:
    lost = sender.stop()
    if lost:
        _log.error("%s events are lost: the writer was closed before the store took them", lost)
