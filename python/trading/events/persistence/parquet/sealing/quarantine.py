"""Quarantine: rows of which no column can be made are kept, byte for byte, until a class here reads them.

They are in segments of their own in the journal, with the sequence numbers that they had, and count there alone:
earlier segments are read without them. Such a segment is durable before the manifest is committed that marks the
segment they come from as sealed, so that at no moment they are nowhere, or twice.
"""

import os
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from trading.events import _core
from trading.events.persistence.encoding import peek_row
from trading.events.persistence.parquet.journal.journal import open_segments
from trading.events.persistence.parquet.journal.journal_tables import JournalTables
from trading.events.persistence.parquet.store.checked_text import UNFINISHED
from trading.events.persistence.parquet.store.durable_files import sync_folder
from trading.events.persistence.parquet.store.layout import journal_folder

_PIECE_ROWS = 1_000
_NUMBER = 2**63 - 1
"""The bits of a quarantine segment's number that differ between them."""

_MOST_DISTANCE = 2**32

_WAY_OUT = "a writer seals them as soon as a class here takes them; until then the file is the only place they are in"


@dataclass(frozen=True, slots=True)
class SetApart:
    """Events of one type that are recorded, but cannot be sealed: their class refuses them, or they are no events.

    Attributes:
        path: The file of the journal that holds them.
        event_type: Their event type; None where they do not even say that.
        rows: The number of rows.
        reason: The fault of the first of them.
    """

    path: Path
    event_type: str | None
    rows: int
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.say()}"

    def say(self) -> str:
        """The description without the path, as a sentence."""
        name = "an unknown type" if self.event_type is None else f"the type {self.event_type!r}"
        count, stay = ("1 event", "stays") if self.rows == 1 else (f"{self.rows:,} events", "stay")
        return f"{count} of {name} cannot be sealed, and {stay} in the journal, quarantined: {self.reason}; {_WAY_OUT}"


def write_quarantined(base_path: Path, picked: Sequence[int], rows: _core.SegmentRows) -> None:
    """Writes rows, if there are any, to a segment of their own, durably.

    Args:
        base_path: The store.
        picked: The indices of the rows, in the order of recording.
        rows: The rows of the segments that they come from.

    Raises:
        OSError: It cannot be written, or the rows cannot be read.
    """
    if not picked:
        return
    folder = journal_folder(base_path)
    name, header = _core.begin_apart(_next_number(base_path), rows.slice(picked[0], picked[0] + 1)[0][0])
    unfinished = folder / f"{name}{UNFINISHED}"
    with unfinished.open("wb") as file:
        file.write(header)
        for start in range(0, len(picked), _PIECE_ROWS):
            piece = picked[start : start + _PIECE_ROWS]
            file.write(_core.frame_rows([row for index in piece for row in rows.slice(index, index + 1)]))
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(folder / name)
    sync_folder(folder)


def _next_number(base_path: Path) -> int:
    """A new number, above those of all quarantine segments there ever were: manifests keep naming those that are gone.

    It is the time, or if the clock has stepped back, a random distance above the newest that is there.
    """
    numbers = (segment.number & _NUMBER for segment in open_segments(base_path) if segment.is_apart)
    return max(time.time_ns(), max(numbers, default=0) + 1 + secrets.randbelow(_MOST_DISTANCE))


def describe_quarantined(segment: _core.Segment) -> list[SetApart]:
    """The rows of a segment that cannot be sealed, by event type.

    Raises:
        OSError: It cannot be read.
    """
    tables = JournalTables(segment.read())
    for topic in tables.topics:
        for _ in topic.chunks():
            pass
    found: dict[str | None, tuple[int, str]] = {}
    for event_type, rows, reason in _reasons(tables):
        count, first = found.get(event_type, (0, reason))
        found[event_type] = count + rows, first
    return [SetApart(segment.path, event_type, *said) for event_type, said in found.items()]


def list_quarantined(base_path: Path) -> list[SetApart]:
    """The quarantined rows of a store, the oldest segment first.

    Raises:
        CorruptFileError: The journal cannot be read.
        OSError: A segment cannot be.
    """
    segments = [segment for segment in open_segments(base_path) if segment.is_apart]
    return [each for segment in segments for each in describe_quarantined(segment)]


def _reasons(tables: JournalTables) -> Iterator[tuple[str | None, int, str]]:
    for topic in tables.stuck:
        yield topic.file_topic.event_type, len(topic.indices), topic.reason.text
    for refusal in tables.refused:
        [(seq, payload)] = tables.rows.slice(refusal.row, refusal.row + 1)
        yield peek_row(payload).event_type, 1, f"row {seq}: {refusal.reason.text}"
