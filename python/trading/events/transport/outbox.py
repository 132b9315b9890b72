"""The outbox: events on their way to a server. The queue before it is that of a subscription."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from trading.events._core import NativeBus
from trading.events.base import BaseEvent
from trading.events.bus import GapCallback, HandlerFailure, Overflow
from trading.events.memory_bus import InMemoryEventBus

_BATCH_EVENTS = 1024
"""How many events are taken at once, at the most: some milliseconds of encoding."""

_MODEST_EVENTS = 256
"""How many at the most while sending gives way: a frame."""

_FEW_EVENTS = 16
"""So many at the most are sent by whoever puts them in: a fraction of a millisecond of encoding."""


class Outbox:
    """Where a subscription's handler puts events, and a sender takes them out in batches."""

    def __init__(self) -> None:
        self._draw: Callable[[int], list[BaseEvent]] = lambda _most: []
        self._gives_way: Callable[[], bool] = lambda: False
        self._send: Callable[[], object] | None = None
        self._batch: list[BaseEvent] = []
        self._filled = asyncio.Event()
        self._room = asyncio.Event()
        self._progress = asyncio.Event()
        self.collected = 0
        self.settled = 0

    def draw_from(self, draw: Callable[[int], list[BaseEvent]], gives_way: Callable[[], bool] | None = None) -> None:
        """Has the handler take along what waits behind its event, in one call for many.

        Args:
            draw: Takes up to so many more events out of the handler's queue.
            gives_way: Whether the sender is to take little at a time, because others need the loop.
        """
        self._draw = draw
        self._gives_way = gives_way or self._gives_way

    def collect(self, event: BaseEvent) -> Awaitable[None] | None:
        """The handler: waits while the batch is full, so that the queue before it fills."""
        if len(self._batch) >= _BATCH_EVENTS:
            return self._collect_later(event)
        self._put(event)
        return None

    async def _collect_later(self, event: BaseEvent) -> None:
        while len(self._batch) >= _BATCH_EVENTS:
            self._room.clear()
            await self._room.wait()
        self._put(event)

    def _put(self, event: BaseEvent) -> None:
        self._batch.append(event)
        more = self._draw(_BATCH_EVENTS - len(self._batch))
        self._batch += more
        self.collected += 1 + len(more)
        if self._send is not None and len(self._batch) <= _FEW_EVENTS and not self._gives_way():
            self._send()
        self._filled.set()
        self._progress.set()

    async def next_collected(self) -> None:
        """Waits until another event has been put in."""
        self._progress.clear()
        await self._progress.wait()

    def send_few_with(self, send: Callable[[], object] | None) -> None:
        """Has few events sent at once, in the turn of the loop in which they come, rather than by a task.

        Args:
            send: Takes the events and sends them, if the server has replied to all before them. None: nothing does.
        """
        self._send = send

    def wake(self) -> None:
        """Has whoever waits for events look around."""
        self._filled.set()

    async def wait(self) -> None:
        """Waits until there are events, or somebody calls `wake`."""
        await self._filled.wait()
        self._filled.clear()

    def take(self) -> list[BaseEvent]:
        """The events that are there now, the first frame of them where sending gives way."""
        if len(self._batch) > _MODEST_EVENTS and self._gives_way():
            taken, self._batch = self._batch[:_MODEST_EVENTS], self._batch[_MODEST_EVENTS:]
        else:
            taken, self._batch = self._batch, []
        self._room.set()
        return taken


class OutgoingBus(InMemoryEventBus):
    """Takes what is published for a server: its one subscription is the way into the outbox."""

    def __init__(
        self,
        collect: Callable[[BaseEvent], Any],
        *,
        name: str,
        on_error: Callable[[HandlerFailure], object] | None,
        capacity: int,
        overflow: Overflow,
        on_gap: GapCallback | None,
    ) -> None:
        super().__init__(name=name, on_error=on_error, time_one_in=0)
        self._outbox = self._add(
            "*", collect, None, capacity=capacity, overflow=overflow, delivery="queued", on_gap=on_gap, name="outbox"
        )

    def draw(self, most: int) -> list[BaseEvent]:
        """Takes up to so many more events for the handler that runs."""
        return self._take_along(self._outbox, most)

    def send_for(self, local: NativeBus) -> None:
        """Lets the handlers of a bus publish here while this one is closed to outsiders."""
        self._send_for(local)

    def bind(self) -> None:
        """Has it belong to the running loop.

        Raises:
            WrongLoopError: It belongs to another.
            ForkedBusError: It belongs to another process.
        """
        self._bind()

    def close_to_outsiders(self) -> None:
        """Takes no new events but those of the handlers of the bus that it sends for."""
        self._close()

    def refuse(self) -> None:
        """Takes no new events from anybody."""
        self._refuse()

    async def give_up(self) -> None:
        """Gives up what it has."""
        await self._close_within(asyncio.timeout(0))

    async def emptied(self) -> None:
        """Returns when all that it has taken is in the outbox."""
        await self.join()

    @property
    def published(self) -> int:
        """How many events it has taken."""
        return self._published

    @property
    def unfinished(self) -> int:
        """How many events it has taken and not handed on."""
        return self._unfinished
