"""The newest events of a bus, kept in memory."""

import sys
from datetime import datetime
from typing import Any, TypeVar, overload

from trading.events._bus.argument_checks import check_int
from trading.events._bus.unknown_topics import check_event_type
from trading.events._core import NativeBus, to_utc
from trading.events.base import BaseEvent

EventT = TypeVar("EventT", bound=BaseEvent)


def _moment(found: object, what: str) -> datetime | None:
    if found is None:
        return None
    if not isinstance(found, datetime):
        raise TypeError(f"{what} is {found!r}; it must be a datetime")
    return to_utc(found)


class EventHistory:
    """The newest events that a bus has accepted, in the order of acceptance. Get it from `InMemoryEventBus.history`.

    They are packed; what comes out is equal to what was published, and a new object each time. What cannot be packed is
    kept as it is.
    """

    def __init__(self, bus: NativeBus, *, strict_topics: bool = False) -> None:
        self._bus = bus
        self._strict_topics = strict_topics

    @overload
    def query(
        self,
        pattern: type[EventT],
        start: datetime | None = None,
        end: datetime | None = None,
        limit: int | None = None,
    ) -> list[EventT]: ...

    @overload
    def query(
        self, pattern: str = "*", start: datetime | None = None, end: datetime | None = None, limit: int | None = None
    ) -> list[Any]: ...

    def query(
        self,
        pattern: str | type[BaseEvent] = "*",
        start: datetime | None = None,
        end: datetime | None = None,
        limit: int | None = None,
    ) -> list[Any]:
        """The events that match, in the order of acceptance.

        Looks at every event that is kept: a million take some tenths of a second.

        Args:
            pattern: A pattern or an event class, as in `subscribe`; by default everything.
            start: The earliest `timestamp`; naive means UTC. None is open.
            end: The first `timestamp` that is too late; naive means UTC. None is open.
            limit: At most so many, the newest of them. None, the default, is all.

        Raises:
            PatternError: The text is no pattern.
            UnknownTopicError: It names an event type that no class has, and the bus has `strict_topics`.
            TypeError: `pattern` is neither text nor an event class, a bound no datetime, or `limit` no int.
            ValueError: `limit` is negative.
        """
        if limit is not None:
            check_int(limit, "limit", at_least=0, at_most=sys.maxsize)
        check_event_type(pattern, is_strict=self._strict_topics)
        return self._bus._query_history(pattern, _moment(start, "start"), _moment(end, "end"), limit)  # noqa: SLF001 - its history

    def clear(self) -> None:
        """Forgets all events so far."""
        self._bus._clear_history()  # noqa: SLF001 - its history

    def __len__(self) -> int:
        return self._state()[0]

    @property
    def capacity(self) -> int:
        """Number of events that are kept at most."""
        return self._state()[1]

    @property
    def size_bytes(self) -> int:
        """Bytes that the packed events take; what could not be packed is not counted."""
        return self._bus._weigh_history()[0]  # noqa: SLF001 - its history

    @property
    def unpacked(self) -> int:
        """Number of events that are kept as objects, because they cannot be packed."""
        return self._bus._weigh_history()[1]  # noqa: SLF001 - its history

    def _state(self) -> tuple[int, int]:
        return self._bus._history or (0, 0)  # noqa: SLF001 - its history

    def __repr__(self) -> str:
        return f"<EventHistory: {len(self)} of at most {self.capacity} events, {self.size_bytes} bytes>"
