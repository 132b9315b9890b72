"""Outcomes of events that a publisher waits for."""

from collections.abc import Iterable, Iterator, Sequence
from weakref import WeakSet

from trading.events.base import BaseEvent


class Confirmation:
    """Events that a publisher waits for, and why one of them was not sent."""

    __slots__ = ("__weakref__", "events", "failure")

    def __init__(self) -> None:
        self.events: Sequence[BaseEvent] = ()
        self.failure: Exception | None = None

    def noting(self, events: Iterable[BaseEvent]) -> Iterable[BaseEvent]:
        """The same events, noted, at the latest as they are taken.

        Raises:
            TypeError: They cannot be iterated over.
        """
        if isinstance(events, (list, tuple)):
            self.events = events
            return events
        self.events = noted = list[BaseEvent]()
        return _noting(iter(events), noted)

    def check(self) -> None:
        """Raises why an event was not sent, if one was not."""
        if self.failure is not None:
            raise self.failure


def _noting(events: Iterator[BaseEvent], noted: list[BaseEvent]) -> Iterator[BaseEvent]:
    for event in events:
        noted.append(event)
        yield event


class Confirmations:
    """The awaited outcomes; one that nobody awaits any more is forgotten by itself."""

    def __init__(self) -> None:
        self._expected: WeakSet[Confirmation] = WeakSet()

    def new(self) -> Confirmation:
        """One more."""
        expected = Confirmation()
        self._expected.add(expected)
        return expected

    def refuse(self, event: BaseEvent, wrong: Exception) -> None:
        """Notes at all who wait for an event, or one equal to it, why it is not sent."""
        for expected in self._expected:
            if expected.failure is None and event in expected.events:
                expected.failure = wrong
