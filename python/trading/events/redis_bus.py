"""RedisEventBus: one bus for many processes and machines, over a Redis or Valkey server."""

import asyncio
import dataclasses
from collections.abc import Callable, Coroutine, Iterable
from datetime import datetime
from typing import Any

from trading.events._bus.argument_checks import check_seconds
from trading.events.base import BaseEvent
from trading.events.bus import DEFAULT_CAPACITY, Filter, GapCallback, HandlerFailure, Overflow
from trading.events.memory_bus import InMemoryEventBus
from trading.events.statistics import BusStatistics
from trading.events.transport.confirmation import Confirmation
from trading.events.transport.options import Mode, TransportOptions
from trading.events.transport.outbox import OutgoingBus
from trading.events.transport.remote_bus import RemoteBus
from trading.events.transport.sequences import Missed
from trading.events.transport.servers import server_of


class RedisEventBus(RemoteBus):
    """An event bus over a Redis or Valkey server.

    `trading.events.bus` says what every bus promises. What this one promises less, and more, stands in the table of
    guarantees in docs/concepts/delivery.md.

        async with RedisEventBus("redis://localhost:6379/0") as bus:
            await bus.subscribe("tick", handle)
            await bus.publish(tick)

    What is published goes to the server, and from there to every bus of the namespace that hears it, this one included.

    `mode="pubsub"`: at most once. `publish` returns when the event stands in the outbox, `subscribe` when the
    server has confirmed. Events are numbered, so that what a lost connection cost is told of: as a ConnectionEvent
    with `missed_count`, and to `on_missed`. A queue that is full under `block` or `raise` drops the newest: no
    publisher can be told to wait.

    `mode="streams"`: `publish` returns when the server has the event. What it returned for is not lost by a restart
    of a server that syncs each write, nor by a failover with `min_replicas`, and is not doubled by a reply that was
    lost. Without a group each bus reads all from `start` on. The buses of a `group` share the events; one is
    acknowledged when every handler of it has ended, and delivered again, with `is_redelivered()`, only if its
    consumer died or was taken over from before that. A handler that keeps failing is tried again in place, then its
    event goes to the dead letters. A subscription whose policy drops events holds no acknowledgement back. A bus
    with a group begins to read when its first subscription stands; those that belong together are best made with
    `on`, before the bus is entered.

    ErrorEvents and ConnectionEvents of a bus are for its own subscribers, and do not travel.

    Args:
        url: `redis://user:password@host:port/database`, `rediss://` with TLS, or `unix://`. In a cluster
            `redis+cluster://user:password@host:port,host:port`, with any of its nodes, behind sentinels
            `redis+sentinel://user:password@host:port,host:port/service/database`; also with `rediss+`.
        mode: How events travel.
        namespace: What all channels and keys begin with: buses hear those of their own namespace.
        name: Shown in logs and as the `component` of events.
        on_error: As in InMemoryEventBus.
        on_missed: Called with a Missed for every gap in what others have published.
        time_one_in: As in InMemoryEventBus.
        slow_handler_s: As in InMemoryEventBus.
        outbox_capacity: How many events may wait for the server.
        outbox_overflow: What a full outbox does with one more, as a subscription does; in streams `block` or `raise`.
        on_outbox_gap: Called with a Gap when the outbox has dropped events.
        close_timeout_s: As in InMemoryEventBus.
        strict_topics: As in InMemoryEventBus.
        options: The rest of TransportOptions, by name.

    Raises:
        ValueError: The URL cannot be read, or an option makes no sense.
    """

    def __init__(
        self,
        url: str,
        *,
        mode: Mode = "pubsub",
        namespace: str = "trading",
        group: str | None = None,
        start: str | datetime = "new",
        name: str = "event-bus",
        on_error: Callable[[HandlerFailure], object] | None = None,
        on_missed: Callable[[Missed], object] | None = None,
        time_one_in: int = 64,
        slow_handler_s: float | None = None,
        outbox_capacity: int = DEFAULT_CAPACITY,
        outbox_overflow: Overflow = "block",
        on_outbox_gap: GapCallback | None = None,
        close_timeout_s: float | None = None,
        strict_topics: bool = False,
        **options: Any,
    ) -> None:
        if mode == "streams" and outbox_overflow not in {"block", "raise"}:
            raise ValueError(f"outbox_overflow is {outbox_overflow!r}; in streams it is 'block' or 'raise'")
        chosen = TransportOptions(mode=mode, namespace=namespace, group=group, start=start, **options)
        super().__init__(
            server_of(url, chosen, name=name),
            chosen,
            hears_itself=True,
            name=name,
            on_error=on_error,
            on_missed=on_missed,
            time_one_in=time_one_in,
            slow_handler_s=slow_handler_s,
            close_timeout_s=close_timeout_s,
            strict_topics=strict_topics,
        )
        self._outgoing = OutgoingBus(
            self._collect,
            name=name,
            on_error=on_error,
            capacity=outbox_capacity,
            overflow=outbox_overflow,
            on_gap=on_outbox_gap,
        )
        self._outgoing._send_for(self)  # noqa: SLF001 - its own
        self._outbox.draw_from(self._outgoing.draw)

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

    def _collect(self, event: BaseEvent) -> Any:
        if not self._is_started:
            self._bind()
        return self._outbox.collect(event)

    async def _collected(self) -> None:
        await self._outgoing.join()

    @property
    def _has_collected(self) -> bool:
        return not self._outgoing.unfinished

    @property
    def _uncollected(self) -> int:
        return self._outgoing.statistics().waiting

    def _bind(self) -> None:
        super()._bind()
        self._outgoing.bind()

    def _adapt(
        self,
        handler: Callable[[Any], object],
        condition: Filter[Any] | None,
        overflow: str,
        *,
        delivery: str,
        name: str | None,
    ) -> tuple[Callable[[Any], object], Filter[Any] | None, str]:
        """No publisher can be made to wait: publish/subscribe drops, and in streams the event waits at the server."""
        if overflow in {"block", "raise"}:
            overflow = "drop_newest" if self.options.mode == "pubsub" else "block"
        return super()._adapt(handler, condition, overflow, delivery=delivery, name=name)

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
        self._check_closer()
        InMemoryEventBus._bind(self)  # noqa: SLF001 - without connecting, which would be for nothing
        self._outgoing.bind()
        loop = asyncio.get_running_loop()
        timeout_s = check_seconds(timeout_s, "timeout_s")
        limit_s = None if timeout_s is None else loop.time() + timeout_s
        self._is_closing = True
        self._outgoing.close_to_outsiders()
        with self._telling("closing", self._left):
            if self._is_started and not self._is_closed:
                await self._part(self._work_off_and_leave(), limit_s)
            await self._outgoing.give_up()
            await self._close_within(asyncio.timeout(None if limit_s is None else max(0.0, limit_s - loop.time())))

    def _send_no_more(self) -> None:
        self._outgoing.refuse()

    @property
    def _published_so_far(self) -> int:
        return self._outgoing._published  # noqa: SLF001 - its own

    def statistics(self) -> BusStatistics:
        """What the bus has counted, at one moment. `published` counts what this bus has taken for sending."""
        outgoing = self._outgoing.statistics()
        return dataclasses.replace(
            super().statistics(),
            published=outgoing.published,
            abandoned=outgoing.abandoned,
            publishers_waiting=outgoing.publishers_waiting,
        )
