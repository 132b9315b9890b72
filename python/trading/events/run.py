"""How one handler gets many events in a row."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from trading.events.base import BaseEvent


async def run(handler: "Callable[[BaseEvent], Awaitable[None]]", events: "Iterable[BaseEvent]") -> None:
    """Awaits the handler for each event.

    The events are those of one subscription, given out one by one by the bus's native worker. It drives this coroutine,
    so that what the handler waits for or raises reaches the worker.
    """
    for event in events:
        await handler(event)
