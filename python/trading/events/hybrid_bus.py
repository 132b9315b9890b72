"""HybridEventBus: local delivery as in memory, and the rest of the world over a Redis or Valkey server."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from trading.events import _core
from trading.events._bus.argument_checks import check_seconds
from trading.events._bus.unknown_topics import check_event_type
from trading.events.base import BaseEvent
from trading.events.bus import DEFAULT_CAPACITY, GapCallback, HandlerFailure, Overflow
from trading.events.statistics import BusStatistics
from trading.events.transport.draining import Draining
from trading.events.transport.forwarding import Forwarding
from trading.events.transport.options import Mode, TransportOptions
from trading.events.transport.remote_bus import RemoteBus
from trading.events.transport.sequences import Missed
from trading.events.transport.servers import server_of
from trading.events.transport.statistics import TransportStatistics
from trading.events.transport.subscriptions import patterns_of


class HybridEventBus(RemoteBus):
    """A bus that also sends what it is told to of what is published on it, and hears what others send.

    Local subscribers get an event as from an InMemoryEventBus, at once, whether the server is slow or away. Sending is
    a subscription of its own: its queue is the outbox. While local events wait, sending gives way to them, for as long
    as the outbox is less than half full. What comes from the server is delivered to local subscribers in
    the order in which it comes, among local events as they come; it is not sent on, and what this bus has sent does
    not come back to it. All that the contract says of a bus holds for local events; the table of guarantees in
    docs/concepts/delivery.md says what holds for those of others.

    Args:
        url: As in RedisEventBus.
        mode: As in RedisEventBus; `publish` does not wait for the server in either.
        forward: What is sent: a pattern or an event class, or None for nothing.
        receive: What is heard of others, at most: patterns or event classes. By default all that is subscribed to.
        namespace: As in RedisEventBus.
        group: As in RedisEventBus.
        start: As in RedisEventBus.
        name: As in InMemoryEventBus.
        on_error: As in InMemoryEventBus.
        on_missed: As in RedisEventBus.
        time_one_in: As in InMemoryEventBus.
        slow_handler_s: As in InMemoryEventBus.
        outbox_capacity: How many events may wait for the server, as they are: up to some two kilobytes each.
        outbox_overflow: What happens to one more. `drop_oldest`, the default, never lets a local publisher wait.
        on_outbox_gap: Called with a Gap when the outbox has dropped events.
        close_timeout_s: As in InMemoryEventBus.
        strict_topics: As in InMemoryEventBus.
        options: The rest of TransportOptions, by name.

    Raises:
        ValueError: The URL cannot be read, or an option makes no sense.
        PatternError: `forward` or `receive` is no pattern.
    """

    def __init__(
        self,
        url: str,
        *,
        mode: Mode = "pubsub",
        forward: str | type[BaseEvent] | None = "*",
        receive: str | type[BaseEvent] | None = "*",
        namespace: str = "trading",
        group: str | None = None,
        start: str | datetime = "new",
        name: str = "event-bus",
        on_error: Callable[[HandlerFailure], object] | None = None,
        on_missed: Callable[[Missed], object] | None = None,
        time_one_in: int = 64,
        slow_handler_s: float | None = None,
        outbox_capacity: int = DEFAULT_CAPACITY,
        outbox_overflow: Overflow = "drop_oldest",
        on_outbox_gap: GapCallback | None = None,
        close_timeout_s: float | None = None,
        strict_topics: bool = False,
        **options: Any,
    ) -> None:
        chosen = TransportOptions(mode=mode, namespace=namespace, group=group, start=start, **options)
        super().__init__(
            server_of(url, chosen, name=name),
            chosen,
            hears_itself=False,
            name=name,
            on_error=on_error,
            on_missed=on_missed,
            time_one_in=time_one_in,
            slow_handler_s=slow_handler_s,
            close_timeout_s=close_timeout_s,
            strict_topics=strict_topics,
        )
        if receive is not None:
            check_event_type(receive, is_strict=strict_topics)
        self._forwarding = Forwarding(
            self._local,
            self._outbox,
            forward,
            capacity=outbox_capacity,
            overflow=outbox_overflow,
            on_gap=on_outbox_gap,
        )
        self._receive = [] if receive is None else patterns_of(receive)
        self._receives_all = self._receive == ["events.*.*.*"]
        self._arrivals.deliver_to(self._accept, self._accept_nowait)
        self._under_way = self._drain_through(self._forwarding)
        self._publish_natively()

    def _publish_natively(self) -> None:
        """Has the native methods of the local bus found on this one, but where a subclass has its own."""
        for name in ("publish", "publish_nowait", "publish_batch"):
            if getattr(type(self), name) is getattr(HybridEventBus, name):
                vars(self)[name] = getattr(self._local, name)

    def publish(self, event: BaseEvent) -> Coroutine[Any, Any, None]:
        """Hands an event to every matching subscription and to the outbox. See `IEventBus.publish`."""
        return self._local.publish(event)

    def publish_nowait(self, event: BaseEvent) -> None:
        """Hands an event on, from any thread, without waiting.

        Raises:
            NotAnEventError: It is no event.
            QueueFullError: A queue that blocks or raises is full; the event has reached nobody.
            BusClosedError: The bus is closed or closing.
            WrongLoopError: The bus has not been used in a loop yet, or its loop is closed.
        """
        self._local.publish_nowait(event)

    def publish_batch(self, events: Iterable[BaseEvent]) -> Coroutine[Any, Any, None]:
        """Publishes events one after the other. See `IEventBus.publish_batch`."""
        return self._local.publish_batch(events)

    def _accept_nowait(self, event: BaseEvent) -> None:
        if not (self._receives_all or self._is_received(event)):
            return
        sid = self._forwarding.sid
        if sid is None:
            self._local.publish_nowait(event)
        else:
            self._local.publish_nowait_past(event, sid)

    async def _accept(self, event: BaseEvent) -> None:
        if not (self._receives_all or self._is_received(event)):
            return
        sid = self._forwarding.sid
        await (self._local.publish(event) if sid is None else self._local.publish_past(event, sid))

    def _is_received(self, event: BaseEvent) -> bool:
        return any(_core.matches(pattern, event.topic) for pattern in self._receive)

    @property
    def _draining(self) -> Draining:
        return self._under_way

    def _count_published(self) -> int:
        return self._local.published

    def transport_statistics(self) -> TransportStatistics:
        """What the bus has counted of its server, at one moment."""
        found, outbox = super().transport_statistics(), self._forwarding.statistics()
        if outbox is None:
            return found
        given_up = outbox.dropped.get("closed", 0) + outbox.dropped.get("cancelled", 0)
        return replace(found, unsent=found.unsent + given_up)

    async def aclose(self, timeout_s: float | None = None) -> None:
        """Takes no new events from outside, handles and sends those it has, and ends.

        What handlers publish meanwhile is accepted, handled and sent. What this waits for is said in the log, as by an
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
        loop = asyncio.get_running_loop()
        timeout_s = check_seconds(timeout_s, "timeout_s")
        limit_s = None if timeout_s is None else loop.time() + timeout_s
        self._lifecycle.is_closing = True
        with self._local.telling("closing", self._left):
            if self.options.group is not None and self._lifecycle.is_live:
                await self._lifecycle.work(self._leave(), timeout_s=timeout_s)
            await self._local.close_within(None if limit_s is None else max(0.0, limit_s - loop.time()))
            if self._lifecycle.is_live:
                await self._lifecycle.close(self._send_rest(), limit_s, self._part)

    async def _leave(self) -> None:
        await self._transport.leave()
        await self._transport.delivered()

    async def _send_rest(self) -> None:
        await self._transport.flush(is_heard=False)
        await self._transport.acknowledge()

    def statistics(self) -> BusStatistics:
        """What the bus has counted, at one moment, without its outbox: see `transport_statistics` and `outbox`."""
        found, sid = super().statistics(), self._forwarding.sid
        outbox = found.subscriptions.get(sid or "")
        if outbox is None:
            return found
        others = {each: counts for each, counts in found.subscriptions.items() if each != sid}
        return replace(found, subscriptions=MappingProxyType(others), waiting=found.waiting - outbox.waiting)
