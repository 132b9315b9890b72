"""RedisEventBus: one bus for many processes and machines, over a Redis or Valkey server."""

import asyncio
import dataclasses
import logging
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Self

from trading.events.base import BaseEvent
from trading.events.bus import DEFAULT_CAPACITY, Filter, GapCallback, HandlerFailure, Overflow
from trading.events.errors import BusClosedError, QueueFullError, ServerError
from trading.events.memory_bus import InMemoryEventBus
from trading.events.statistics import BusStatistics
from trading.events.transport.options import TransportOptions
from trading.events.transport.outbox import Outbox, OutgoingBus
from trading.events.transport.pubsub import PubSubTransport
from trading.events.transport.reports import Reports, TransportStatistics
from trading.events.transport.sequences import Missed
from trading.events.transport.topic_globs import Interests
from trading.events.transport.wire import REFUSED, Connector

_LOGGER = logging.getLogger("trading.events")

_MOST_WAITING = 1024
"""Events from the server that may wait for room in local queues at once, under `conflate`."""


class RedisEventBus(InMemoryEventBus):
    """An event bus over a Redis or Valkey server, whose local half is an InMemoryEventBus.

    What `publish` takes goes to the server, and comes back from there to every bus that hears it, this one included.
    """

    def __init__(
        self,
        url: str,
        *,
        namespace: str = "trading",
        name: str = "event-bus",
        on_error: Callable[[HandlerFailure], object] | None = None,
        on_missed: Callable[[Missed], object] | None = None,
        outbox_capacity: int = DEFAULT_CAPACITY,
        outbox_overflow: Overflow = "block",
        on_outbox_gap: GapCallback | None = None,
        connect_timeout_s: float = 5.0,
        reply_timeout_s: float = 5.0,
        ping_interval_s: float = 5.0,
    ) -> None:
        super().__init__(name=name, on_error=on_error)
        self.namespace = namespace
        self._connector = Connector(url, client_name=name.replace(" ", "-"), connect_timeout_s=connect_timeout_s)
        options = TransportOptions(
            name=name,
            namespace=namespace,
            connect_timeout_s=connect_timeout_s,
            reply_timeout_s=reply_timeout_s,
            ping_interval_s=ping_interval_s,
        )
        self._reports = Reports(name, self._connector.endpoint, self._publish_own, on_missed)
        self._interests = Interests()
        self._outbox = Outbox()
        self._outgoing = OutgoingBus(
            self._collect,
            name=name,
            on_error=on_error,
            capacity=outbox_capacity,
            overflow=outbox_overflow,
            on_gap=on_outbox_gap,
        )
        self._received = 0
        self._crowded_out = 0
        self._waiting: set[asyncio.Task[None]] = set()
        self._is_started = False
        self._is_closing = False
        self._is_closed = False
        self._transport = PubSubTransport(
            self._connector,
            options,
            outbox=self._outbox,
            interests=self._interests,
            deliver=self._deliver,
            reports=self._reports,
            hears_itself=True,
        )

    def publish(self, event: BaseEvent) -> Coroutine[Any, Any, None]:
        """Puts an event into the outbox; waits for room there. See `IEventBus.publish`."""
        return self._outgoing.publish(event)

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
        """Puts events into the outbox, one after the other. See `IEventBus.publish_batch`."""
        return self._outgoing.publish_batch(events)

    async def __aenter__(self) -> Self:
        """Connects.

        Raises:
            ServerError: The server cannot be reached, or does not let this user in.
        """
        await super().__aenter__()
        await self._stand()
        return self

    def _collect(self, event: BaseEvent) -> Any:
        if not self._is_started:
            self._bind()
        return self._outbox.collect(event)

    def _bind(self) -> None:
        super()._bind()
        self._outgoing.bind()
        if not self._is_started and not self._is_closing:
            self._is_started = True
            self._transport.start()

    def _add(
        self,
        event_type: str | type[BaseEvent],
        handler: Callable[[Any], object],
        condition: Filter[Any] | None,
        *,
        capacity: int,
        overflow: str,
        on_gap: GapCallback | None,
        name: str | None,
    ) -> str:
        if self._is_closing:
            raise BusClosedError(f"{self.name} is closed and takes no new subscriptions")
        local = "drop_newest" if overflow in {"block", "raise"} else overflow
        sid = super()._add(event_type, handler, condition, capacity=capacity, overflow=local, on_gap=on_gap, name=name)
        self._interests.add(sid, event_type)
        return sid

    async def _settle(self, sid: str) -> None:
        """Waits until the server has confirmed the subscription; one that is given up ends."""
        try:
            await self._stand()
            await self._transport.settle()
        except BaseException:
            await self.unsubscribe(sid)
            raise

    async def _stand(self) -> None:
        try:
            await self._transport.stand()
        except TimeoutError:
            raise ServerError(f"{self.name}: no connection to {self._connector.endpoint}") from None
        except REFUSED as refusal:
            raise ServerError(f"{self.name}: {self._connector.endpoint} does not let this user in: {refusal}") from None

    async def unsubscribe(self, subscription_id: str, *, drain: bool = False) -> None:
        """Ends a subscription. See `InMemoryEventBus.unsubscribe`."""
        await super().unsubscribe(subscription_id, drain=drain)
        self._interests.remove(subscription_id)
        if self._is_started and not self._is_closing:
            await self._transport.settle()

    def _deliver(self, events: list[BaseEvent]) -> None:
        """Hands events from the server to the local queues."""
        self._received += len(events)
        publish = super().publish_nowait
        for event in events:
            try:
                publish(event)
            except QueueFullError:
                self._deliver_later(event)
            except BusClosedError:
                return

    def _deliver_later(self, event: BaseEvent) -> None:
        if len(self._waiting) >= _MOST_WAITING:
            self._crowded_out += 1
            return
        waiting = asyncio.ensure_future(super().publish(event))
        self._waiting.add(waiting)
        waiting.add_done_callback(self._waiting.discard)

    async def join(self) -> None:
        """Returns when every accepted event is at the server, came back from there, and has been handled here.

        Raises:
            ReentrancyError: Called in a handler, whose own event would never be.
        """
        self._check_outside("join")
        self._bind()
        if self._is_started and not self._is_closed:
            await self._stand()
            await self._work_off()
        await super().join()

    async def flush(self) -> None:
        """Returns when the server has all that was accepted, and what this bus hears of it stands in its queues."""
        self._bind()
        if self._is_started and not self._is_closed:
            await self._outgoing.join()
            await self._transport.flush()

    async def _work_off(self) -> None:
        """Waits until nothing is under way."""
        while True:
            await self.flush()
            await super().join()
            if not self._outgoing.unfinished and self._transport.is_idle and not self._waiting:
                return

    async def aclose(self, timeout_s: float | None = None) -> None:
        """Takes no new events, sends and handles those it has, and ends. A second call waits for the first.

        Args:
            timeout_s: Seconds after which it gives up: what was not sent is counted and logged. None, the default,
                waits as long as it takes, also for a server that is away.

        Raises:
            ReentrancyError: Called in a handler, whose own event would never be handled.
            TypeError: `timeout_s` is no number.
        """
        self._check_outside("aclose")
        limit_s = None if timeout_s is None else asyncio.get_running_loop().time() + float(timeout_s)
        super()._bind()
        self._outgoing.bind()
        self._is_closing = True
        self._outgoing.refuse()
        if self._is_started and not self._is_closed:
            try:
                async with asyncio.timeout_at(limit_s):
                    await self._work_off()
            except TimeoutError:
                self._tell_unsent()
            self._is_closed = True
            await self._transport.close()
        await self._outgoing.aclose(timeout_s=0)
        await super().aclose(None if limit_s is None else max(0.0, limit_s - asyncio.get_running_loop().time()))

    def _tell_unsent(self) -> None:
        unsent = self.transport_statistics().unsent
        if unsent:
            _LOGGER.error("%s is closed: %d events were not delivered to the server", self.name, unsent)

    def statistics(self) -> BusStatistics:
        """What the bus has counted, at one moment. `published` counts what this bus has taken for sending."""
        outgoing = self._outgoing.statistics()
        return dataclasses.replace(
            super().statistics(),
            published=outgoing.published,
            abandoned=outgoing.abandoned,
            publishers_waiting=outgoing.publishers_waiting,
        )

    def transport_statistics(self) -> TransportStatistics:
        """What the bus has counted of its server, at one moment."""
        return TransportStatistics(
            unsent=self._outgoing.statistics().waiting + self._outbox.collected - self._outbox.settled,
            received=self._received,
            repeated=self._transport.repeated,
            missed=self._reports.missed_count,
            undecodable=self._reports.undecodable_count,
            refused=self._reports.refused_count,
            crowded_out=self._crowded_out,
            reconnects=self._transport.reconnects,
        )
