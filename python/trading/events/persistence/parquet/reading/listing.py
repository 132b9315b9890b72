"""Finding the files of a store, and the rows of its journal."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

from trading.events._core import Segment
from trading.events.base import event_class
from trading.events.errors import (
    CorruptFileError,
    StoredEventError,
    StoreError,
    VanishedFileError,
)
from trading.events.persistence.encoding import peek_row
from trading.events.persistence.names import read_part_name
from trading.events.persistence.parquet.journal.journal import damaged_segments, open_segments
from trading.events.persistence.parquet.journal.journal_tables import JournalTables, StuckTopic
from trading.events.persistence.parquet.journal.topic_table import TopicTable
from trading.events.persistence.parquet.reading.part import Part, find_part
from trading.events.persistence.parquet.reading.unsealed_part import unsealed_part
from trading.events.persistence.parquet.store.checked_file import naming
from trading.events.persistence.parquet.store.layout import day_folder, list_days, list_parts
from trading.events.persistence.parquet.store.manifest import NAME as MANIFEST
from trading.events.persistence.parquet.store.manifest import Manifest, SealedFile, read_manifest
from trading.events.persistence.refusal import stored_event_error
from trading.events.persistence.schema.changed_fields import changed_in_row
from trading.events.persistence.selection import Selection, day_span


class Listing:
    """The files and unsealed rows of a store at one moment, by journal and manifests; `days` iterates over them.

    The segments of the journal are opened first, and each manifest is read after that, when its day comes. So a row is
    found either in a segment or in a file that the manifest names; if it is in both, the file counts. If a segment has
    been sealed since, and rows of it quarantined, the segments are opened again.

    Args:
        base_path: The store.
        selection: The selection.
        report: Called with the error of everything that cannot be read.
    """

    def __init__(self, base_path: Path, selection: Selection, report: Callable[[StoreError], None]) -> None:
        self._base_path = base_path
        self._selection = selection
        self._report = report
        self._unsealed = defaultdict[date, list[tuple[int, Part]]](list)
        self._refused = defaultdict[date, list[tuple[int, StoreError]]](list)
        self._segments: set[int] = set()

    def days(self, *, newest_first: bool = False) -> Iterator[tuple[date, list[Part]]]:
        """The days, in order, each with its files and its unsealed rows."""
        self._read_journal()
        try:
            with naming(self._base_path):
                days = {day for day in list_days(self._base_path) if self._selection.overlaps(*day_span(day))}
        except StoreError as error:
            self._report(error)
            return
        for day in sorted(days | self._unsealed.keys() | self._refused.keys(), reverse=newest_first):
            if parts := self.parts(day):
                yield day, parts

    def parts(self, day: date) -> list[Part]:
        """The current files and unsealed rows of a day."""
        while True:
            try:
                manifest = read_manifest(day_folder(self._base_path, day))
                if self._is_outdated(manifest):
                    self._read_journal()
                    continue
                return self._find(day, manifest)
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
        return parts + self._take_unsealed(day, manifest)

    def _is_outdated(self, manifest: Manifest) -> bool:
        """Returns whether a segment may have been sealed, and rows of it quarantined, since the journal was read."""
        if not any(map(manifest.has_sealed, self._segments)):
            return False
        try:
            quarantined = {segment.number for segment in open_segments(self._base_path) if segment.is_apart}
        except StoreError:
            return False  # it has been reported, if it could not be read before either
        return not quarantined <= self._segments

    def _take_unsealed(self, day: date, manifest: Manifest) -> list[Part]:
        """The rows of a day that are in no file, and the errors of those that cannot be read."""
        for segment, error in self._refused[day]:
            if not manifest.has_sealed(segment):
                self._report(error)
        return self._choose([part for segment, part in self._unsealed[day] if not manifest.has_sealed(segment)])

    def _wants(self, file: SealedFile) -> bool:
        selection = self._selection
        return selection.wants_file(read_part_name(file.name)) and selection.overlaps(file.first, file.last)

    def _wants_rows(self, topic: TopicTable | StuckTopic) -> bool:
        """Returns whether rows of a segment may be selected."""
        span, selection = day_span(topic.day), self._selection
        return (
            selection.overlaps(*span)
            and selection.wants_topic(topic.file_topic)
            and selection.decide(topic.file_topic, *span) is not False
        )

    def _choose(self, parts: list[Part]) -> list[Part]:
        """The unsealed parts with selected rows."""
        selection = self._selection
        return [
            part for part in parts if selection.wants_topic(part.footer().topic) and part.footer().groups_in(selection)
        ]

    def _without_manifest(self, day: date) -> list[Part]:
        """The rows of a day that has no sealed ones. Files without a manifest are a fault."""
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
        return self._take_unsealed(day, Manifest())

    def _read_journal(self) -> None:
        self._unsealed.clear()
        self._refused.clear()
        for damaged in damaged_segments(self._base_path):
            self._report(damaged)
        try:
            segments = open_segments(self._base_path)
        except StoreError as error:
            self._report(error)
            return
        self._segments = {segment.number for segment in segments}
        for segment in segments:
            try:
                self._take_tables(segment, JournalTables(segment.read()))
            except OSError as error:
                self._report(CorruptFileError(segment.path, str(error)))

    def _take_tables(self, segment: Segment, tables: JournalTables) -> None:
        """Takes the rows of a segment that may be selected."""
        for reason in tables.faults:
            self._report(CorruptFileError(segment.path, reason))
        for refused in self._errors(segment, tables, 0):
            if refused.event_type is None or self._selection.wants_event_type(refused.event_type):
                self._report(refused)
        for stuck in filter(self._wants_rows, tables.stuck):
            if (error := self._error_of(segment, tables, stuck)) is not None:
                self._refused[stuck.day].append((segment.number, error))
        for topic in filter(self._wants_rows, tables.topics):
            before = len(tables.refused)
            table = topic.table
            self._refused[topic.day] += ((segment.number, each) for each in self._errors(segment, tables, before))
            if table.num_rows:
                self._unsealed[topic.day].append((segment.number, unsealed_part(segment.path, topic, table)))

    def _errors(self, segment: Segment, tables: JournalTables, start: int) -> Iterator[StoredEventError]:
        """The errors of refused rows, from one on, if their times may be selected."""
        for refusal in tables.refused[start:]:
            [(seq, payload)] = tables.rows.slice(refusal.row, refusal.row + 1)
            said = peek_row(payload)
            if said.micros is None or self._selection.overlaps(said.micros, said.micros):
                cls = None if said.event_type is None else event_class(said.event_type)
                yield stored_event_error(
                    segment.path,
                    refusal.reason,
                    seq=seq,
                    micros=said.micros,
                    event_type=said.event_type,
                    changed=None if cls is None else changed_in_row(cls, payload, refusal.reason.field),
                )

    def _error_of(self, segment: Segment, tables: JournalTables, stuck: StuckTopic) -> StoreError | None:
        """The error of the rows of a stuck topic, if the time of one may be selected."""
        for index in stuck.indices:
            [(seq, payload)] = tables.rows.slice(index, index + 1)
            micros = peek_row(payload).micros
            if micros is None or self._selection.overlaps(micros, micros):
                event_type = stuck.file_topic.event_type
                return stored_event_error(segment.path, stuck.reason, seq=seq, micros=micros, event_type=event_type)
        return None


def _find_file(path: Path, day: date, file: SealedFile) -> Part:
    return find_part(path, day, size_bytes=file.size_bytes, sealed=file)
