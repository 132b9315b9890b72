"""Arrivals: events from a server, on their way to the queues of a bus."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from trading.events.base import BaseEvent
from trading.events.errors import BusClosedError, QueueFullError
from trading.events.transport.pending_entries import Entry, PendingEntries

_MOST_WAITING = 1024
"""Events from publish/subscribe that may wait for room in local queues at once, under `conflate`."""


class Arrivals:
    """Hands events from a server to the local queues, and counts them."""

    def __init__(self) -> None:
        self._accept: Callable[[BaseEvent], Coroutine[Any, Any, None]]
        self._accept_nowait: Callable[[BaseEvent], object]
        self._waiting: set[asyncio.Future[None]] = set()
        self.pending: PendingEntries | None = None
        """Entries that are to be acknowledged, where the transport does that."""

        self.received = 0
        self.crowded_out = 0

    def deliver_to(
        self, accept: Callable[[BaseEvent], Coroutine[Any, Any, None]], accept_nowait: Callable[[BaseEvent], object]
    ) -> None:
        """Says where the events go.

        Args:
            accept: Puts an event into the queues of the bus, as they have room.
            accept_nowait: The same where there is room now; otherwise it raises QueueFullError.
        """
        self._accept, self._accept_nowait = accept, accept_nowait

    @property
    def are_waiting(self) -> bool:
        """True while events wait for room."""
        return bool(self._waiting)

    def deliver(self, events: list[BaseEvent]) -> None:
        """Hands on events of publish/subscribe, without waiting for room."""
        self.received += len(events)
        for event in events:
            try:
                self._accept_nowait(event)
            except QueueFullError:
                self._deliver_later(event)
            except BusClosedError:
                return

    def _deliver_later(self, event: BaseEvent) -> None:
        if len(self._waiting) >= _MOST_WAITING:
            self.crowded_out += 1
            return
        waiting = asyncio.ensure_future(self._accept(event))
        self._waiting.add(waiting)
        waiting.add_done_callback(self._waiting.discard)

    async def deliver_entry(self, entry: Entry, events: list[BaseEvent]) -> None:
        """Hands on the events of an entry of a stream, as there is room."""
        self.received += len(events)
        with suppress(BusClosedError):
            if self.pending is None:
                for event in events:
                    await self._accept(event)
                return
            with self.pending.opened(entry):
                for event in events:
                    self.pending.current = event, entry
                    await self._accept(event)
