"""Finding the files of a store, and telling of those that cannot be read."""

import warnings
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Literal

from trading.events.errors import StoreError, UnreadableFileWarning
from trading.events.persistence.layout import day_folder, list_days, list_parts, read_part_name
from trading.events.persistence.part import Part, naming, read_part
from trading.events.persistence.selection import Selection, day_span

OnError = Literal["raise", "warn"]
"""What a file that cannot be read does, after all that can be read has been: raise its error, or only warn of it."""


class Unreadable:
    """The files that could not be read during one pass over a store."""

    def __init__(self, on_error: OnError) -> None:
        self._on_error = on_error
        self._errors: list[StoreError] = []

    def report(self, error: StoreError) -> None:
        """Warns of a file, or keeps its error."""
        if self._on_error == "warn":
            # Not `warn`: that stays silent from the second time on, and then a short answer would pass for a whole one.
            warnings.warn_explicit(str(error), UnreadableFileWarning, __file__, 0)
        else:
            self._errors.append(error)

    def finish(self) -> None:
        """Ends the pass.

        Raises:
            StoreError: What was kept: the first error, the others as its notes.
        """
        if self._errors:
            first, *others = self._errors
            for other in others:
                first.add_note(f"Nor could this file be read: {other}")
            raise first


def find_parts(
    base_path: Path, selection: Selection, report: Callable[[StoreError], None], *, newest_first: bool = False
) -> Iterator[tuple[date, list[Part]]]:
    """The files that hold what is selected, day by day, by their names and footers.

    Args:
        base_path: The store.
        selection: What is selected.
        report: Told of each file that cannot be read.
        newest_first: Begins with the last day.
    """
    try:
        with naming(base_path):
            days = [day for day in list_days(base_path) if selection.overlaps(*day_span(day))]
    except StoreError as error:
        report(error)
        return
    for day in reversed(days) if newest_first else days:
        parts = list(_find_parts_of_day(base_path, day, selection, report))
        if parts:
            yield day, parts


def _find_parts_of_day(
    base_path: Path, day: date, selection: Selection, report: Callable[[StoreError], None]
) -> Iterator[Part]:
    folder = day_folder(base_path, day)
    try:
        with naming(folder):
            paths = list_parts(folder)
    except StoreError as error:
        report(error)
        return
    for path in paths:
        if selection.wants_file(read_part_name(path.name)):
            try:
                part = read_part(path, day)
            except StoreError as error:
                report(error)
            else:
                if selection.wants_topic(part.topic) and part.groups_in(selection):
                    yield part
