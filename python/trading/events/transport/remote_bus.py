"""RemoteBus: what the buses over a server have in common. It holds a local bus, an outbox and a transport."""

import logging
from abc import abstractmethod
from collections.abc import Callable
from types import TracebackType
from typing import Self

from trading.events.base import BaseEvent
from trading.events.bus import HandlerFailure
from trading.events.transport.arrivals import Arrivals
from trading.events.transport.base import BusSide, Server
from trading.events.transport.confirmation import Confirmations
from trading.events.transport.delegating_bus import DelegatingBus
from trading.events.transport.draining import Draining, OutboxQueue
from trading.events.transport.lifecycle import Lifecycle
from trading.events.transport.local_bus import LocalBus
from trading.events.transport.options import TransportOptions
from trading.events.transport.outbox import Outbox
from trading.events.transport.reports import Reports
from trading.events.transport.sequences import Missed
from trading.events.transport.statistics import TransportStatistics
from trading.events.transport.subscribing import RemoteSubscribing
from trading.events.transport.subscriptions import SubscriptionSet

_LOGGER = logging.getLogger("trading.events")


class RemoteBus(DelegatingBus):
    """A bus whose events travel over a server."""

    def __init__(
        self,
        server: Server,
        options: TransportOptions,
        *,
        hears_itself: bool,
        name: str,
        on_error: Callable[[HandlerFailure], object] | None,
        on_missed: Callable[[Missed], object] | None,
        time_one_in: int,
        slow_handler_s: float | None,
        close_timeout_s: float | None,
        strict_topics: bool,
    ) -> None:
        self.options = options
        self._hears_itself = hears_itself
        self._outbox = Outbox()
        self._arrivals = Arrivals()
        self._confirmations = Confirmations()
        self._reports = Reports(name, server.endpoint, self._publish_own, on_missed)
        self._reports.on_refused = self._confirmations.refuse
        self._subscriptions = SubscriptionSet()
        self._transport = server.transport(self._side(name))
        self._pending = self._arrivals.pending = self._transport.pending_entries
        self._lifecycle = Lifecycle(name, server, self._transport, needs_server=hears_itself)
        self._hooks = RemoteSubscribing(
            name,
            options,
            hears_only_server=hears_itself,
            subscriptions=self._subscriptions,
            transport=self._transport,
            lifecycle=self._lifecycle,
        )
        self._local = LocalBus(
            self._hooks,
            shown_as=self.__repr__,
            published=self._count_published,
            join=self.join,
            name=name,
            on_error=on_error,
            time_one_in=time_one_in,
            slow_handler_s=slow_handler_s,
            close_timeout_s=close_timeout_s,
            strict_topics=strict_topics,
        )
        self._close_timeout_s = close_timeout_s

    def _side(self, name: str) -> BusSide:
        return BusSide(
            name=name,
            outbox=self._outbox,
            subscriptions=self._subscriptions,
            reports=self._reports,
            hears_itself=self._hears_itself,
            is_heard=self._hears_what_it_sends,
            deliver=self._arrivals.deliver,
            deliver_entry=self._arrivals.deliver_entry,
            may_read=self._may_read,
            has_room=self._has_room,
        )

    def _drain_through(self, queue: OutboxQueue) -> Draining:
        """What this bus has under way, where a queue stands before its outbox."""
        return Draining(
            local=self._local,
            lifecycle=self._lifecycle,
            transport=self._transport,
            outbox=self._outbox,
            arrivals=self._arrivals,
            queue=queue,
            is_heard=self._hears_what_it_sends,
        )

    @property
    @abstractmethod
    def _draining(self) -> Draining:
        """What the bus has under way."""

    @abstractmethod
    def _count_published(self) -> int:
        """How many events the bus has accepted."""

    def _hears_what_it_sends(self) -> bool:
        return self._hears_itself and bool(self._subscriptions.patterns)

    def _publish_own(self, event: BaseEvent) -> None:
        self._local.publish_own(event)

    @property
    def namespace(self) -> str:
        """What all channels and keys begin with."""
        return self.options.namespace

    async def __aenter__(self) -> Self:
        """Connects.

        Raises:
            ServerError: The server cannot be reached, or does not let this user in: it says why, and the bus is closed.
        """
        self._bind()
        await self._local.__aenter__()
        try:
            await self._lifecycle.wait_connected()
        except BaseException:
            await self.aclose(timeout_s=0)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose(self._close_timeout_s)

    def _bind(self) -> None:
        self._local.bind()
        self._lifecycle.start()

    async def flush(self) -> None:
        """Returns when the server has all that was accepted, and what is heard of it here has come.

        It then stands in the queues, or waits for room in them, in streams at the server too: handlers are not waited
        for. Nor is a bus that is closed meanwhile.
        """
        self._bind()
        if self._lifecycle.is_live:
            await self._lifecycle.work(self._draining.flush())

    async def join(self) -> None:
        """Returns when every accepted event is at the server, came back from there, and has been handled here.

        Raises:
            ReentrancyError: Called in a handler, whose own event would never be.
        """
        self._local.check_outside("join")
        self._bind()
        if self._lifecycle.is_live:
            with self._local.telling("joining", self._left):
                await self._lifecycle.work(self._draining.connect_and_work_off())
        await self._local.join()

    @abstractmethod
    async def aclose(self, timeout_s: float | None = None) -> None:
        """Takes no new events from outside, works off those it has, and ends."""

    def _part(self) -> None:
        """Called before the connections are closed."""
        unsent = self.transport_statistics().unsent
        if unsent:
            _LOGGER.error("%s is closed: %d events were not delivered to the server", self.name, unsent)

    def _left(self) -> list[str]:
        """Describes all that closing waits for."""
        left, unsent = self._local.left(), self.transport_statistics().unsent
        if unsent or not left:
            left.append(f"{self._lifecycle.endpoint} to confirm {f'{unsent} events' if unsent else 'what was handled'}")
        return left

    async def _may_read(self) -> None:
        """Waits until there is a subscription, and room for more events."""
        await self._hooks.any.wait()
        most = self.options.max_in_flight - 1
        while self._in_flight > most:
            if self._pending is None:
                await self._local.idle(most)
            else:
                self._transport.room.clear()
                await self._transport.room.wait()

    @property
    def _in_flight(self) -> int:
        return self._local.unfinished if self._pending is None else self._pending.events

    def _has_room(self) -> bool:
        return self._in_flight < self.options.max_in_flight and not self._local.has_publishers_waiting

    def transport_statistics(self) -> TransportStatistics:
        """What the bus has counted of its server, at one moment."""
        return TransportStatistics(
            unsent=self._draining.unsent,
            received=self._arrivals.received,
            repeated=self._transport.repeated,
            missed=self._reports.missed_count,
            undecodable=self._reports.undecodable_count,
            refused=self._reports.refused_count,
            crowded_out=self._arrivals.crowded_out,
            reconnects=self._transport.reconnects,
        )
