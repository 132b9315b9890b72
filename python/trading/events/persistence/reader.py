"""EventReader: what a store holds, as events in order, as a table, as a replay, or only counted."""

from collections.abc import Iterator
from datetime import datetime
from os import PathLike
from pathlib import Path

import pyarrow as pa

from trading.events.base import BaseEvent, event_class
from trading.events.errors import StoreError, StorePathError, VanishedFileError
from trading.events.persistence.columns import from_micros
from trading.events.persistence.event_range import EventRange, Events
from trading.events.persistence.listing import Listing, OnError, Unreadable
from trading.events.persistence.merge import Key, merge
from trading.events.persistence.part import OpenFiles, Part
from trading.events.persistence.replay import Publisher, Replay
from trading.events.persistence.schema import event_schema
from trading.events.persistence.selection import EventTypes, Names, Selection, select
from trading.events.persistence.stored_file import StoredFile, StoredTopic, add_up, describe_part
from trading.events.persistence.table import in_range, read_part_table, unite

_COUNT_ROWS = 65_536


class EventReader:
    """Reads a store of recorded events. It needs no writer, and disturbs none.

    Every method selects alike:

    - `start`, `end`: events with `start <= timestamp < end`; a naive datetime is in UTC, None is no limit.
    - `event_type`: a text, an event class, or several of them; a class stands for all its subclasses too.
    - `exchange`, `symbol`: a text, or several.

    What is left out selects everything. Wrong arguments raise TypeError or ValueError at once.

    A file that cannot be read does not hide the others: they are all read. With `on_error="raise"` its CorruptFileError
    is raised after that (by a method that returns one result, in its stead); with `"warn"` an UnreadableFileWarning is
    given as soon as it is found. A file of an event type that no class is defined for is treated alike, with an
    UnknownEventTypeError, where events are to be made of it.

    Args:
        base_path: The store's folder.
        on_error: `raise` or `warn`.

    Raises:
        StorePathError: There is no such folder.
        ValueError: `on_error` is neither.
    """

    def __init__(self, base_path: str | PathLike[str], *, on_error: OnError = "raise") -> None:
        if on_error not in {"raise", "warn"}:
            raise ValueError(f"on_error must be 'raise' or 'warn', not {on_error!r}")
        self._base_path = Path(base_path).absolute()
        self._on_error: OnError = on_error
        if not self._base_path.is_dir():
            state = "is not a folder" if self._base_path.exists() else "does not exist"
            raise StorePathError(f"{self._base_path} {state}, so there are no recorded events in it")

    @property
    def base_path(self) -> Path:
        """The store's folder, as an absolute path."""
        return self._base_path

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
        """The selected events by timestamp, ties in the order in which they were recorded.

        Args:
            start: First moment.
            end: First moment that is too late.
            event_type: Which kinds of events.
            exchange: Of which exchanges.
            symbol: Of which symbols.
            speed: None gives them as fast as possible; 1.0 at the intervals at which they happened, 10.0 ten times as
                fast. A plain `for` then sleeps, which blocks its thread.

        Returns:
            What `for` and `async for` go over, in memory that does not depend on the range's length.
        """
        selection = select(start, end, event_type=event_type, exchange=exchange, symbol=symbol)
        return EventRange(lambda: self._read(selection), speed=speed)

    def read_table(
        self,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        event_type: EventTypes | None = None,
        exchange: Names | None = None,
        symbol: Names | None = None,
    ) -> pa.Table:
        """The selected events as one Arrow table in the same order, also where no class is defined for them.

        The columns bear the fields' names; `persistence.columns` tells what stands beside them, and `_seq` is the order
        of recording. Of several event types the table has the columns of all, null where a type does not have one, and
        as text where two types disagree.

        Raises:
            CorruptFileError: A file cannot be read, and `on_error` is `raise`.
        """
        selection = select(start, end, event_type=event_type, exchange=exchange, symbol=symbol)
        tables = [schema.empty_table() for schema in _known_schemas(selection)]
        for part, unreadable in self._find(selection):
            try:
                tables.append(read_part_table(part, selection))
            except StoreError as error:
                unreadable.report(error)
        return unite(tables)

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
        """A replay of the selected events; `await` it to run it.

        Args:
            bus: Where the events are published.
            start: First moment.
            end: First moment that is too late.
            speed: 1.0 keeps the original timing, any other factor shortens or stretches it, and None publishes as fast
                as the bus takes the events.
            event_type: Which kinds of events.
            exchange: Of which exchanges.
            symbol: Of which symbols.
        """
        events = self.read_range(start, end, event_type=event_type, exchange=exchange, symbol=symbol)
        return Replay(events, bus, speed=speed)

    def files(
        self,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        event_type: EventTypes | None = None,
        exchange: Names | None = None,
        symbol: Names | None = None,
    ) -> Iterator[StoredFile]:
        """The files that may hold selected events, day by day; only their footers are read."""
        selection = select(start, end, event_type=event_type, exchange=exchange, symbol=symbol)
        return (describe_part(part) for part, _ in self._find(selection))

    def topics(
        self,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        event_type: EventTypes | None = None,
        exchange: Names | None = None,
        symbol: Names | None = None,
    ) -> list[StoredTopic]:
        """The same files added up by topic, sorted by event type, exchange and symbol."""
        return add_up(self.files(start, end, event_type=event_type, exchange=exchange, symbol=symbol))

    def count(
        self,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        event_type: EventTypes | None = None,
        exchange: Names | None = None,
        symbol: Names | None = None,
    ) -> int:
        """How many events are selected. Timestamps are read only where the range begins or ends."""
        selection = select(start, end, event_type=event_type, exchange=exchange, symbol=symbol)
        total = 0
        for part, unreadable in self._find(selection):
            try:
                total += _count(part, selection)
            except StoreError as error:
                unreadable.report(error)
        return total

    def time_span(
        self,
        *,
        event_type: EventTypes | None = None,
        exchange: Names | None = None,
        symbol: Names | None = None,
    ) -> tuple[datetime, datetime] | None:
        """The least and the greatest timestamp of the selected events, or None where there are none."""
        selection = select(None, None, event_type=event_type, exchange=exchange, symbol=symbol)
        unreadable = Unreadable(self._on_error)
        first_day = self._find_day(selection, unreadable, newest=False)
        last_day = self._find_day(selection, unreadable, newest=True)
        unreadable.finish()
        if not first_day:
            return None
        first = min(group.first for part in first_day for group in part.groups)
        last = max(group.last for part in last_day for group in part.groups)
        return from_micros(first), from_micros(last)

    def _read(self, selection: Selection) -> Events:
        unreadable = Unreadable(self._on_error)
        listing = Listing(self._base_path, selection, unreadable.report)
        for day, parts in listing.days():
            reached: Key | None = None
            left = parts
            while left:
                try:
                    for key, event in merge(left, selection, unreadable.report, after=reached):
                        reached = key
                        yield event
                    left = []
                except VanishedFileError:
                    left = listing.parts(day)
        unreadable.finish()

    def _find_day(self, selection: Selection, unreadable: Unreadable, *, newest: bool) -> list[Part]:
        days = Listing(self._base_path, selection, unreadable.report).days(newest_first=newest)
        for _, parts in days:
            return parts
        return []

    def _find(self, selection: Selection) -> Iterator[tuple[Part, Unreadable]]:
        unreadable = Unreadable(self._on_error)
        for _, parts in Listing(self._base_path, selection, unreadable.report).days():
            for part in parts:
                yield part, unreadable
        unreadable.finish()


def _known_schemas(selection: Selection) -> list[pa.Schema]:
    """The columns that a table of a selection has even where nothing is stored."""
    names = sorted(selection.event_types.names or ())
    known = [found for found in map(event_class, names) if found is not None]
    return [event_schema(each).arrow for each in known or [BaseEvent]]


def _count(part: Part, selection: Selection) -> int:
    partial = [group for group in part.groups_in(selection) if not selection.covers(group.first, group.last)]
    whole = [group for group in part.groups if selection.covers(group.first, group.last)]
    batches = part.batches(partial, rows=_COUNT_ROWS, open_files=OpenFiles(1), names=["timestamp"])
    return sum(group.rows for group in whole) + sum(in_range(batch, selection).num_rows for batch in batches)
