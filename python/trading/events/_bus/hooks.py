"""Hooks of a bus that holds a local one, around the subscriptions of that."""

from collections.abc import Callable
from typing import Any, NamedTuple

from trading.events.base import BaseEvent
from trading.events.bus import Filter


class Subscriber(NamedTuple):
    """The parts of a subscription that hooks may replace."""

    handler: Callable[[Any], object]
    condition: Filter[Any] | None
    overflow: str


class SubscriptionHooks:
    """Called by a local bus at each step of a subscription. These, of a bus that nobody holds, do nothing."""

    hears_unknown: bool = False
    """True if events of types that no class here is for are delivered too."""

    def admit(self, *, has_store: bool) -> None:
        """Raises where no subscription may begin, or none with a store."""

    def adapt(self, subscriber: Subscriber, *, delivery: str, name: str | None) -> Subscriber:  # noqa: ARG002
        """Returns what is subscribed in place of the caller's handler, filter and policy."""
        return subscriber

    def added(self, sid: str, event_type: str | type[BaseEvent], handler: Callable[[Any], object]) -> None:
        """Called when a subscription has been added, with the handler that `adapt` returned."""

    async def confirmed(self, sid: str) -> None:
        """Waits until the subscription stands elsewhere too; where it raises, the local bus ends the subscription."""

    async def ended(self, sid: str) -> None:
        """Called when a subscription has ended, after its last event where it was drained."""


NO_HOOKS = SubscriptionHooks()
