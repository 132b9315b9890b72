"""The local half of a bus over a server."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from trading.events._bus.drain_log import DrainLog
from trading.events._bus.hooks import NO_HOOKS, SubscriptionHooks
from trading.events.base import BaseEvent
from trading.events.bus import GapCallback, HandlerFailure, Overflow
from trading.events.memory_bus import InMemoryEventBus
from trading.events.stream import EventStream


class LocalBus(InMemoryEventBus):
    """Delivers events within the process. What only the bus that holds it may call has public names here.

    Args:
        hooks: Called at each step of a subscription.
        shown_as: Returns how the bus that holds this one is shown: warnings name that one.
        published: Returns how many events that one has accepted.
        join: Waits until that one has handled all that it has accepted.
        options: Those of InMemoryEventBus.
    """

    def __init__(
        self,
        hooks: SubscriptionHooks,
        *,
        shown_as: Callable[[], str],
        published: Callable[[], int],
        join: Callable[[], Awaitable[None]],
        name: str,
        on_error: Callable[[HandlerFailure], object] | None,
        time_one_in: int,
        slow_handler_s: float | None,
        close_timeout_s: float | None,
        strict_topics: bool,
    ) -> None:
        self._shown_as = shown_as
        self._count_published = published
        self._join = join
        super().__init__(
            name=name,
            on_error=on_error,
            time_one_in=time_one_in,
            slow_handler_s=slow_handler_s,
            close_timeout_s=close_timeout_s,
            strict_topics=strict_topics,
        )
        self._hooks = hooks
        self.publish_past = self._publish_past
        """`publish` to all but one subscription, which is named by its id."""
        self.publish_nowait_past = self._publish_nowait_past
        """`publish_nowait` to all but one subscription."""

    def __repr__(self) -> str:
        return self._shown_as()

    @property
    def _published_so_far(self) -> int:
        return self._count_published()

    async def _handle_all(self) -> None:
        await self._join()

    @property
    def phase(self) -> str:
        """`open`, `closing` or `closed`."""
        return self._phase

    @property
    def unfinished(self) -> int:
        """How many accepted events have not been handled."""
        return self._unfinished

    @property
    def published(self) -> int:
        """How many events it has accepted."""
        return self._published

    @property
    def has_publishers_waiting(self) -> bool:
        """True while an event waits for room in its queues."""
        return self._publishers_waiting > 0

    @property
    def is_busy(self) -> bool:
        """True while events wait, handlers run, or a stream is being read."""
        return bool(self._unfinished or self._workers() or self._readers())

    def bind(self) -> None:
        """Has it belong to the running loop.

        Raises:
            WrongLoopError: It belongs to another.
            ForkedBusError: It belongs to another process.
        """
        self._bind()

    def check_outside(self, what: str) -> None:
        """Raises a ReentrancyError in a handler."""
        self._check_outside(what)

    def check_closer(self) -> None:
        """Raises a ReentrancyError in a handler. A reader that closes the bus is done with its events."""
        self._check_closer()

    def publish_own(self, event: BaseEvent) -> None:
        """Publishes an event of the bus's own, which is accepted to the last."""
        self._publish_own(event)

    def idle(self, most: int) -> Awaitable[None]:
        """Ends once no more than so many events are unfinished."""
        return self._idle(most)

    def note_stream(self, stream: EventStream[Any]) -> None:
        """Ends a stream when the bus closes."""
        self._note_stream(stream)

    def reader_done(self) -> Coroutine[Any, Any, None] | None:
        """A coroutine that ends when a reader of a stream does; None if there is none."""
        return self._reader_done()

    async def handled(self) -> None:
        """Returns when every event that it has accepted has been handled; `join` also says what it waits for."""
        await self._join_locally()

    async def work_off(self) -> None:
        """Returns when nothing is left to be handled here, and nobody is at it."""
        await self._work_off_locally()

    def left(self) -> list[str]:
        """Describes all that closing waits for here."""
        return self._left()

    def telling(self, what: str, left: Callable[[], list[str]]) -> DrainLog:
        """Says in the log what is left, while it is entered."""
        return self._telling(what, left)

    async def close_within(self, timeout_s: float | None) -> None:
        """Takes no new events from outside, handles those it has for so long, and ends."""
        await self._close_within(asyncio.timeout(timeout_s))

    def add_outbox(
        self,
        what: str | type[BaseEvent],
        collect: Callable[[BaseEvent], object],
        *,
        capacity: int,
        overflow: Overflow,
        on_gap: GapCallback | None,
    ) -> str:
        """Begins the subscription whose queue is the outbox. Packing what waits would hold local publishers up."""
        others = self._pack_beyond(capacity)
        sid = self._add(
            what,
            collect,
            None,
            capacity=capacity,
            overflow=overflow,
            delivery="queued",
            on_gap=on_gap,
            name="outbox",
            hooks=NO_HOOKS,
        )
        self._pack_beyond(others)
        return sid

    def take_along(self, sid: str, most: int) -> list[BaseEvent]:
        """Takes up to so many more events of a subscription for its handler that runs."""
        return self._take_along(sid, most)

    def unfinished_of(self, sid: str) -> int:
        """How many events of a subscription have not been handled."""
        return self._unfinished_of(sid)
