"""EventReader: reads a Parquet store, as events in order, as a table, as a replay, or only counting."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date, datetime
from os import PathLike
from pathlib import Path
from typing import TypeVar, Unpack

import pyarrow as pa

from trading.events.base import BaseEvent
from trading.events.errors import StoreError, VanishedFileError
from trading.events.persistence.base import IEventReader
from trading.events.persistence.error_collector import ErrorCollector, OnError
from trading.events.persistence.parquet.reading.latest import find_last
from trading.events.persistence.parquet.reading.listing import Listing
from trading.events.persistence.parquet.reading.merge import merge
from trading.events.persistence.parquet.reading.part import Part
from trading.events.persistence.parquet.reading.stored_file import StoredFile, add_up, describe_part
from trading.events.persistence.parquet.reading.table import count_rows, known_tables, read_part_table, unite
from trading.events.persistence.parquet.store.store_path import existing_store
from trading.events.persistence.replay.event_range import EventChunks
from trading.events.persistence.selection import Criteria, Selection, select
from trading.events.persistence.topics import StoredTopic

AnswerT = TypeVar("AnswerT")


class EventReader(IEventReader):
    """Reads a store that a ParquetEventWriter has written, or is writing.

    A file that cannot be read does not hide the others: they are all read. With `on_error="raise"` its CorruptFileError
    is raised after that (by a method that returns one result, in its stead); with `"warn"` an UnreadableFileWarning is
    given as soon as it is found. A file of an event type that no class is defined for is treated alike, with an
    UnknownEventTypeError, where events are to be made of it; and an event that its class refuses, with a
    StoredEventError, unless the query says `invalid="skip"`.

    Args:
        base_path: The store's folder.
        on_error: `raise` or `warn`.

    Raises:
        StorePathError: There is no such folder, or it is no store.
        ValueError: `on_error` is neither.
    """

    def __init__(self, base_path: str | PathLike[str], *, on_error: OnError = "raise") -> None:
        if on_error not in {"raise", "warn"}:
            raise ValueError(f"on_error must be 'raise' or 'warn', not {on_error!r}")
        self._base_path = existing_store(base_path)
        self._on_error: OnError = on_error

    def __repr__(self) -> str:
        return f"<EventReader of {str(self._base_path)!r}>"

    @property
    def base_path(self) -> Path:
        """The store's folder, as an absolute path."""
        return self._base_path

    @property
    def store_id(self) -> tuple[str, Path]:
        """The kind of store, and its folder, links resolved."""
        return "parquet", self._base_path.resolve()

    def files(
        self, start: datetime | None = None, end: datetime | None = None, **criteria: Unpack[Criteria]
    ) -> Iterator[StoredFile]:
        """The files that may hold selected events, day by day; only their footers are read.

        Args:
            start: First moment.
            end: First moment that is too late.
            criteria: The events to select.
        """
        return self._files(select(start, end, **criteria))

    def _read(self, selection: Selection) -> EventChunks:
        errors = ErrorCollector(self._on_error, selection.invalid)
        listing = Listing(self._base_path, selection, errors.report)
        try:
            for day, parts in listing.days():
                yield from _read_day(listing, day, parts, selection, errors)
        finally:
            errors.tell_skipped()
        errors.finish()

    def _read_table(self, selection: Selection) -> pa.Table:
        tables = known_tables(selection)
        tables += self._ask(selection, lambda part, report: read_part_table(part, selection, report))
        return unite(tables)

    def _topics(self, selection: Selection) -> list[StoredTopic]:
        return add_up(self._files(selection))

    def _count(self, selection: Selection) -> int:
        return sum(self._ask(selection, lambda part, report: count_rows(part, selection, report)))

    def _time_span(self, selection: Selection) -> tuple[datetime, datetime] | None:
        if selection.filter is not None:
            return self._filtered_span(selection)
        errors = ErrorCollector(self._on_error, selection.invalid)
        first = self._find_day(selection, errors, newest=False)
        last = self._find_day(selection, errors, newest=True)
        errors.finish()
        return (min(file.first for file in first), max(file.last for file in last)) if first and last else None

    def _filtered_span(self, selection: Selection) -> tuple[datetime, datetime] | None:
        with closing(self._read(selection)) as chunks:
            first = next((chunk[0] for chunk in chunks if chunk), None)
        last = self._last(selection)
        return (first.timestamp, last.timestamp) if first and last else None

    def _last(self, selection: Selection) -> BaseEvent | None:
        errors = ErrorCollector(self._on_error, selection.invalid)
        listing = Listing(self._base_path, selection, errors.report)
        for day, parts in listing.days(newest_first=True):
            found = _steadily(lambda some: find_last(some, selection, errors.report), parts, listing, day)
            if found is not None:
                break
        else:
            found = None
        errors.finish()
        return found

    def _files(self, selection: Selection) -> Iterator[StoredFile]:
        """The files with row groups that may hold selected rows."""
        wanted = self._ask(
            selection, lambda part, _: describe_part(part) if part.footer().groups_in(selection) else None
        )
        return (file for file in wanted if file is not None)

    def _ask(
        self, selection: Selection, question: Callable[[Part, Callable[[StoreError], None]], AnswerT]
    ) -> Iterator[AnswerT]:
        """Asks a question of all files, day by day; the errors of those that cannot answer come last."""
        errors = ErrorCollector(self._on_error, selection.invalid)

        def ask_all(parts: list[Part]) -> list[AnswerT]:
            answers: list[AnswerT] = []
            for part in parts:
                try:
                    answers.append(question(part, errors.report))
                except VanishedFileError:
                    raise
                except StoreError as error:
                    errors.report(error)
            return answers

        listing = Listing(self._base_path, selection, errors.report)
        for day, parts in listing.days():
            yield from _steadily(ask_all, parts, listing, day)
        errors.finish()

    def _find_day(self, selection: Selection, errors: ErrorCollector, *, newest: bool) -> list[StoredFile]:
        """The files of the first or the last day that has some."""
        for _, parts in Listing(self._base_path, selection, errors.report).days(newest_first=newest):
            found: list[StoredFile] = []
            for part in parts:
                try:
                    found.append(describe_part(part))
                except StoreError as error:
                    errors.report(error)
            if found:
                return found
        return []


def _read_day(
    listing: Listing, day: date, parts: list[Part], selection: Selection, errors: ErrorCollector
) -> EventChunks:
    reached: tuple[int, int] | None = None
    while parts:
        try:
            for events, last in merge(parts, selection, errors.report, after=reached):
                reached = last
                yield events
        except VanishedFileError:
            parts = listing.parts(day)
        else:
            return


def _steadily(ask: Callable[[list[Part]], AnswerT], parts: list[Part], listing: Listing, day: date) -> AnswerT:
    """Asks the files of a day, and if one has been merged meanwhile, those that there are then."""
    while True:
        try:
            return ask(parts)
        except VanishedFileError:
            parts = listing.parts(day)
