"""RemoteBus: what the buses over a server have in common. Their local delivery is that of an InMemoryEventBus."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Self

from trading.events.base import BaseEvent
from trading.events.bus import Filter, HandlerFailure
from trading.events.errors import BusClosedError, ServerError
from trading.events.filters import combined_filter
from trading.events.memory_bus import InMemoryEventBus
from trading.events.transport.arrivals import Arrivals
from trading.events.transport.base import BusSide, Server
from trading.events.transport.confirmation import Confirmations
from trading.events.transport.options import TransportOptions
from trading.events.transport.outbox import Outbox
from trading.events.transport.pending_entries import TrackedHandler
from trading.events.transport.reports import Reports
from trading.events.transport.sequences import Missed
from trading.events.transport.statistics import TransportStatistics
from trading.events.transport.subscriptions import SubscriptionSet
from trading.events.transport.work_until import work_until

_LOGGER = logging.getLogger("trading.events")


class RemoteBus(InMemoryEventBus):
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
        super().__init__(
            name=name,
            on_error=on_error,
            time_one_in=time_one_in,
            slow_handler_s=slow_handler_s,
            close_timeout_s=close_timeout_s,
            strict_topics=strict_topics,
        )
        self.options = options
        self._hears_itself = hears_itself
        self._server = server
        self._reports = Reports(name, self._server.endpoint, self._publish_own, on_missed)
        self._confirmations = Confirmations()
        self._reports.on_refused = self._confirmations.refuse
        self._subscriptions = SubscriptionSet()
        self._outbox = Outbox()
        self._heard = asyncio.Event()
        self._is_started = False
        self._is_closing = False
        self._is_closed = False
        self._gone = asyncio.Event()
        self._tracked: dict[str, TrackedHandler] = {}
        self._newest: TrackedHandler | None = None
        self._arrivals = Arrivals(self._accept, self._accept_nowait)
        self._transport = server.transport(
            BusSide(
                name=name,
                outbox=self._outbox,
                subscriptions=self._subscriptions,
                reports=self._reports,
                hears_itself=hears_itself,
                is_heard=self._hears_what_it_sends,
                deliver=self._arrivals.deliver,
                deliver_entry=self._arrivals.deliver_entry,
                may_read=self._may_read,
                has_room=self._has_room,
            )
        )
        self._pending = self._arrivals.pending = self._transport.pending_entries

    def _hears_what_it_sends(self) -> bool:
        return self._hears_itself and bool(self._subscriptions.patterns)

    @property
    def namespace(self) -> str:
        """What all channels and keys begin with."""
        return self.options.namespace

    async def __aenter__(self) -> Self:
        """Connects.

        Raises:
            ServerError: The server cannot be reached, or does not let this user in.
        """
        await super().__aenter__()
        await self._wait_connected()
        return self

    def _bind(self) -> None:
        super()._bind()
        if not self._is_started and not self._is_closing:
            self._is_started = True
            self._transport.start()

    async def _wait_connected(self) -> None:
        try:
            await self._transport.wait_connected()
        except TimeoutError as late:
            reason = f": {late}" if str(late) else ""
            raise ServerError(f"{self.name}: no connection to {self._server.endpoint}{reason}") from None
        except self._server.refusals as refusal:
            raise ServerError(f"{self.name}: {self._server.endpoint} does not let this user in: {refusal}") from None

    def _add(
        self,
        event_type: str | type[BaseEvent],
        handler: Callable[[Any], object],
        condition: Filter[Any] | None,
        **terms: Any,
    ) -> str:
        if self._is_closing:
            raise BusClosedError(f"{self.name} is closed and takes no new subscriptions")
        if terms.get("held") and self.options.group is not None:
            raise ValueError("with a group a subscription hears a share of the events, which no store can complete")
        sid = super()._add(event_type, handler, condition, **terms)
        if self._newest is not None:
            self._tracked[sid], self._newest = self._newest, None
        self._subscriptions.add(sid, event_type)
        self._heard.set()
        return sid

    def _adapt(
        self,
        handler: Callable[[Any], object],
        condition: Filter[Any] | None,
        overflow: str,
        *,
        delivery: str,
        name: str | None,
    ) -> tuple[Callable[[Any], object], Filter[Any] | None, str]:
        """Follows handlers whose ends are to be acknowledged: where nothing may be dropped, nothing is lost.

        What is called inline has ended before the reader lets go of the entry.
        """
        if self._pending is None or overflow != "block" or delivery == "inline":
            return handler, condition, overflow
        tracked = TrackedHandler(self._pending, handler, name or str(getattr(handler, "__qualname__", "")))
        self._newest = tracked
        return tracked, tracked.note if condition is None else combined_filter(condition, tracked.note), overflow

    async def _wait_subscribed(self, sid: str) -> None:
        """Waits until the server has confirmed the subscription; one that is given up ends."""
        is_subscribed = self._transport.is_subscribed
        if is_subscribed:
            return
        try:
            is_subscribed = await work_until(self._wait_until_subscribed(), self._gone)
        finally:
            if not is_subscribed:
                await self.unsubscribe(sid)
        if not is_subscribed:
            raise BusClosedError(f"{self.name} was closed before the server had confirmed the subscription")

    async def _wait_until_subscribed(self) -> None:
        await self._wait_connected()
        try:
            await self._transport.wait_subscribed()
        except self._server.refusals as refusal:
            raise ServerError(f"{self.name}: {self._server.endpoint} refuses the subscription: {refusal}") from None

    async def unsubscribe(self, subscription_id: str, *, drain: bool = False) -> None:
        """Ends a subscription. See `InMemoryEventBus.unsubscribe`."""
        await super().unsubscribe(subscription_id, drain=drain)
        self._subscriptions.remove(subscription_id)
        tracked = self._tracked.pop(subscription_id, None)
        if tracked is not None:
            tracked.end()
        if self._is_started and not self._is_closing and not self._transport.is_subscribed:
            with suppress(*self._server.refusals):  # another subscription is
                await work_until(self._transport.wait_subscribed(), self._gone)

    async def _accept(self, event: BaseEvent) -> None:
        """Hands an event from the server to the local queues."""
        await InMemoryEventBus.publish(self, event)

    def _accept_nowait(self, event: BaseEvent) -> None:
        """Hands an event from the server to the local queues, where there is room."""
        InMemoryEventBus.publish_nowait(self, event)

    async def _may_read(self) -> None:
        """Waits until there is a subscription, and room for more events."""
        await self._heard.wait()
        most = self.options.max_in_flight - 1
        while self._in_flight > most:
            if self._pending is None:
                await self._idle(most)
            else:
                self._transport.room.clear()
                await self._transport.room.wait()

    @property
    def _in_flight(self) -> int:
        return self._unfinished if self._pending is None else self._pending.events

    def _has_room(self) -> bool:
        return self._in_flight < self.options.max_in_flight and not self._publishers_waiting

    async def _collected(self) -> None:
        """Waits until all that was accepted is in the outbox."""
        raise NotImplementedError

    async def flush(self) -> None:
        """Returns when the server has all that was accepted, and what is heard of it here has come.

        It then stands in the queues, or waits for room in them, in streams at the server too: handlers are not waited
        for. Nor is a bus that is closed meanwhile.
        """
        self._bind()
        if self._is_started and not self._is_closed:
            await work_until(self._flush(), self._gone)

    async def _flush(self) -> bool:
        await self._collected()
        return await self._transport.flush(is_heard=self._hears_what_it_sends())

    async def join(self) -> None:
        """Returns when every accepted event is at the server, came back from there, and has been handled here.

        Raises:
            ReentrancyError: Called in a handler, whose own event would never be.
        """
        self._check_outside("join")
        self._bind()
        if self._is_started and not self._is_closed:
            with self._telling("joining", self._left):
                await work_until(self._connect_and_work_off(), self._gone)
        await super().join()

    async def _connect_and_work_off(self) -> None:
        await self._wait_connected()
        await self._work_off()

    async def _work_off_and_leave(self) -> None:
        self._transport.hear_only_itself()
        heard = self._transport.heard_of_others
        await self._work_off()
        while heard == self._transport.heard_of_others and (reader_done := self._reader_done()) is not None:
            await reader_done
            await self._work_off()
        await self._transport.leave()
        await self._work_off()
        while self._unfinished or self._workers() or self._readers():
            await self._work_off_locally()
            await self._work_off()

    async def _work_off(self) -> None:
        """Waits until nothing is under way.

        While it closes, this bus follows what its own handlers publish, but not for as long as others send it more.
        """
        while True:
            collected, heard = self._outbox.collected, self._transport.heard_of_others
            has_come = await self._flush()
            await self._join_locally()
            if self._transport.is_delivering:
                await self._transport.delivered()
            elif not has_come:
                await asyncio.sleep(0)  # who was granted room takes it in a turn of the loop
            elif collected != self._outbox.collected and not (
                self._is_closing and heard != self._transport.heard_of_others
            ):
                continue
            elif self._has_collected and self._transport.is_idle and not self._arrivals.are_waiting:
                await self._transport.acknowledge()
                return

    @property
    def _has_collected(self) -> bool:
        """Whether all that was accepted is in the outbox."""
        raise NotImplementedError

    @property
    def _uncollected(self) -> int:
        """How many events were accepted and are not in the outbox."""
        raise NotImplementedError

    async def _part(self, rest: Coroutine[Any, Any, None], limit_s: float | None) -> None:
        """Does the rest with the server, for as long as there is time and nobody else closes the bus; and closes it."""
        left_s = None if limit_s is None else max(0.0, limit_s - asyncio.get_running_loop().time())
        failure: Exception | None = None
        try:
            await work_until(rest, self._gone, timeout_s=left_s)
        except Exception as failed:  # noqa: BLE001 - raised below, once the connections are closed
            failure = failed
        if self._is_closed:
            return
        self._is_closed = True
        self._gone.set()
        self._send_no_more()
        self._tell_unsent()
        await self._transport.close()
        if failure is not None:
            raise failure

    def _send_no_more(self) -> None:
        """Takes no new events for the server, from anybody."""

    def _left(self) -> list[str]:
        left, unsent = super()._left(), self.transport_statistics().unsent
        if unsent or not left:
            left.append(f"{self._server.endpoint} to confirm {f'{unsent} events' if unsent else 'what was handled'}")
        return left

    def _tell_unsent(self) -> None:
        unsent = self.transport_statistics().unsent
        if unsent:
            _LOGGER.error("%s is closed: %d events were not delivered to the server", self.name, unsent)

    def transport_statistics(self) -> TransportStatistics:
        """What the bus has counted of its server, at one moment."""
        return TransportStatistics(
            unsent=self._uncollected + self._outbox.collected - self._outbox.settled,
            received=self._arrivals.received,
            repeated=self._transport.repeated,
            missed=self._reports.missed_count,
            undecodable=self._reports.undecodable_count,
            refused=self._reports.refused_count,
            crowded_out=self._arrivals.crowded_out,
            reconnects=self._transport.reconnects,
        )
