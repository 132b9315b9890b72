"""Finding the files of a store, and telling of those that cannot be read."""

import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Literal

from trading.events.errors import (
    CorruptFileError,
    StoreError,
    UnreadableFileWarning,
    VanishedFileError,
)
from trading.events.persistence.journal import damaged_segments, hold_segments
from trading.events.persistence.layout import day_folder, list_days, list_parts, read_part_name
from trading.events.persistence.manifest import NAME as MANIFEST
from trading.events.persistence.manifest import Manifest, SealedFile, read_manifest
from trading.events.persistence.part import Part, find_part, naming, unsealed_part
from trading.events.persistence.row import UnknownRowError
from trading.events.persistence.selection import Selection, day_span
from trading.events.persistence.tabulation import Tabulation, TopicTable

OnError = Literal["raise", "warn"]
"""What a file that cannot be read does, after all that can be read has been: raise its error, or only warn of it."""


class Unreadable:
    """The files that could not be read during one pass over a store."""

    def __init__(self, on_error: OnError) -> None:
        self._on_error = on_error
        self._errors: list[StoreError] = []
        self._told: set[str] = set()

    def report(self, error: StoreError) -> None:
        """Warns of a file, or keeps its error; once, also where a day is gone over again."""
        if str(error) in self._told:
            return
        self._told.add(str(error))
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


class Listing:
    """What a store holds at one moment, by the journal and the manifests; `days` goes over it.

    The segments of the journal are held first, and only then the manifests are read, each when its day comes: a row is
    so found either in a segment or in a file that the manifest names, and where it is in both, in the file.

    Args:
        base_path: The store.
        selection: What is selected.
        report: Told of everything that cannot be read.
    """

    def __init__(self, base_path: Path, selection: Selection, report: Callable[[StoreError], None]) -> None:
        self._base_path = base_path
        self._selection = selection
        self._report = report
        self._unsealed: defaultdict[date, list[tuple[int, Part]]] = defaultdict(list)

    def days(self, *, newest_first: bool = False) -> Iterator[tuple[date, list[Part]]]:
        """The days, in order, each with its files, and its rows that are in none yet."""
        self._read_journal()
        try:
            with naming(self._base_path):
                days = {day for day in list_days(self._base_path) if self._selection.overlaps(*day_span(day))}
        except StoreError as error:
            self._report(error)
            return
        for day in sorted(days | self._unsealed.keys(), reverse=newest_first):
            if parts := self.parts(day):
                yield day, parts

    def parts(self, day: date) -> list[Part]:
        """The files of a day, and its rows that are in none yet, as they are now."""
        while True:
            try:
                return self._find(day, read_manifest(day_folder(self._base_path, day)))
            except FileNotFoundError:
                return self._without_manifest(day)
            except VanishedFileError:
                continue
            except CorruptFileError as error:
                self._report(error)
                return []

    def _find(self, day: date, manifest: Manifest) -> list[Part]:
        folder = day_folder(self._base_path, day)
        parts: list[Part] = []
        for file in filter(self._wants, manifest.files):
            try:
                part = _find_file(folder / file.name, day, file)
                if self._selection.has_patterns and not self._selection.wants_topic(part.footer().topic):
                    continue
                parts.append(part)
            except VanishedFileError as error:
                if read_manifest(folder) != manifest:
                    raise
                self._report(error)
            except StoreError as error:
                self._report(error)
        return parts + self._choose([part for segment, part in self._unsealed[day] if not manifest.has_sealed(segment)])

    def _wants(self, file: SealedFile) -> bool:
        selection = self._selection
        return selection.wants_file(read_part_name(file.name)) and selection.overlaps(file.first, file.last)

    def _wants_rows(self, topic: TopicTable) -> bool:
        """Whether rows of a segment may be selected."""
        return self._selection.overlaps(*day_span(topic.day)) and self._selection.wants_topic(topic.file_topic)

    def _choose(self, parts: list[Part]) -> list[Part]:
        """The parts with selected rows, of those in memory."""
        selection = self._selection
        return [
            part for part in parts if selection.wants_topic(part.footer().topic) and part.footer().groups_in(selection)
        ]

    def _without_manifest(self, day: date) -> list[Part]:
        """The rows of a day of which nothing has been sealed. Files without a manifest would be a broken day."""
        folder = day_folder(self._base_path, day)
        try:
            with naming(folder):
                files = list_parts(folder)
        except VanishedFileError:
            files = []
        except StoreError as error:
            self._report(error)
            return []
        if files:
            self._report(CorruptFileError(folder, f"it has files but no {MANIFEST}, which says which of them count"))
        return self._choose([part for _, part in self._unsealed[day]])

    def _read_journal(self) -> None:
        for damaged in damaged_segments(self._base_path):
            self._report(damaged)
        try:
            segments = hold_segments(self._base_path)
        except StoreError as error:
            self._report(error)
            return
        for segment in segments:
            try:
                tabulation = Tabulation(segment.read())
            except (OSError, UnknownRowError) as error:
                self._report(CorruptFileError(segment.path, str(error)))
                continue
            for topic in tabulation.topics:
                if self._wants_rows(topic) and (table := topic.table).num_rows:
                    self._unsealed[topic.day].append((segment.number, unsealed_part(segment.path, topic, table)))
            for reason in tabulation.faults:
                self._report(CorruptFileError(segment.path, reason))


def _find_file(path: Path, day: date, file: SealedFile) -> Part:
    return find_part(path, day, size_bytes=file.size_bytes, sealed=file)
