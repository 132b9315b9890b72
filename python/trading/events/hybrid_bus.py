"""HybridEventBus: local delivery as in memory, and the rest of the world over a Redis or Valkey server."""

import asyncio
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Any

from trading.events import _core
from trading.events._bus.argument_checks import check_int, check_seconds
from trading.events._bus.unknown_topics import check_event_type
from trading.events.base import BaseEvent
from trading.events.bus import DEFAULT_CAPACITY, GapCallback, HandlerFailure, Overflow
from trading.events.memory_bus import InMemoryEventBus
from trading.events.statistics import BusStatistics
from trading.events.transport.options import Mode, TransportOptions
from trading.events.transport.remote_bus import RemoteBus
from trading.events.transport.sequences import Missed
from trading.events.transport.servers import server_of
from trading.events.transport.statistics import TransportStatistics
from trading.events.transport.subscriptions import patterns_of
from trading.events.transport.work_until import work_until


class HybridEventBus(RemoteBus):
    """An InMemoryEventBus that also sends what it is told to, and hears what others send.

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
        self._receive = None if receive is None else patterns_of(receive)
        self._forwarding: str | None = None
        self._outbox_capacity = outbox_capacity
        if forward is not None:
            self._forward(forward, overflow=outbox_overflow, on_gap=on_outbox_gap)

    def _forward(self, what: str | type[BaseEvent], *, overflow: Overflow, on_gap: GapCallback | None) -> None:
        """Begins the subscription whose queue is the outbox. Packing what waits would hold local publishers up."""
        check_int(self._outbox_capacity, "outbox_capacity", at_least=1, at_most=sys.maxsize)
        others = self._pack_beyond(self._outbox_capacity)
        self._forwarding = InMemoryEventBus._add(  # noqa: SLF001 - not one of those that are heard of at the server
            self,
            what,
            self._outbox.collect,
            None,
            capacity=self._outbox_capacity,
            overflow=overflow,
            delivery="queued",
            on_gap=on_gap,
            name="outbox",
        )
        self._pack_beyond(others)
        self._outbox.draw_from(partial(self._take_along, self._forwarding), self._is_busy_locally)

    def _is_busy_locally(self) -> bool:
        """Whether local events wait, while the outbox has room."""
        waiting = self._uncollected
        return waiting < self._outbox_capacity // 2 and self._unfinished > waiting

    def _accept_nowait(self, event: BaseEvent) -> None:
        if not self._is_received(event):
            return
        if self._forwarding is None:
            super()._accept_nowait(event)
        else:
            self._publish_nowait_past(event, self._forwarding)

    async def _accept(self, event: BaseEvent) -> None:
        if not self._is_received(event):
            return
        if self._forwarding is None:
            await super()._accept(event)
        else:
            await self._publish_past(event, self._forwarding)

    def _is_received(self, event: BaseEvent) -> bool:
        receive = self._receive
        if receive is None:
            return False
        return receive == ["events.*.*.*"] or any(_core.matches(pattern, event.topic) for pattern in receive)

    def _adapt(self, handler: Any, condition: Any, overflow: str, *, delivery: str, name: str | None) -> Any:
        if handler == self._outbox.collect:
            return handler, condition, overflow
        return super()._adapt(handler, condition, overflow, delivery=delivery, name=name)

    async def _collected(self) -> None:
        while self._uncollected:
            await self._outbox.next_collected()

    @property
    def _has_collected(self) -> bool:
        return not self._uncollected

    @property
    def _uncollected(self) -> int:
        return 0 if self._forwarding is None else self._unfinished_of(self._forwarding)

    def transport_statistics(self) -> TransportStatistics:
        """What the bus has counted of its server, at one moment."""
        found = super().transport_statistics()
        outbox = super().statistics().subscriptions.get(self._forwarding or "")
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
        self._check_closer()
        InMemoryEventBus._bind(self)  # noqa: SLF001 - without connecting, which would be for nothing
        loop = asyncio.get_running_loop()
        timeout_s = check_seconds(timeout_s, "timeout_s")
        limit_s = None if timeout_s is None else loop.time() + timeout_s
        self._is_closing = True
        with self._telling("closing", self._left):
            if self.options.group is not None and self._is_started and not self._is_closed:
                await work_until(self._leave(), self._gone, timeout_s=timeout_s)
            await self._close_within(asyncio.timeout(None if limit_s is None else max(0.0, limit_s - loop.time())))
            if self._is_started and not self._is_closed:
                await self._part(self._send_rest(), limit_s)

    async def _leave(self) -> None:
        await self._transport.leave()
        await self._transport.delivered()

    async def _send_rest(self) -> None:
        await self._transport.flush(is_heard=False)
        await self._transport.acknowledge()

    def statistics(self) -> BusStatistics:
        """What the bus has counted, at one moment, without its outbox: see `transport_statistics` and `outbox`."""
        found = super().statistics()
        outbox = found.subscriptions.get(self._forwarding or "")
        if outbox is None:
            return found
        others = {sid: counts for sid, counts in found.subscriptions.items() if sid != self._forwarding}
        return replace(found, subscriptions=MappingProxyType(others), waiting=found.waiting - outbox.waiting)
