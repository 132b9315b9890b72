"""Verification: reads every byte of a store, and names each file that is not as it was written."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from os import PathLike
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from trading.events._core import Segment
from trading.events.errors import CorruptFileError, StoreError
from trading.events.persistence.parquet.journal.journal import damaged_segments, open_segments
from trading.events.persistence.parquet.reading.part import read_part
from trading.events.persistence.parquet.sealing.quarantine import describe_quarantined
from trading.events.persistence.parquet.store.checked_file import naming, read_rows
from trading.events.persistence.parquet.store.import_notes import ImportNotes
from trading.events.persistence.parquet.store.layout import day_folder, journal_folder, list_days, list_parts
from trading.events.persistence.parquet.store.manifest import NAME, SealedFile, read_manifest
from trading.events.persistence.parquet.store.origin import find_merged, is_sealed_again
from trading.events.persistence.parquet.store.store_path import existing_store
from trading.events.persistence.schema.stored_schema import SEQ


@dataclass(frozen=True, slots=True)
class Fault:
    """Something in a store that is not as it was written.

    Attributes:
        path: The file.
        reason: The fault.
    """

    path: Path
    reason: str


def verify(base_path: str | PathLike[str]) -> Iterator[Fault]:
    """Reads all of a store and yields its faults: in checksums, footers, order, sequence, manifests, journal.

    The unfinished work of a writer, a compaction or a removal of days, running or killed, is no fault:
    nothing is lost by it, no reader takes it for more than it is, and the next one finishes it.

    Raises:
        StorePathError: There is no such folder, or it is no store.
    """
    base_path = existing_store(base_path)
    segments = frozenset[int]()
    try:
        held = open_segments(base_path)
        segments = frozenset(segment.number for segment in held)
        yield from _verify_journal(base_path, held)
    except StoreError as error:
        yield Fault(journal_folder(base_path), str(error))
    yield from (Fault(error.path, str(error)) for error in ImportNotes(base_path).faults())
    try:
        with naming(base_path):
            days = list_days(base_path)
    except CorruptFileError as error:
        yield Fault(error.path, str(error))
        return
    for day in days:
        yield from _verify_day(base_path, day, segments)


def _verify_day(base_path: Path, day: date, segments: frozenset[int]) -> Iterator[Fault]:
    folder = day_folder(base_path, day)
    try:
        files = read_manifest(folder).files
        if not files:
            return  # a day that is being removed
    except FileNotFoundError:
        files = ()
        if not all(is_sealed_again(path, segments) for path in list_parts(folder)):
            yield Fault(folder, f"it has files but no {NAME}, which says which of them count")
    except CorruptFileError as error:
        yield Fault(error.path, str(error))
        return
    seqs: list[pa.ChunkedArray] = []
    for file in files:
        try:
            seqs.append(_verify_file(folder, day, file))
        except CorruptFileError as error:
            yield Fault(error.path, str(error))
    if repeated := _count_repeated(seqs):
        yield Fault(folder, f"{repeated} events of this day are there more than once, by their {SEQ}")
    names = {file.name for file in files}
    strays = [path for path in list_parts(folder) if path.name not in names]
    undone = find_merged(folder, names, strays)
    for path in strays:
        if path not in undone and not is_sealed_again(path, segments):
            yield Fault(path, f"the day's {NAME} does not name it, so it does not count")


def _verify_file(folder: Path, day: date, file: SealedFile) -> pa.ChunkedArray:
    """Verifies one file and returns its sequence numbers."""
    path = folder / file.name
    with naming(path):
        table = read_rows(path, file.crc32c)
        read_part(path, day, file.size_bytes)
        times, seqs = table.column("timestamp").cast(pa.int64()), table.column(SEQ)
        keys = list(zip(times.to_pylist(), seqs.to_pylist(), strict=True))
        if keys != sorted(set(keys)):
            raise ValueError("its rows are not in the order of time and recording")
        numbers = [seq for _, seq in keys]
        said = (file.rows, file.first, file.last, file.first_seq, file.last_seq)
        if not keys or said != (len(keys), keys[0][0], keys[-1][0], min(numbers), max(numbers)):
            raise ValueError(f"it does not hold what the day's {NAME} says")
        return seqs


def _count_repeated(seqs: list[pa.ChunkedArray]) -> int:
    chunks = [chunk for each in seqs for chunk in each.chunks]
    together = pa.chunked_array(chunks, pa.int64())
    distinct: int = pc.count_distinct(together).as_py()
    return len(together) - distinct


def _verify_journal(base_path: Path, segments: Iterable[Segment]) -> Iterator[Fault]:
    for segment in segments:
        yield from (Fault(segment.path, reason) for reason in _verify_segment(segment))
    yield from (Fault(error.path, str(error)) for error in damaged_segments(base_path))


def _verify_segment(segment: Segment) -> Iterator[str]:
    try:
        rows, quarantined = segment.read(), describe_quarantined(segment)
    except OSError as error:
        yield str(error)
        return
    yield from (f"bytes {start} to {end} are damaged" for start, end in rows.damaged)
    if rows.torn_bytes:
        yield f"its last {rows.torn_bytes} bytes are no whole row"
    yield from (each.say() for each in quarantined)
