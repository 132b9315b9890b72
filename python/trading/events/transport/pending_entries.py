"""The entries of a stream that are being handled. One is acknowledged when every handler of its events has ended."""

import asyncio
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from types import coroutine
from typing import Any

from trading.events._core import to_await
from trading.events.base import BaseEvent
from trading.events.delivery import REDELIVERED
from trading.events.system import ErrorEvent

_MOST_DELAY_S = 10.0


@dataclass(slots=True, eq=False)
class Entry:
    """An entry of a stream that has been read and not acknowledged."""

    stream: bytes
    id: bytes
    count: int
    is_redelivered: bool
    open: int = 1
    """The number of those it still waits for: its handlers, and the reader until it has delivered all its events."""

    is_kept: bool = False
    """True if it is left to be delivered again: a handler of it was cancelled."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event, or a frame of events, that could not be handled."""

    entry: Entry
    content: BaseEvent | bytes
    """An event whose handler has failed for good; or the whole frame of an entry that nobody lived to acknowledge."""

    subscription: str
    """The id of the subscription whose handler failed; empty for a frame."""

    attempts: int
    reason: str


class PendingEntries:
    """The entries that are being handled.

    Args:
        max_attempts: How often a handler is tried with an event.
        retry_delay_s: The pause before the second try; it doubles with each.
        bury: Called with an event whose handler has failed that often.
        changed: Called when an entry has ended.
    """

    def __init__(
        self,
        *,
        max_attempts: int,
        retry_delay_s: float,
        bury: Callable[[DeadLetter], object],
        changed: Callable[[], object],
    ) -> None:
        self.max_attempts = max_attempts
        self.retry_delay_s = retry_delay_s
        self.bury = bury
        self._changed = changed
        self.in_flight: dict[tuple[bytes, bytes], Entry] = {}
        self.ended: deque[Entry] = deque()
        self.events = 0
        self.current: tuple[BaseEvent, Entry] | None = None

    @contextmanager
    def opened(self, entry: Entry) -> Generator[None, None, None]:
        """Around the handing on of an entry's events: one that was not handed on whole is left to others."""
        self.in_flight[entry.stream, entry.id] = entry
        self.events += entry.count
        try:
            yield
        except BaseException:
            entry.is_kept = True
            raise
        finally:
            self.current = None
            self.release(entry)

    def release(self, entry: Entry) -> None:
        """One of those that an entry waits for has ended."""
        entry.open -= 1
        if entry.open:
            return
        self.events -= entry.count
        if entry.is_kept:
            self.in_flight.pop((entry.stream, entry.id), None)
        else:
            self.ended.append(entry)
        self._changed()

    def give_up(self, entry: Entry, frame: bytes, deliveries: int) -> None:
        """Buries a whole entry, which is not to be handled any more."""
        self.in_flight[entry.stream, entry.id] = entry
        reason = f"it was delivered {deliveries} times, and nobody lived to acknowledge it"
        self.bury(DeadLetter(entry, frame, "", deliveries, reason))
        self.ended.append(entry)
        self._changed()

    def acknowledged(self, entry: Entry) -> None:
        """The server knows that an entry has ended."""
        self.in_flight.pop((entry.stream, entry.id), None)


def _reason_of(error: Exception) -> str:
    failure = ErrorEvent.from_exception(error, component="handler")
    return f"{failure.error_type}: {failure.message}"


class TrackedHandler:
    """A subscription's handler, which ends its part of an entry when it ends."""

    def __init__(self, pending: PendingEntries, handler: Callable[[Any], Any], name: str) -> None:
        self._pending = pending
        self._handler = handler
        self.name = name
        self._entries: dict[str, deque[Entry]] = {}

    def note(self, event: BaseEvent) -> bool:
        """The last of the subscription's filters: the event is one of this subscription."""
        current = self._pending.current
        if current is not None and current[0] is event:
            current[1].open += 1
            self._entries.setdefault(event.event_id, deque()).append(current[1])
        return True

    async def __call__(self, event: BaseEvent) -> None:
        """Handles an event, as often as it takes."""
        entries = self._entries.get(event.event_id)
        if not entries:  # an event of the bus itself
            await self._call(event)
            return
        entry = entries.popleft()
        if not entries:
            del self._entries[event.event_id]
        token = REDELIVERED.set(entry.is_redelivered)
        try:
            await self._try(event, entry)
        except Exception:
            self._pending.release(entry)
            raise
        except BaseException:
            entry.is_kept = True
            self._pending.release(entry)
            raise
        else:
            self._pending.release(entry)
        finally:
            REDELIVERED.reset(token)

    async def _try(self, event: BaseEvent, entry: Entry) -> None:
        delay_s = self._pending.retry_delay_s
        for attempt in range(1, self._pending.max_attempts + 1):
            try:
                await self._call(event)
            except Exception as error:
                if attempt == self._pending.max_attempts:
                    self._pending.bury(DeadLetter(entry, event, self.name, attempt, _reason_of(error)))
                    raise
            else:
                return
            await asyncio.sleep(delay_s)
            delay_s = min(2 * delay_s, _MOST_DELAY_S)

    async def _call(self, event: BaseEvent) -> None:
        result = self._handler(event)
        if result is not None and (steps := to_await(self._handler, result)) is not None:
            await _drive(steps)

    def end(self) -> None:
        """The subscription has ended: what waited for it is not waited for any more."""
        waiting, self._entries = self._entries, {}
        for entries in waiting.values():
            for entry in entries:
                self._pending.release(entry)


@coroutine
def _drive(steps: Any) -> Generator[Any, Any, None]:
    yield from steps
