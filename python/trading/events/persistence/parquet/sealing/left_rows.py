"""Rows that earlier releases left in segments that they kept as damaged: whole, but refused by their class.

They are quarantined, as a writer of this release does with such rows. Then the segment is removed, unless more of it
is lost.
"""

import logging
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from trading.events import _core
from trading.events._codec.micros import from_micros
from trading.events.errors import StoreError
from trading.events.persistence.encoding import peek_row
from trading.events.persistence.parquet.journal.journal import DAMAGED, OLDER_DAMAGED, open_segments
from trading.events.persistence.parquet.sealing.quarantine import write_quarantined
from trading.events.persistence.parquet.store.checked_file import read_rows
from trading.events.persistence.parquet.store.layout import day_folder, journal_folder
from trading.events.persistence.parquet.store.manifest import Manifest, read_manifest
from trading.events.persistence.schema.stored_schema import SEQ

_NAME = re.compile(rf"(\d{{20}}\.segment){re.escape(OLDER_DAMAGED)}")

_log = logging.getLogger("trading.events.persistence")


def take_left(base_path: Path) -> None:
    """Quarantines the rows that earlier releases left; a segment that cannot be read is logged, and left."""
    for path in sorted(journal_folder(base_path).glob(f"*{OLDER_DAMAGED}")):
        if (found := _NAME.fullmatch(path.name)) is None:
            continue
        try:
            _take(base_path, path, found[1])
        except (OSError, ValueError, StoreError, pa.ArrowException) as error:
            _log.error("%s holds rows that could not be taken from it: %s", path, error)


def _take(base_path: Path, path: Path, name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / name).symlink_to(path)
        [segment] = _core.open_segments(folder)
    rows = segment.read()
    write_quarantined(base_path, list(_left(base_path, segment.number, rows)), rows)
    if rows.damaged or rows.torn_bytes:
        path.rename(path.with_name(name + DAMAGED))
    else:
        path.unlink()


def _left(base_path: Path, number: int, rows: _core.SegmentRows) -> Iterator[int]:
    """The rows that are in no file, though their day's manifest says that the segment is sealed."""
    elsewhere = {seq for segment in open_segments(base_path) for seq, _ in _all(segment.read())}
    days: dict[Path, tuple[Manifest | None, set[int]]] = {}
    for index, (seq, payload) in enumerate(_all(rows)):
        micros = peek_row(payload).micros
        if seq in elsewhere:
            continue
        try:
            day = None if micros is None else from_micros(micros).date()
        except OverflowError:
            day = None
        if day is None:  # no file can hold it
            yield index
            continue
        folder = day_folder(base_path, day)
        if folder not in days:
            days[folder] = _read_day(folder, rows)
        manifest, sealed = days[folder]
        if manifest is not None and manifest.has_sealed(number) and seq not in sealed:
            yield index


def _read_day(folder: Path, rows: _core.SegmentRows) -> tuple[Manifest | None, set[int]]:
    """A day's manifest, if it has one, and the sequence numbers in its files that overlap those of some rows."""
    try:
        manifest = read_manifest(folder)
    except FileNotFoundError:
        return None, set()
    seqs = [seq for seq, _ in _all(rows)]
    sealed = set[int]()
    for file in manifest.files:
        if file.first_seq <= max(seqs) and file.last_seq >= min(seqs):
            sealed.update(read_rows(folder / file.name, file.crc32c).column(SEQ).to_pylist())
    return manifest, sealed


def _all(rows: _core.SegmentRows) -> Iterator[tuple[int, bytes]]:
    return (rows.slice(index, index + 1)[0] for index in range(len(rows)))
