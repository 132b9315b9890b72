"""The topics that a store holds."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from trading.events.base import BaseEvent


class Topic(Protocol):
    """Anything with the three names of a topic."""

    @property
    def event_type(self) -> str:
        """The event type."""
        ...

    @property
    def exchange(self) -> str | None:
        """The exchange, if there is one."""
        ...

    @property
    def symbol(self) -> str | None:
        """The symbol, if there is one."""
        ...


@dataclass(frozen=True, slots=True)
class StoredTopic:
    """All files of one topic together.

    Attributes:
        event_type: The topic's event type.
        exchange: Its exchange, or None.
        symbol: Its symbol, or None.
        files: The number of files that hold it.
        rows: The number of their events.
        first: Least timestamp.
        last: Greatest timestamp.
        size_bytes: Size of the files on disk.
    """

    event_type: str
    exchange: str | None
    symbol: str | None
    files: int
    rows: int
    first: datetime
    last: datetime
    size_bytes: int


def count_topics(events: Iterable[BaseEvent]) -> list[StoredTopic]:
    """The topics of events, for stores without files."""
    found: dict[tuple[str, str | None, str | None], tuple[int, datetime, datetime]] = {}
    for event in events:
        names, moment = (event.event_type, event.exchange, event.symbol), event.timestamp
        rows, first, last = found.get(names, (0, moment, moment))
        found[names] = rows + 1, min(first, moment), max(last, moment)
    topics = [StoredTopic(*names, files=0, rows=r, first=a, last=z, size_bytes=0) for names, (r, a, z) in found.items()]
    return sorted(topics, key=topic_order)


def topic_order(topic: Topic) -> tuple[str, str, str]:
    """The key by which topics are sorted; a missing name comes first."""
    return topic.event_type, topic.exchange or "", topic.symbol or ""
