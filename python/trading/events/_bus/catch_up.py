"""Catching up: subscriptions that are given what a store has, and then what comes, with no gap and no double.

The subscription is entered first, and its live events are held back in its queue. What was accepted before that moment
is in the store, or still on its way there: in the queue of a subscription that records. So those subscriptions are
waited for, up to what they had accepted at that moment, and their writers flushed; only then is the store read. It is
read some events at a time, which go before those that are held back, as the handler works off the last ones. What the
store has by then of the live events is told by their ids, and left out. When it has been read, the queue is let go.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from trading.events._core import Filter, NativeBus
from trading.events.base import BaseEvent
from trading.events.errors import ReplayIntoItselfError, StoreClosedError, SubscriptionNotFoundError

if TYPE_CHECKING:
    from trading.events.persistence.base import IEventReader
    from trading.events.persistence.replay.event_range import EventRange

_AHEAD = 4_096
"""So many recorded events may wait for their handler before more are read; they are then worked off to a quarter."""

_IDS = 4_096
"""The ids of so many events that are held back are looked up at a time: some milliseconds."""


class Recorder(Protocol):
    """A writer, as `trading.events.persistence.IEventWriter`."""

    async def write_event(self, event: BaseEvent) -> None:
        """Takes one event."""

    async def flush(self) -> None:
        """Returns when every event taken so far is in the store."""


OnFailure = Callable[[str, Exception], Awaitable[None]]
"""Called with the id of a subscription whose backfill has failed; ends the subscription."""


def recorded(
    store: "IEventReader",
    start: object,
    event_type: str | type[BaseEvent],
    condition: Callable[[Any], object] | None,
    *,
    overflow: str,
    handler: Callable[[Any], object],
) -> "EventRange":
    """The events that a store has for a subscription, narrowed by the names in its filter; the bus evaluates the rest.

    Raises:
        ReplayIntoItselfError: The handler records into the same store.
        TypeError: The store is no reader, or the start no moment.
        ValueError: The queue may drop what is held back.
    """
    if not callable(getattr(store, "read_range", None)):
        raise TypeError(f"store is {store!r}; it must be a reader, such as EventReader")
    store_id = getattr(getattr(handler, "__self__", None), "store_id", None)
    if store_id is not None and store_id == getattr(store, "store_id", None):
        raise ReplayIntoItselfError("the handler would record what the store has into the same store once more")
    if not isinstance(start, datetime):
        raise TypeError(f"start is {start!r}; with a store it is the datetime from which on it is read")
    if overflow not in {"block", "raise"}:
        raise ValueError(f"overflow is {overflow!r}; with a store it is 'block' or 'raise', so that no gap can be")
    if not isinstance(condition, Filter):
        return store.read_range(start, event_type=event_type)
    _, exchanges, symbols = condition.name_bounds
    return store.read_range(start, event_type=event_type, exchange=exchanges, symbol=symbols)


class CatchUps:
    """The subscriptions of one bus that catch up, and who records there."""

    __slots__ = ("_failed", "_recorders", "_running")

    def __init__(self) -> None:
        self._recorders: dict[str, Recorder] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._failed: dict[str, Exception] = {}

    @property
    def are_running(self) -> bool:
        """True if there are any."""
        return bool(self._running)

    @property
    def running(self) -> list[str]:
        """The ids of their subscriptions."""
        return list(self._running)

    def note(self, sid: str, handler: Callable[[Any], object]) -> None:
        """Takes note of a new subscription, if it records."""
        writer: Any = getattr(handler, "__self__", None)
        if getattr(handler, "__name__", None) == "write_event" and hasattr(writer, "flush"):
            self._recorders[sid] = writer

    @property
    def writers(self) -> list[Recorder]:
        """The writers of subscriptions that record, and have not ended."""
        return list(self._recorders.values())

    def is_recorder(self, sid: str) -> bool:
        """True if a subscription records and has not ended."""
        return sid in self._recorders

    def begin(
        self, bus: NativeBus, sid: str, *, store: "IEventReader", events: "EventRange", on_failure: OnFailure
    ) -> None:
        """Begins to give a subscription, which is held back, what a store has."""
        writers = {each: writer for each, writer in self._recorders.items() if store.is_written_by(writer)}
        on_their_way = [waiting for each in writers if (waiting := _until_handled(bus, each)) is not None]
        run = self._run(_Backfill(bus, sid), events, _Cutover(on_their_way, list(writers.values())), on_failure)
        self._running[sid] = running = asyncio.get_running_loop().create_task(run)
        running.add_done_callback(lambda _: self._running.pop(sid))  # also where it is cancelled before it has begun

    async def _run(
        self, backfill: "_Backfill", events: "EventRange", cutover: "_Cutover", on_failure: OnFailure
    ) -> None:
        sid = backfill.sid
        try:
            await cutover.reached()
            await backfill.give(events)
        except SubscriptionNotFoundError:
            pass  # it has ended meanwhile
        except Exception as error:  # noqa: BLE001 - it is told in every way that a failing handler's would be
            self._failed[sid] = error
            await on_failure(sid, error)

    async def caught_up(self, sid: str) -> None:
        """Returns when a subscription has handled what the store had for it; raises what went wrong."""
        running = self._running.get(sid)
        if running is not None:
            await asyncio.wait([running])
            if running.cancelled():
                raise SubscriptionNotFoundError(f"{sid} has ended before it had caught up")
        if sid in self._failed:
            raise self._failed[sid]

    async def finish(self, sid: str | None = None) -> None:
        """Returns when they have ended; or one of them."""
        while running := [task for each, task in self._running.items() if sid in {None, each}]:
            await asyncio.wait(running)

    def end(self, bus: NativeBus, sid: str) -> None:
        """A subscription has ended. One that records does so once nothing is on its way to its writer any more."""
        running = self._running.get(sid)
        if running is not None and running is not asyncio.current_task():
            running.cancel()
        if sid in self._recorders:
            last = _until_handled(bus, sid)
            if last is None:
                del self._recorders[sid]
            else:
                last.add_done_callback(lambda _: self._recorders.pop(sid, None))

    async def cancel(self, timeout_s: float) -> None:
        """Gives them up; waits at most so long for a store that is being read."""
        running = list(self._running.values())
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running, timeout=timeout_s)


def _until_handled(bus: NativeBus, sid: str, *, left: int = 0) -> "asyncio.Future[None] | None":
    with suppress(SubscriptionNotFoundError):
        return bus._until_handled(sid, left)  # noqa: SLF001 - its own
    return None


class _Cutover(NamedTuple):
    """Up to where the store must have come."""

    on_their_way: list[asyncio.Future[None]]
    writers: list[Recorder]

    async def reached(self) -> None:
        """Returns when what had been accepted is in the store."""
        for waiting in self.on_their_way:
            await waiting
        for writer in self.writers:
            with suppress(StoreClosedError):
                await writer.flush()


class _Backfill:
    """The way of recorded events before those that a subscription holds back."""

    def __init__(self, bus: NativeBus, sid: str) -> None:
        self._bus = bus
        self.sid = sid
        self._held: set[str] = set()
        self._held_count = 0

    async def give(self, events: "EventRange") -> None:
        """Gives the subscription all these, and lets it go; returns when it has handled them."""
        try:
            async with aclosing(events.chunks()) as chunks:
                async for chunk in chunks:
                    await self._give_some(chunk)
        except Exception:
            await self._worked_off()
            raise
        self._held.clear()
        earlier = self._bus._until_handled(self.sid, 0)  # noqa: SLF001 - its own, as below
        self._bus._let_go(self.sid)  # noqa: SLF001
        if earlier is not None:
            await earlier

    async def _give_some(self, events: Sequence[BaseEvent]) -> None:
        """An event that is read here and also live was accepted before it was written: it is held back by now."""
        while ids := self._bus._held_ids(self.sid, self._held_count, _IDS):  # noqa: SLF001 - its own, as below
            self._held.update(ids)
            self._held_count += len(ids)
            if len(ids) < _IDS:
                break
            await asyncio.sleep(0)
        earlier = [event for event in events if event.event_id not in self._held]
        if self._bus._put_ahead(self.sid, earlier) > _AHEAD:  # noqa: SLF001
            await self._worked_off(left=_AHEAD // 4)

    async def _worked_off(self, *, left: int = 0) -> None:
        waiting = _until_handled(self._bus, self.sid, left=left)
        if waiting is not None:
            await waiting
