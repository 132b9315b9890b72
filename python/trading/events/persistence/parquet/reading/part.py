"""One Parquet file of a store, as a reader sees it."""

from collections.abc import Container, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from trading.events.persistence.parquet.store.checked_file import naming, open_parquet
from trading.events.persistence.parquet.store.footer import Footer, RowGroup, read_footer
from trading.events.persistence.parquet.store.manifest import NAME as MANIFEST
from trading.events.persistence.parquet.store.manifest import SealedFile
from trading.events.persistence.schema.stored_schema import choose_fields, column_names
from trading.events.persistence.selection import Selection

_THREADED_ROWS = 16_384
"""Least number of rows for which it pays to read the columns in several threads."""


class OpenFiles:
    """Counts the files that are kept open between batches, so that there are never more than a limit."""

    def __init__(self, limit: int) -> None:
        self._free = limit

    def acquire(self) -> bool:
        """Returns whether one more may be kept open; if so, `release` must follow."""
        if not self._free:
            return False
        self._free -= 1
        return True

    def release(self) -> None:
        """Notes that a file has been closed."""
        self._free += 1


@dataclass(slots=True)
class Part:
    """A file of a day. It is opened when its footer or its rows are needed.

    Attributes:
        path: The file.
        day: The day of its events, in UTC.
        size_bytes: Its size.
        rows: The number of its events, as the manifest says.
        first: Their least timestamp, in microseconds since 1970.
        last: Their greatest timestamp.
        sealed: Its entry in the manifest; None where nothing is known of it but its size.
    """

    path: Path
    day: date
    size_bytes: int
    rows: int
    first: int
    last: int
    sealed: SealedFile | None
    _footer: Footer | None = field(default=None, repr=False)

    def footer(self) -> Footer:
        """The footer of the file.

        Raises:
            VanishedFileError: It is not there any more.
            CorruptFileError: It is no file of a store, is broken, or lies in the wrong place.
        """
        if self._footer is None:
            with naming(self.path), self._open() as file:
                self._take_footer(file)
        return self._known_footer()

    def batches(
        self, selection: Selection, *, rows: int, open_files: OpenFiles, names: Sequence[str] | None = None
    ) -> Generator[pa.RecordBatch]:
        """The rows of the row groups that may hold selected ones, in order, at most `rows` at a time.

        Args:
            selection: The selection.
            rows: Most rows of a batch.
            open_files: Decides whether the file stays open between two batches, or is opened again.
            names: The columns; by default all that are described.

        Raises:
            VanishedFileError: The file is not there any more.
            CorruptFileError: It is not as its footer says.
        """
        with naming(self.path):
            yield from self._scan(selection, rows, open_files, names)

    def table(self, fields: Container[str] | None = None) -> pa.Table:
        """All rows at once.

        Args:
            fields: The fields whose columns are read beside the timestamp; by default all that are described.

        Raises:
            VanishedFileError: The file is not there any more.
            CorruptFileError: It is not as its footer says.
        """
        with naming(self.path), self._open(is_whole=True) as file:
            self._take_footer(file)
            return file.read(columns=column_names(choose_fields(self._known_footer().columns, fields)))

    def _known_footer(self) -> Footer:
        if self._footer is None:
            raise LookupError("the footer has not been read")
        return self._footer

    def _take_footer(self, file: pq.ParquetFile) -> None:
        if self._footer is None:
            footer = read_footer(file, self.path, self.day)
            if self.sealed is not None and not footer.says(self.rows, self.first, self.last):
                raise ValueError(f"it does not hold what the day's {MANIFEST} says")
            self._footer = footer

    def _open(self, *, is_whole: bool = False) -> pq.ParquetFile:
        """Opens the file, whose footer is checked before it is parsed for the first time."""
        sealed = self.sealed
        return open_parquet(
            self.path,
            self.size_bytes,
            checksum=None if sealed is None else sealed.crc32c,
            footer=None if sealed is None or self._footer is not None else sealed.footer_crc32c,
            is_whole=is_whole,
        )

    def _scan(
        self, selection: Selection, rows: int, open_files: OpenFiles, names: Sequence[str] | None
    ) -> Generator[pa.RecordBatch]:
        file: pq.ParquetFile | None = None
        stays_open = False
        try:
            file = self._open()
            self._take_footer(file)
            footer = self._known_footer()
            groups = footer.groups_in(selection)
            columns = column_names(footer.columns) if names is None else names
            stays_open = sum(group.rows for group in groups) > rows and open_files.acquire()
            for group in groups:
                batches: Iterator[pa.RecordBatch] | None = None
                done = 0
                while done < group.rows:
                    file = file or self._open()
                    batches = batches or _skip(_iterate(file, group, rows, columns), done)
                    batch = next(batches, None)
                    if batch is None:
                        raise ValueError(f"{group.rows - done} of its rows are missing")
                    done += batch.num_rows
                    if not stays_open or (done == group.rows and group is groups[-1]):
                        file.close()
                        file = batches = None  # what has been closed keeps its memory until it is forgotten
                    handed = [batch]
                    del batch
                    yield handed.pop()  # nor is the batch kept here until the next one is wanted
        finally:
            if file is not None:
                file.close()
            if stays_open:
                open_files.release()


def read_part(path: Path, day: date, size_bytes: int) -> Part:
    """Reads the footer of a file in a day's folder.

    Raises:
        VanishedFileError: It is not there.
        CorruptFileError: It is no file of a store, is broken, has another size, or lies in the wrong place.
    """
    part = find_part(path, day, size_bytes=size_bytes, sealed=None)
    groups = part.footer().groups
    part.rows = sum(group.rows for group in groups)
    if groups:
        part.first, part.last = min(group.first for group in groups), max(group.last for group in groups)
    return part


def find_part(path: Path, day: date, *, size_bytes: int, sealed: SealedFile | None) -> Part:
    """A file that the manifest names. Its size is checked; it is not opened.

    Raises:
        VanishedFileError: It is not there.
        CorruptFileError: It has another size.
    """
    with naming(path):
        if (found_bytes := path.stat().st_size) != size_bytes:
            raise ValueError(f"it has {found_bytes} bytes, and {size_bytes} were written")
    rows, first, last = (0, 0, 0) if sealed is None else (sealed.rows, sealed.first, sealed.last)
    return Part(path, day, size_bytes, rows, first, last, sealed)


def _iterate(file: pq.ParquetFile, group: RowGroup, rows: int, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    threads = min(group.rows, rows) >= _THREADED_ROWS
    return file.iter_batches(rows, row_groups=[group.index], columns=columns, use_threads=threads)


def _skip(batches: Iterator[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    """Skips whole batches with so many rows."""
    while rows > 0:
        batch = next(batches, None)
        if batch is None or batch.num_rows > rows:
            raise ValueError("it is not what it was when it was opened before")
        rows -= batch.num_rows
    return batches
