"""The journal of a store: opened for writing, in whatever state its last writer left it."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from trading.events import _core
from trading.events.errors import CorruptFileError
from trading.events.persistence.parquet.store.checked_text import UNFINISHED
from trading.events.persistence.parquet.store.durable_files import make_folder, sync_files
from trading.events.persistence.parquet.store.import_notes import settle_imports
from trading.events.persistence.parquet.store.layout import day_folder, journal_folder, list_days
from trading.events.persistence.parquet.store.manifest import read_manifest

DAMAGED = ".sealed.damaged"
"""The suffix of a damaged segment whose readable rows are all in files, or quarantined."""

OLDER_DAMAGED = ".damaged"
"""The suffix that earlier releases gave to it. They also left in it whole rows that their class refused."""

FIRST_QUARANTINED = 2**63
"""The least number of a segment of quarantined rows."""

_LOST = "not all of it could be read, and what could be is in files; remove it when nothing more can be done about it"
_LEFT = "not all of it could be read by the release that sealed it; a writer that opens the store takes what is left"

_MOST_UNSYNCED_BYTES = 16 * 1024 * 1024
"""Most unsynced bytes in memory. Beyond them the disk is behind, and events wait."""

SOON_UNSYNCED_BYTES = _MOST_UNSYNCED_BYTES // 4
"""A sync begins at once when so many bytes are unsynced."""

_log = logging.getLogger("trading.events.persistence")


@dataclass(frozen=True, slots=True)
class Recovery:
    """The state in which the last writer left the journal, as this writer found it.

    Attributes:
        rows: Events that are in no file yet, or not in all; they are being sealed.
        torn_bytes: Bytes at the ends of segments that are no whole event: nobody was told that they were recorded.
        damaged_bytes: Bytes before whole events that can no longer be read: something that was recorded is lost.
    """

    rows: int
    torn_bytes: int
    damaged_bytes: int


def open_segments(base_path: Path) -> list[_core.Segment]:
    """The segments of a store's journal, held open, so that they can be read when they have been sealed and removed.

    Raises:
        CorruptFileError: The journal cannot be read.
    """
    folder = journal_folder(base_path)
    try:
        return _core.open_segments(folder)
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise CorruptFileError(folder, str(error)) from error


def next_seq(base_path: Path) -> int:
    """The sequence number of the next row, as long as nobody appends.

    Raises:
        CorruptFileError: The journal cannot be read.
        OSError: A segment cannot be.
    """
    segments = (segment for segment in open_segments(base_path) if not segment.is_apart)
    return max(segment.read().next_seq or 1 for segment in segments)


def damaged_segments(base_path: Path) -> list[CorruptFileError]:
    """The segments that were damaged when they were sealed: some of their bytes are in no file."""
    damaged = sorted(journal_folder(base_path).glob(f"*{OLDER_DAMAGED}"))
    return [CorruptFileError(path, _LOST if path.name.endswith(DAMAGED) else _LEFT) for path in damaged]


def open_journal(
    base_path: Path, *, most_rows: int, most_bytes: int, is_buffered: bool
) -> tuple[_core.Journal, Recovery]:
    """Begins a new segment, with numbers above all that were ever used.

    Args:
        base_path: The store.
        most_rows: Most rows of a segment.
        most_bytes: Most bytes of their payloads.
        is_buffered: Whether rows are kept in memory for a moment, instead of being written at once.

    Raises:
        OSError: The journal cannot be written.
        CorruptFileError: It cannot be read.
    """
    folder = journal_folder(base_path)
    make_folder(folder)
    for unfinished in folder.glob(f"*{UNFINISHED}"):
        unfinished.unlink()
    segments = open_segments(base_path)
    number, seq = (0, 1) if any(not segment.is_apart for segment in segments) else _last_numbers(base_path)
    number, seq, recovery = _take_stock(segments, number, seq)
    if recovery.torn_bytes or recovery.damaged_bytes:
        _log.warning("%s: what the last writer left is torn or damaged: %s", folder, recovery)
    settle_imports(
        base_path,
        seq,
        is_damaged=recovery.damaged_bytes > 0,
        sync=lambda: sync_files([segment.path for segment in segments], folder),
    )
    journal = _core.Journal(
        folder,
        number + 1,
        seq,
        most_rows=most_rows,
        most_bytes=most_bytes,
        most_unsynced_bytes=_MOST_UNSYNCED_BYTES,
        is_deferred=is_buffered,
    )
    return journal, recovery


def _take_stock(segments: Sequence[_core.Segment], number: int, seq: int) -> tuple[int, int, Recovery]:
    """The last segment's number and the next row's, both at least as given, and the contents of the segments."""
    rows, torn, damaged = 0, 0, 0
    for segment in segments:
        number = number if segment.is_apart else max(number, segment.number)
        found = segment.read()
        seq = max(seq, found.next_seq or 1)
        rows += len(found)
        torn += found.torn_bytes
        damaged += sum(end - start for start, end in found.damaged)
    return number, seq, Recovery(rows, torn, damaged)


def _last_numbers(base_path: Path) -> tuple[int, int]:
    """The last segment's number and the next row's if the journal is gone, by all manifests."""
    number, seq = 0, 1
    for day in list_days(base_path):
        try:
            manifest = read_manifest(day_folder(base_path, day))
        except FileNotFoundError:
            continue
        number = max([number, *(last for _, last in manifest.sealed if last < FIRST_QUARANTINED)])
        seq = max([seq, *(file.last_seq + 1 for file in manifest.files)])
    return number, seq
