"""InfluxEventWriter: records events in InfluxDB, or whatever takes its line protocol."""

import asyncio
import logging
import os
import threading
import weakref
from collections.abc import Callable, Iterable
from contextlib import suppress
from types import TracebackType
from typing import Self

from trading.events.base import BaseEvent
from trading.events.errors import RefusedEventsError, StoreClosedError, StoreUnavailableError, UnstorableEventError
from trading.events.persistence.base import IEventWriter
from trading.events.persistence.columns import from_micros
from trading.events.persistence.influx.connection import Connection
from trading.events.persistence.influx.point import Point, escape_tag, make_point
from trading.events.persistence.influx.policy import SendingPolicy
from trading.events.persistence.influx.sender import RefusedEvent, Sender
from trading.events.persistence.influx.target import InfluxBucket, InfluxDatabase, InfluxTarget
from trading.events.persistence.influx.timekeeper import FIRST_MICROS, LAST_MICROS, Timekeeper

__all__ = ["InfluxBucket", "InfluxDatabase", "InfluxEventWriter", "InfluxTarget", "RefusedEvent", "SendingPolicy"]

_LAST_TRY_S = 5.0

_log = logging.getLogger("trading.events.persistence")


class InfluxEventWriter(IEventWriter):
    """Records events in InfluxDB 1, 2 or 3, or in another server that takes its line protocol.

        async with InfluxEventWriter(InfluxBucket("http://localhost:8086", "market", token=token)) as writer:
            await bus.subscribe("*", writer.write_event)

    `persistence.influx.point` says what of an event stands where: a measurement per event type, tags `exchange` and
    `symbol`, numbers as numbers, and beside each decimal its digits in `<name>_exact`. Times are in nanoseconds: the
    event's microsecond, and in the last three digits the how-manieth event of its topic at that microsecond it is,
    because of points with equal tags and time a server keeps only one. Where that does not suffice, the tag `_run`
    tells events apart: after a thousand at one moment, and for events that come later than younger ones of their topic.
    Rounded down to microseconds, the time is the event's own, and order by it, `_run` and time is that of recording.
    What another writer has written is not known here: of two that write events of the same topics and times, one
    after another too, each needs a `name` of its own, which becomes the tag `_writer`.

    `write_event` returns when the event waits to be sent, and waits itself only when `policy.capacity_bytes` do.
    A thread sends them in batches. While the server is away, slow, or does not let this writer in, they are kept and
    tried again, for ever: `flush` says what is wrong, and so does the log, once. What the server will never take, such
    as a field whose type it knows otherwise, is found out and set apart: `on_refused` gets it, the log has it, and the
    next `flush` or `aclose` raises it. All others are stored. A process that dies loses what waits: less than
    `policy.age_s` while the server is there.

    A writer that is not closed tries to send what waits, for a few seconds, when it is garbage collected or the
    interpreter ends. Its methods may be called from any event loop; in a forked child they raise.

    Args:
        target: An InfluxDatabase, for InfluxDB 1, or an InfluxBucket.
        name: Tells apart what several writers write; by default there is no such tag.
        policy: When events are sent; by default `SendingPolicy()`.
        on_refused: Called from the thread that sends with events that the server refuses. It must not wait for this
            writer.

    Raises:
        ValueError: `name` is empty.
    """

    def __init__(
        self,
        target: InfluxTarget,
        *,
        name: str | None = None,
        policy: SendingPolicy | None = None,
        on_refused: Callable[[list[RefusedEvent]], None] | None = None,
    ) -> None:
        if name == "":
            raise ValueError("name must not be empty; None stands for no name")
        policy = policy or SendingPolicy()
        endpoint = target.endpoint()
        self._tags = "" if name is None else f",_writer={escape_tag(name)}"
        self._keeper = Timekeeper()
        self._placing = threading.Lock()
        self._closing = False
        self._owner = os.getpid()
        connection = Connection(endpoint, timeout_s=policy.timeout_s, compresses=policy.compresses)
        self._sender = Sender(connection, policy, name=str(endpoint), on_refused=on_refused)
        self._finalizer = weakref.finalize(self, _close, self._sender, self._owner)

    @property
    def waiting(self) -> int:
        """How many events wait to be sent, those that `write_event` waits for included."""
        return self._sender.waiting

    @property
    def refused(self) -> int:
        """How many events the server has refused for good."""
        return self._sender.refused

    @property
    def failure(self) -> str | None:
        """Why nothing can be stored now, or None where the last attempt has succeeded, or none was made."""
        return self._sender.failure

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
        """Returns when every event taken so far is in the store. What waits is sent at once.

        Args:
            timeout_s: Longest to wait for the server, in seconds.

        Raises:
            StoreClosedError: The writer is closed.
            StoreUnavailableError: The server has not taken them by then. They are kept and tried again.
            RefusedEventsError: It has refused some, since this was last raised. All others are stored.
        """
        self._check_open()
        await self._drain(timeout_s)
        self._raise_refused()

    async def aclose(self, *, timeout_s: float = 30.0, discard: bool = False) -> None:
        """Sends what waits and ends the thread. Again, it does nothing.

        Args:
            timeout_s: Longest to wait for the server, in seconds.
            discard: Whether to close even if events are lost because the server has not taken them by then.

        Raises:
            StoreUnavailableError: The server has not taken them by then. The writer is still open, and nothing is lost.
            RefusedEventsError: It has refused some, since this was last raised. The writer is closed.
        """
        if self._closing or os.getpid() != self._owner:
            return
        self._closing = True
        try:
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
        points = [_make_point(event) for event in events]
        points.sort(key=lambda point: point.micros)
        with self._placing:
            refused = self._sender.add([self._place(point) for point in points])
        if refused is not None:
            await asyncio.wrap_future(refused)

    def _place(self, point: Point) -> bytes:
        run, time_ns = self._keeper.place(point.series, point.micros)
        tags = f"{self._tags},_run={run}" if run else self._tags
        return f"{point.series}{tags} {point.fields} {time_ns}".encode()

    async def _drain(self, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                await asyncio.wrap_future(self._sender.ask())
                while self._closing and self._sender.waiting:
                    await asyncio.wrap_future(self._sender.ask())
        except TimeoutError:
            raise StoreUnavailableError(
                f"{self._sender.waiting} events are not stored after {timeout_s} s; they are kept and tried again: "
                f"{self._sender.failure or 'the server takes its time'}"
            ) from None

    def _raise_refused(self) -> None:
        refused = self._sender.take_untold()
        if refused:
            raise RefusedEventsError([(event.line, event.reason) for event in refused])

    def _check_open(self) -> None:
        if self._closing or os.getpid() != self._owner:
            raise StoreClosedError("the writer is closed, or belongs to the process that this one was forked from")


def _make_point(event: BaseEvent) -> Point:
    point = make_point(event)
    if not FIRST_MICROS <= point.micros <= LAST_MICROS:
        first, last = from_micros(FIRST_MICROS), from_micros(LAST_MICROS)
        raise UnstorableEventError(
            f"{type(event).__name__} {event.event_id} cannot be stored: its timestamp {event.timestamp} is not between "
            f"{first} and {last}, which is all that the store knows"
        )
    return point


def _close(sender: Sender, owner: int) -> None:
    """Closes what was not closed; not in a forked child, and without waiting for the very thread that does it."""
    if os.getpid() != owner:
        return
    if threading.current_thread() is not sender.thread:
        with suppress(TimeoutError):
            sender.ask().result(_LAST_TRY_S)
    _stop(sender)


def _stop(sender: Sender) -> None:
    lost = sender.stop()
    if lost:
        _log.error("%s events are lost: the writer was closed before the server took them", lost)
