"""EventReader: what a Parquet store holds, as events in order, as a table, as a replay, or only counted."""

from collections.abc import Iterator
from datetime import datetime
from os import PathLike
from pathlib import Path
from typing import Unpack

import pyarrow as pa

from trading.events.base import BaseEvent, event_class
from trading.events.errors import StoreError, StorePathError, VanishedFileError
from trading.events.persistence.base import IEventReader
from trading.events.persistence.columns import from_micros
from trading.events.persistence.event_range import EventChunks
from trading.events.persistence.listing import Listing, OnError, Unreadable
from trading.events.persistence.merge import Key, merge
from trading.events.persistence.part import OpenFiles, Part
from trading.events.persistence.schema import event_schema
from trading.events.persistence.selection import Criteria, Selection, select
from trading.events.persistence.stored_file import StoredFile, StoredTopic, add_up, describe_part
from trading.events.persistence.table import in_range, read_part_table, unite

_COUNT_ROWS = 65_536
_CHUNK_EVENTS = 512


class EventReader(IEventReader):
    """Reads a store that a ParquetEventWriter has written, or is writing.

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

    def files(
        self, start: datetime | None = None, end: datetime | None = None, **criteria: Unpack[Criteria]
    ) -> Iterator[StoredFile]:
        """The files that may hold selected events, day by day; only their footers are read.

        Args:
            start: First moment.
            end: First moment that is too late.
            criteria: Which events.
        """
        selection = select(start, end, **criteria)
        return (describe_part(part) for part, _ in self._find(selection))

    def _read(self, selection: Selection) -> EventChunks:
        chunk: list[BaseEvent] = []
        try:
            for event in self._merge(selection):
                chunk.append(event)
                if len(chunk) == _CHUNK_EVENTS:
                    yield selection.keep(chunk)
                    chunk = []
        except StoreError:
            yield selection.keep(chunk)
            raise
        yield selection.keep(chunk)

    def _read_table(self, selection: Selection) -> pa.Table:
        if selection.filter is not None:
            return super()._read_table(selection)
        tables = [schema.empty_table() for schema in _known_schemas(selection)]
        for part, unreadable in self._find(selection):
            try:
                tables.append(read_part_table(part, selection))
            except StoreError as error:
                unreadable.report(error)
        return unite(tables)

    def _topics(self, selection: Selection) -> list[StoredTopic]:
        return add_up(describe_part(part) for part, _ in self._find(selection))

    def _count(self, selection: Selection) -> int:
        if selection.filter is not None:
            return super()._count(selection)
        total = 0
        for part, unreadable in self._find(selection):
            try:
                total += _count(part, selection)
            except StoreError as error:
                unreadable.report(error)
        return total

    def _time_span(self, selection: Selection) -> tuple[datetime, datetime] | None:
        if selection.filter is not None:
            return super()._time_span(selection)
        unreadable = Unreadable(self._on_error)
        first_day = self._find_day(selection, unreadable, newest=False)
        last_day = self._find_day(selection, unreadable, newest=True)
        unreadable.finish()
        if not first_day:
            return None
        first = min(group.first for part in first_day for group in part.groups)
        last = max(group.last for part in last_day for group in part.groups)
        return from_micros(first), from_micros(last)

    def _merge(self, selection: Selection) -> Iterator[BaseEvent]:
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
    names = sorted(selection.event_types)
    known = [found for found in map(event_class, names) if found is not None]
    return [event_schema(each).arrow for each in known or [BaseEvent]]


def _count(part: Part, selection: Selection) -> int:
    partial = [group for group in part.groups_in(selection) if not selection.covers(group.first, group.last)]
    whole = [group for group in part.groups if selection.covers(group.first, group.last)]
    batches = part.batches(partial, rows=_COUNT_ROWS, open_files=OpenFiles(1), names=["timestamp"])
    return sum(group.rows for group in whole) + sum(in_range(batch, selection).num_rows for batch in batches)
