"""The loop by which one handler after the other gets many events in a row."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from trading.events.base import BaseEvent

Handler = Callable[[BaseEvent], Awaitable[None]]


class Run(Iterable[BaseEvent], Protocol):
    """An iterable that gives out the events of one subscription after the other, natively."""

    def next_handler(self) -> Handler | None:
        """That of the next subscription, whose events are given out from now on; None if there is none for now."""


async def run(handler: Handler | None, events: Run) -> None:
    """Awaits the handler for each event of its subscription, and so on with the next.

    The bus's native worker drives this coroutine, so that what a handler waits for or raises reaches the worker.
    """
    while handler is not None:
        for event in events:
            await handler(event)
        handler = events.next_handler()
