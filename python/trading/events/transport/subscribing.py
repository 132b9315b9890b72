"""What a bus over a server does around its subscriptions: the server is told, and their ends are acknowledged."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from trading.events._bus.hooks import Subscriber, SubscriptionHooks
from trading.events.base import BaseEvent
from trading.events.errors import BusClosedError
from trading.events.filters import combined_filter
from trading.events.transport.base import Transport
from trading.events.transport.lifecycle import Lifecycle
from trading.events.transport.options import TransportOptions
from trading.events.transport.pending_entries import TrackedHandler
from trading.events.transport.subscriptions import SubscriptionSet


class RemoteSubscribing(SubscriptionHooks):
    """The hooks of a bus over a server.

    Args:
        name: Name of the bus.
        options: Its options.
        hears_only_server: True if every event comes from the server, so that no publisher can be made to wait.
        subscriptions: The patterns that the server is asked for.
        transport: Told of them.
        lifecycle: How far the bus is with its server.
    """

    def __init__(
        self,
        name: str,
        options: TransportOptions,
        *,
        hears_only_server: bool,
        subscriptions: SubscriptionSet,
        transport: Transport,
        lifecycle: Lifecycle,
    ) -> None:
        self._name = name
        self._options = options
        self._hears_only_server = hears_only_server
        self.hears_unknown = options.unknown == "deliver"
        self._subscriptions = subscriptions
        self._transport = transport
        self._lifecycle = lifecycle
        self._tracked: dict[str, TrackedHandler] = {}
        self.any = asyncio.Event()
        """Set with the first subscription."""

    def admit(self, *, has_store: bool) -> None:
        """Refuses subscriptions of a bus that closes, and those that nothing could complete."""
        if self._lifecycle.is_closing:
            raise BusClosedError(f"{self._name} is closed and takes no new subscriptions")
        if has_store and self._options.group is not None:
            raise ValueError("with a group a subscription hears a share of the events, which no store can complete")

    def adapt(self, subscriber: Subscriber, *, delivery: str, name: str | None) -> Subscriber:
        """Follows handlers whose ends are to be acknowledged: where nothing may be dropped, nothing is lost.

        What is called inline has ended before the reader lets go of the entry. Where no publisher can be made to wait,
        publish/subscribe drops, and in streams the event waits at the server.
        """
        handler, condition, overflow = subscriber
        if self._hears_only_server and overflow in {"block", "raise"}:
            overflow = "drop_newest" if self._options.mode == "pubsub" else "block"
        pending = self._transport.pending_entries
        if pending is None or overflow != "block" or delivery == "inline":
            return Subscriber(handler, condition, overflow)
        tracked = TrackedHandler(pending, handler, name or str(getattr(handler, "__qualname__", "")))
        noting = tracked.note if condition is None else combined_filter(condition, tracked.note)
        return Subscriber(tracked, noting, overflow)

    def added(self, sid: str, event_type: str | type[BaseEvent], handler: Callable[[Any], object]) -> None:
        """Has the server asked for its events."""
        if isinstance(handler, TrackedHandler):
            self._tracked[sid] = handler
        self._subscriptions.add(sid, event_type)
        self.any.set()

    async def confirmed(self, sid: str) -> None:  # noqa: ARG002 - all are confirmed at once
        """Waits until the server has confirmed the subscription."""
        if self._transport.is_subscribed or await self._lifecycle.work(self._lifecycle.wait_subscribed()):
            return
        raise BusClosedError(f"{self._name} was closed before the server had confirmed the subscription")

    @property
    def _is_behind(self) -> bool:
        """True while the server is there and has yet to be asked for less."""
        return self._transport.is_up and not self._transport.is_subscribed

    async def ended(self, sid: str) -> None:
        """Has the server asked for less, and lets go of the entries that waited for the handler."""
        self._subscriptions.remove(sid)
        tracked = self._tracked.pop(sid, None)
        if tracked is not None:
            tracked.end()
        if self._lifecycle.is_started and not self._lifecycle.is_closing and self._is_behind:
            with suppress(*self._lifecycle.refusals):  # another subscription is
                await self._lifecycle.work(self._transport.wait_subscribed())
