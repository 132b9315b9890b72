"""The interfaces between a bus over a server and the server's transport."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from trading.events.base import BaseEvent
from trading.events.transport.outbox import Outbox
from trading.events.transport.pending_entries import Entry, PendingEntries
from trading.events.transport.reports import Reports
from trading.events.transport.subscriptions import SubscriptionSet


@dataclass(frozen=True, slots=True, kw_only=True)
class BusSide:
    """The parts of a bus that its transport uses."""

    name: str
    """Name of the bus, for tasks and logs."""

    outbox: Outbox
    """Events on their way to the server."""

    subscriptions: SubscriptionSet
    """Patterns of the bus's subscriptions."""

    reports: Reports
    """Told of connections, gaps and events that cannot be sent."""

    hears_itself: bool
    """True if events of this bus are delivered when they come back."""

    is_heard: Callable[[], bool]
    """Returns whether an event sent now is to be heard here."""

    deliver: Callable[[list[BaseEvent]], None]
    """Hands events on at once; where there is no room, they are dropped or wait."""

    deliver_entry: Callable[[Entry, list[BaseEvent]], Awaitable[None]]
    """Hands the events of an entry on, as there is room."""

    may_read: Callable[[], Awaitable[None]]
    """Waits until more events are wanted."""

    has_room: Callable[[], bool]
    """Returns whether there is room for more events."""


class Server(Protocol):
    """A server that events can travel over."""

    @property
    def endpoint(self) -> str:
        """Address without user and password, for logs, errors and events."""
        ...

    @property
    def refusals(self) -> tuple[type[Exception], ...]:
        """Exceptions by which it refuses a user, or what a user asks for."""
        ...

    def transport(self, bus: BusSide) -> "Transport":
        """Makes the transport of a bus; it connects when it is started."""
        ...


class Transport(Protocol):
    """A way over a server, such as publish/subscribe or streams."""

    @property
    def pending_entries(self) -> PendingEntries | None:
        """Entries that are being handled, where their ends are acknowledged."""
        ...

    @property
    def room(self) -> asyncio.Event:
        """Set when an entry in the pending_entries has ended."""
        ...

    def start(self) -> None:
        """Starts connecting, in the running loop."""

    async def wait_connected(self) -> None:
        """Waits for the first connections.

        Raises:
            TimeoutError: There was none in time.
            One of the server's refusals: It does not want this user.
        """

    @property
    def is_up(self) -> bool:
        """True while the connections stand."""
        ...

    @property
    def is_subscribed(self) -> bool:
        """True if `wait_subscribed` has nothing to wait for."""
        ...

    async def wait_subscribed(self) -> None:
        """Waits until the server has confirmed all that is wanted now."""

    async def confirmed(self, count: int) -> None:
        """Waits until the server has so many of all events that the outbox ever took, where that is promised."""

    async def flush(self, *, is_heard: bool) -> bool:
        """Waits until the server has what was collected, and, if `is_heard`, it came back and was handed on here.

        Returns:
            Whether that is so: what there is no room for here is not waited for.
        """
        ...

    @property
    def is_delivering(self) -> bool:
        """True while something that was read is still being delivered."""
        ...

    async def delivered(self) -> None:
        """Waits until what has been read has been handed on."""

    def hear_only_itself(self) -> None:
        """Hands on no more of what others have published, where nobody else is to handle it."""

    @property
    def heard_of_others(self) -> int:
        """The number of entries of other publishers that were delivered."""
        ...

    async def leave(self) -> None:
        """Reads no more of what others may read instead."""

    async def acknowledge(self) -> None:
        """Waits until all that was handled is acknowledged, where that is promised."""

    @property
    def is_idle(self) -> bool:
        """True if the server has all that was collected."""
        ...

    @property
    def reconnects(self) -> int:
        """The number of reconnections."""
        ...

    @property
    def repeated(self) -> int:
        """Events that came a second time and were left out."""
        ...

    async def close(self) -> None:
        """Ends the connections."""
