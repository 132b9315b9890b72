"""SendingBus: a bus over a server all of whose events go there, and come back to be handled."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any

from trading.events._bus.argument_checks import check_seconds
from trading.events.base import BaseEvent
from trading.events.bus import GapCallback, HandlerFailure, Overflow
from trading.events.statistics import BusStatistics
from trading.events.transport.base import Server
from trading.events.transport.confirmation import Confirmation
from trading.events.transport.draining import Draining
from trading.events.transport.options import TransportOptions
from trading.events.transport.outbox import OutgoingBus
from trading.events.transport.remote_bus import RemoteBus
from trading.events.transport.sequences import Missed


class SendingBus(RemoteBus):
    """What is published stands in an outgoing bus, whose handler puts it into the outbox."""

    def __init__(
        self,
        server: Server,
        options: TransportOptions,
        *,
        name: str,
        on_error: Callable[[HandlerFailure], object] | None,
        on_missed: Callable[[Missed], object] | None,
        time_one_in: int,
        slow_handler_s: float | None,
        outbox_capacity: int,
        outbox_overflow: Overflow,
        on_outbox_gap: GapCallback | None,
        close_timeout_s: float | None,
        strict_topics: bool,
    ) -> None:
        super().__init__(
            server,
            options,
            hears_itself=True,
            name=name,
            on_error=on_error,
            on_missed=on_missed,
            time_one_in=time_one_in,
            slow_handler_s=slow_handler_s,
            close_timeout_s=close_timeout_s,
            strict_topics=strict_topics,
        )
        self._arrivals.deliver_to(self._local.publish, self._local.publish_nowait)
        self._outgoing = OutgoingBus(
            self._collect,
            name=name,
            on_error=on_error,
            capacity=outbox_capacity,
            overflow=outbox_overflow,
            on_gap=on_outbox_gap,
        )
        self._outgoing.send_for(self._local)
        self._outbox.draw_from(self._outgoing.draw)
        self._under_way = self._drain_through(self._outgoing)

    def publish(self, event: BaseEvent) -> Coroutine[Any, Any, None]:
        """Sends an event; waits for room in the outbox, and in streams for the server. See `IEventBus.publish`.

        Cancelled while it waits for the server, it has been accepted all the same. In streams it also raises what is
        told of as an ErrorEvent in publish/subscribe: EventTooLargeError, or why the event cannot be encoded.
        """
        if self.options.mode == "pubsub":
            return self._outgoing.publish(event)
        expected = self._confirmations.new()
        expected.events = (event,)
        return self._when_confirmed(self._outgoing.publish(event), expected)

    def publish_nowait(self, event: BaseEvent) -> None:
        """Puts an event into the outbox, from any thread, without waiting.

        Raises:
            NotAnEventError: It is no event.
            QueueFullError: The outbox is full.
            BusClosedError: The bus is closed or closing.
            WrongLoopError: The bus has not been used in a loop yet, or its loop is closed.
        """
        self._outgoing.publish_nowait(event)

    def publish_batch(self, events: Iterable[BaseEvent]) -> Coroutine[Any, Any, None]:
        """Sends events, one after the other. See `publish` and `IEventBus.publish_batch`.

        One that cannot be sent holds no other up: it is raised when all others are at the server.
        """
        if self.options.mode == "pubsub":
            return self._outgoing.publish_batch(events)
        expected = self._confirmations.new()
        return self._when_confirmed(self._outgoing.publish_batch(expected.noting(events)), expected)

    async def _when_confirmed(self, accepted: Coroutine[Any, Any, None], expected: Confirmation) -> None:
        await accepted
        # At most so many events stand before and with this one: they pass the outbox in their order.
        await self._transport.confirmed(self._outbox.collected + self._outgoing.unfinished)
        expected.check()

    def _collect(self, event: BaseEvent) -> Awaitable[None] | None:
        if not self._lifecycle.is_started:
            self._bind()
        return self._outbox.collect(event)

    @property
    def _draining(self) -> Draining:
        return self._under_way

    def _count_published(self) -> int:
        return self._outgoing.published

    def _bind(self) -> None:
        super()._bind()
        self._outgoing.bind()

    async def aclose(self, timeout_s: float | None = None) -> None:
        """Takes no new events from outside, sends and handles those it has, and ends.

        What handlers publish meanwhile is accepted, sent, and handled as it comes back; what other buses publish is not
        heard any more. Over streams with a group, this bus follows what its handlers publish until others have sent it
        more: the rest is sent, and left to whoever is in the group. What this waits for is said in the log, as by an
        InMemoryEventBus. A second call waits for the first.

        Args:
            timeout_s: Seconds after which it gives up: what was not sent is counted and logged. None, the default,
                waits as long as it takes, also for a server that is away.

        Raises:
            ReentrancyError: Called in a handler, whose own event would never be handled.
            TypeError: `timeout_s` is no number.
            ValueError: It is negative, or not finite.
        """
        self._local.check_closer()
        self._local.bind()  # without connecting, which would be for nothing
        self._outgoing.bind()
        loop = asyncio.get_running_loop()
        timeout_s = check_seconds(timeout_s, "timeout_s")
        limit_s = None if timeout_s is None else loop.time() + timeout_s
        self._lifecycle.is_closing = True
        self._outgoing.close_to_outsiders()
        with self._local.telling("closing", self._left):
            if self._lifecycle.is_live:
                await self._lifecycle.close(self._draining.work_off_and_leave(), limit_s, self._part)
            await self._outgoing.give_up()
            await self._local.close_within(None if limit_s is None else max(0.0, limit_s - loop.time()))

    def _part(self) -> None:
        """Takes no new events for the server, from anybody."""
        self._outgoing.refuse()
        super()._part()

    def statistics(self) -> BusStatistics:
        """The counts of the bus, at one moment. `published` counts what this bus has taken for sending."""
        outgoing = self._outgoing.statistics()
        return dataclasses.replace(
            super().statistics(),
            published=outgoing.published,
            abandoned=outgoing.abandoned,
            publishers_waiting=outgoing.publishers_waiting,
        )
