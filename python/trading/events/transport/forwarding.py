"""Forwarding: the subscription of a local bus whose queue is the outbox."""

import sys
from functools import partial

from trading.events._bus.argument_checks import check_int
from trading.events.base import BaseEvent
from trading.events.bus import GapCallback, Overflow
from trading.events.statistics import SubscriptionStatistics
from trading.events.transport.local_bus import LocalBus
from trading.events.transport.outbox import Outbox


class Forwarding:
    """The queue before the outbox, where local events are sent as well as handled.

    Args:
        local: Its subscription is one of this bus.
        outbox: Where the events go.
        what: A pattern or an event class; None for nothing.
        capacity: How many events may wait.
        overflow: What happens to one more.
        on_gap: Called with a Gap when events have been dropped.
    """

    def __init__(
        self,
        local: LocalBus,
        outbox: Outbox,
        what: str | type[BaseEvent] | None,
        *,
        capacity: int,
        overflow: Overflow,
        on_gap: GapCallback | None,
    ) -> None:
        self._local = local
        self._outbox = outbox
        self._capacity = capacity
        self.sid: str | None = None
        if what is not None:
            check_int(capacity, "outbox_capacity", at_least=1, at_most=sys.maxsize)
            self.sid = local.add_outbox(what, outbox.collect, capacity=capacity, overflow=overflow, on_gap=on_gap)
            outbox.draw_from(partial(local.take_along, self.sid), self._is_busy_locally)

    def _is_busy_locally(self) -> bool:
        """Whether local events wait, while the outbox has room."""
        waiting = self.unfinished
        return waiting < self._capacity // 2 and self._local.unfinished > waiting

    @property
    def unfinished(self) -> int:
        """The number of events that were accepted and are not in the outbox."""
        return 0 if self.sid is None else self._local.unfinished_of(self.sid)

    async def emptied(self) -> None:
        """Returns when all that was accepted is in the outbox."""
        while self.unfinished:
            await self._outbox.next_collected()

    def statistics(self) -> SubscriptionStatistics | None:
        """Counts of the subscription; None if there is none, or it has ended."""
        return self._local.statistics().subscriptions.get(self.sid or "")
