"""What every store's writer offers."""

from abc import ABC, abstractmethod
from collections.abc import Iterable

from trading.events.base import BaseEvent


class IEventWriter(ABC):
    """Records events. Its `write_event` is a handler: `await bus.subscribe("*", writer.write_event)` records them all.

    A writer keeps what it is given, in the order in which it is given: the same event written twice is two records.
    """

    @abstractmethod
    async def write_event(self, event: BaseEvent) -> None:
        """Takes one event. It need not be durable when this returns; `flush` makes it so.

        Raises:
            NotAnEventError: It is no event.
            UnstorableEventError: A value of it cannot be stored exactly. The event has not been taken.
            StoreError: The store cannot be written.
        """

    @abstractmethod
    async def write_batch(self, events: Iterable[BaseEvent]) -> None:
        """Takes several events, all of them or, if it raises, none.

        Raises:
            NotAnEventError: One of them is no event.
            UnstorableEventError: A value of one of them cannot be stored exactly.
            StoreError: The store cannot be written.
        """

    @abstractmethod
    async def flush(self) -> None:
        """Returns when every event taken so far is in the store, durably.

        Raises:
            StoreError: Some could not be written. They are kept and tried again.
        """


EventWriter = IEventWriter
"""The name that the interface also has."""
