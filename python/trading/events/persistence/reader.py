"""EventReader: what a store holds, as events in order, as tables, as a replay."""

from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from os import PathLike
from pathlib import Path
from typing import Literal

import pyarrow as pa

from trading.events.base import BaseEvent
from trading.events.persistence.replay import Publisher, Replay

EventTypes = str | type[BaseEvent] | Iterable[str | type[BaseEvent]]
"""Event types, by name or class; an abstract class stands for all its subclasses."""

Names = str | Iterable[str]
"""One name, or several."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One Parquet file of a store, by its footer."""

    path: Path
    event_type: str
    exchange: str | None
    symbol: str | None
    rows: int
    first: datetime
    last: datetime
    size_bytes: int


@dataclass(frozen=True, slots=True)
class StoredTopic:
    """All the files of one topic together."""

    event_type: str
    exchange: str | None
    symbol: str | None
    files: int
    rows: int
    first: datetime
    last: datetime
    size_bytes: int


class EventRange:
    """The events of a range, in order; `for` and `async for` both go over it, any number of times."""

    def __iter__(self) -> Iterator[BaseEvent]:
        raise NotImplementedError

    def __aiter__(self) -> AsyncIterator[BaseEvent]:
        raise NotImplementedError


class EventReader:
    """Reads a store. `on_error` says what a file that cannot be read does: see `read_range`."""

    def __init__(self, base_path: str | PathLike[str], *, on_error: Literal["raise", "warn"] = "raise") -> None:
        raise NotImplementedError

    def read_range(
        self,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        event_type: EventTypes | None = None,
        exchange: Names | None = None,
        symbol: Names | None = None,
        speed: float | None = None,
    ) -> EventRange:
        """The events with `start <= timestamp < end`, by timestamp, ties in the order of recording."""
        raise NotImplementedError

    def read_table(
        self,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        event_type: EventTypes | None = None,
        exchange: Names | None = None,
        symbol: Names | None = None,
    ) -> pa.Table:
        """The same events as one Arrow table, in the same order, `_seq` among the columns."""
        raise NotImplementedError

    def replay(
        self,
        bus: Publisher,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        speed: float | None = 1.0,
        event_type: EventTypes | None = None,
        exchange: Names | None = None,
        symbol: Names | None = None,
    ) -> Replay:
        """A replay of the same events onto a bus; `await` it."""
        raise NotImplementedError

    def files(
        self,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        event_type: EventTypes | None = None,
        exchange: Names | None = None,
        symbol: Names | None = None,
    ) -> Iterator[StoredFile]:
        """The files that may hold events of the range, day by day, read by their footers only."""
        raise NotImplementedError

    def topics(
        self,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        event_type: EventTypes | None = None,
        exchange: Names | None = None,
        symbol: Names | None = None,
    ) -> list[StoredTopic]:
        """`files` added up by topic, sorted by event type, exchange and symbol."""
        raise NotImplementedError

    def count(
        self,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        event_type: EventTypes | None = None,
        exchange: Names | None = None,
        symbol: Names | None = None,
    ) -> int:
        """How many events `read_range` would give."""
        raise NotImplementedError

    def time_span(
        self,
        *,
        event_type: EventTypes | None = None,
        exchange: Names | None = None,
        symbol: Names | None = None,
    ) -> tuple[datetime, datetime] | None:
        """The timestamps of the first and the last event, or None where there is none."""
        raise NotImplementedError
