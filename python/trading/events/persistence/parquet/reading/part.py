"""One Parquet file of a store, or the rows of one day and topic that are not in a file yet, as a reader sees them."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from trading.events import _core
from trading.events.errors import CorruptFileError, VanishedFileError
from trading.events.persistence.parquet.journal.journal_tables import TopicTable
from trading.events.persistence.parquet.store.footer import Footer, RowGroup, footer_checksum, read_footer
from trading.events.persistence.parquet.store.manifest import NAME as MANIFEST
from trading.events.persistence.parquet.store.manifest import SealedFile
from trading.events.persistence.schema.event_schema import CONVERSION_ERRORS
from trading.events.persistence.schema.stored_schema import column_names
from trading.events.persistence.selection import Selection

_SMALL_BYTES = 2**20
"""A file up to this size is read at once, which is faster than a column at a time, and its checksum compared."""

_CHECKSUM = "its checksum is not the one that it was written with"
_BUFFER_BYTES = 65_536
_THREADED_ROWS = 16_384
"""From so many rows on it pays to read the columns in several threads."""


class OpenFiles:
    """Counts the files that are kept open between batches, so that there are never more than a limit."""

    def __init__(self, limit: int) -> None:
        self._free = limit

    def acquire(self) -> bool:
        """Whether one more may be kept open; if so, `release` must follow."""
        if not self._free:
            return False
        self._free -= 1
        return True

    def release(self) -> None:
        """One has been closed."""
        self._free += 1


@dataclass(slots=True)
class Part:
    """A file of a day. It is opened when something is asked that only it knows.

    Attributes:
        path: The file.
        day: Whose events it holds.
        size_bytes: Its size.
        rows: How many events it holds, as the manifest says.
        first: Their least timestamp, in microseconds since 1970.
        last: Their greatest timestamp.
        sealed: What the manifest says of it; None where nothing is known of it but its size.
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
        """What the file says of itself.

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
            selection: What is selected.
            rows: Most rows of a batch.
            open_files: Decides whether the file stays open between two batches, or is opened again.
            names: Which columns; by default all that are described.

        Raises:
            VanishedFileError: The file is not there any more.
            CorruptFileError: It is not as its footer says.
        """
        with naming(self.path):
            yield from self._scan(selection, rows, open_files, names)

    def table(self) -> pa.Table:
        """All rows of the columns that are described, at once.

        Raises:
            VanishedFileError: The file is not there any more.
            CorruptFileError: It is not as its footer says.
        """
        with naming(self.path), self._open(is_whole=True) as file:
            self._take_footer(file)
            return file.read(columns=column_names(self._known_footer().columns))

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
        """Opens the file; before a large one is parsed for the first time the checksum of its footer is compared."""
        said = None if self.sealed is None or self._footer is not None else self.sealed.footer_crc32c
        if said is not None and self.size_bytes > _SMALL_BYTES:
            with self.path.open("rb") as file:
                if footer_checksum(file) != said:
                    raise ValueError(f"{_CHECKSUM}, in its footer")
        checksum = None if self.sealed is None else self.sealed.crc32c
        return _open_parquet(self.path, self.size_bytes, checksum, is_whole=is_whole)

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


@dataclass(slots=True)
class UnsealedPart(Part):
    """Rows of a segment of the journal, which is their path; there is one group of them, in memory."""

    unsealed: pa.Table = field(kw_only=True, repr=False)

    def batches(
        self,
        selection: Selection,
        *,
        rows: int,
        open_files: OpenFiles,  # noqa: ARG002 - no file is opened for them
        names: Sequence[str] | None = None,
    ) -> Generator[pa.RecordBatch]:
        """The rows, at most `rows` at a time."""
        if self.footer().groups_in(selection):
            table = self.unsealed if names is None else self.unsealed.select(names)
            yield from table.combine_chunks().to_batches(max_chunksize=rows)

    def table(self) -> pa.Table:
        """All rows."""
        return self.unsealed


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
    """A file of which the manifest says so much. It is looked for, and not opened.

    Raises:
        VanishedFileError: It is not there.
        CorruptFileError: It has another size.
    """
    with naming(path):
        if (found_bytes := path.stat().st_size) != size_bytes:
            raise ValueError(f"it has {found_bytes} bytes, and {size_bytes} were written")
    rows, first, last = (0, 0, 0) if sealed is None else (sealed.rows, sealed.first, sealed.last)
    return Part(path, day, size_bytes, rows, first, last, sealed)


def read_rows(path: Path, checksum: int) -> pa.Table:
    """All rows of a file, if it has this checksum.

    Raises:
        OSError, pyarrow.ArrowException: It cannot be read.
        ValueError: It has another one.
    """
    data = path.read_bytes()
    if _core.crc32c(data) != checksum:
        raise ValueError(_CHECKSUM)
    with pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True) as file:
        return file.read()


def unsealed_part(path: Path, topic: TopicTable, table: pa.Table) -> Part:
    """The part that rows of a segment make before they are sealed; their table has some."""
    times = table.column("timestamp").cast(pa.int64())
    first, last = times[0].as_py(), times[-1].as_py()
    columns = {column.name: column.stored for column in topic.schema.columns}
    footer = Footer(topic.file_topic, columns, (RowGroup(0, table.num_rows, first, last),))
    return UnsealedPart(path, topic.day, table.nbytes, table.num_rows, first, last, None, footer, unsealed=table)


@contextmanager
def naming(path: Path) -> Generator[None]:
    """Turns whatever goes wrong with a file into an error that names the file.

    Raises:
        VanishedFileError: It is not there.
        CorruptFileError: Something else went wrong.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise VanishedFileError(path, "it has vanished since it was listed") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise CorruptFileError(path, f"{first['msg']}, at {first['loc']}: {first['input']!r:.200}") from error
    except (OSError, MemoryError, *CONVERSION_ERRORS) as error:
        raise CorruptFileError(path, str(error) or type(error).__name__) from error


def _open_parquet(path: Path, size_bytes: int, checksum: int | None, *, is_whole: bool = False) -> pq.ParquetFile:
    if size_bytes <= _SMALL_BYTES:
        data = path.read_bytes()
        if checksum is not None and _core.crc32c(data) != checksum:
            raise ValueError(_CHECKSUM)
        return pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True, pre_buffer=False)
    if is_whole:
        return pq.ParquetFile(path, page_checksum_verification=True, pre_buffer=True)
    return pq.ParquetFile(path, page_checksum_verification=True, buffer_size=_BUFFER_BYTES)


def _iterate(file: pq.ParquetFile, group: RowGroup, rows: int, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    threads = min(group.rows, rows) >= _THREADED_ROWS
    return file.iter_batches(rows, row_groups=[group.index], columns=columns, use_threads=threads)


def _skip(batches: Iterator[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    """The batches after the first so many rows, which were batches of their own once."""
    while rows > 0:
        batch = next(batches, None)
        if batch is None or batch.num_rows > rows:
            raise ValueError("it is not what it was when it was opened before")
        rows -= batch.num_rows
    return batches
