"""One Parquet file of a store, or the rows of one day and topic that are not in a file yet, as a reader sees them."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from trading.events.errors import CorruptFileError, VanishedFileError
from trading.events.persistence.layout import name_part, read_part_name
from trading.events.persistence.schema import CONVERSION_ERRORS
from trading.events.persistence.selection import Selection, day_span
from trading.events.persistence.stored_schema import FileTopic, StoredColumns, arrow_schema, read_description
from trading.events.persistence.tabulation import TopicTable

_BUFFER_BYTES = 16_384


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


@dataclass(frozen=True, slots=True)
class RowGroup:
    """A run of rows.

    Attributes:
        index: Its place in the file.
        rows: How many.
        first: Least timestamp, in microseconds since 1970.
        last: Greatest timestamp.
    """

    index: int
    rows: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Part:
    """What the footer of a file says.

    Attributes:
        path: The file.
        size_bytes: Its size.
        topic: Whose events it holds.
        columns: How it holds them.
        groups: Its row groups that hold rows.
    """

    path: Path
    size_bytes: int
    topic: FileTopic
    columns: StoredColumns
    groups: tuple[RowGroup, ...]

    @property
    def first(self) -> int:
        """Least timestamp, in microseconds since 1970."""
        return min(group.first for group in self.groups)

    @property
    def last(self) -> int:
        """Greatest timestamp."""
        return max(group.last for group in self.groups)

    def groups_in(self, selection: Selection) -> list[RowGroup]:
        """The row groups that may hold rows of a range of time."""
        return [group for group in self.groups if selection.overlaps(group.first, group.last)]

    def batches(
        self, groups: list[RowGroup], *, rows: int, open_files: OpenFiles, names: list[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """The rows of some row groups, in batches of at most `rows`; of all columns if none are named.

        Raises:
            VanishedFileError: The file is not there any more.
            CorruptFileError: The file is not as its footer says.
        """
        left = sum(group.rows for group in groups)
        if not left:
            return
        scan = _Scan(self.path, [group.index for group in groups], rows, names or arrow_schema(self.columns).names)
        with naming(self.path):
            for batch in scan.whole() if left <= rows else scan.batches(open_files):
                left -= batch.num_rows
                yield batch
            if left:
                raise ValueError(f"{left} of its rows are missing")


@dataclass(frozen=True, slots=True)
class UnsealedPart(Part):
    """Rows of a segment of the journal, which is their path; there is one group of them, in memory."""

    table: pa.Table

    def batches(
        self,
        groups: list[RowGroup],
        *,
        rows: int,
        open_files: OpenFiles,  # noqa: ARG002 - no file is opened for them
        names: list[str] | None = None,
    ) -> Iterator[pa.RecordBatch]:
        """The rows, in batches of at most `rows`; of all columns if none are named."""
        if groups:
            table = self.table if names is None else self.table.select(names)
            yield from table.combine_chunks().to_batches(max_chunksize=rows)


@dataclass(frozen=True, slots=True)
class _Scan:
    """A pass over some row groups of a file."""

    path: Path
    groups: list[int]
    rows: int
    names: list[str]

    def whole(self) -> Iterator[pa.RecordBatch]:
        with _open_parquet(self.path) as file:
            batches = list(self._iterate(file))
        yield from batches

    def batches(self, open_files: OpenFiles) -> Iterator[pa.RecordBatch]:
        if not open_files.acquire():
            yield from self._reopening()
            return
        try:
            with _open_parquet(self.path) as file:
                yield from self._iterate(file)
        finally:
            open_files.release()

    def _reopening(self) -> Iterator[pa.RecordBatch]:
        index = 0
        while (batch := self._batch(index)) is not None:
            yield batch
            index += 1

    def _batch(self, index: int) -> pa.RecordBatch | None:
        with _open_parquet(self.path) as file:
            return next(islice(self._iterate(file), index, None), None)

    def _iterate(self, file: pq.ParquetFile) -> Iterator[pa.RecordBatch]:
        return file.iter_batches(self.rows, row_groups=self.groups, columns=self.names)


def read_part(path: Path, day: date, size_bytes: int) -> Part:
    """Reads the footer of a file in a day's folder.

    Raises:
        VanishedFileError: It is not there.
        CorruptFileError: It is no file of a store, is broken, has another size, or lies in the wrong place.
    """
    with naming(path):
        if (found_bytes := path.stat().st_size) != size_bytes:
            raise ValueError(f"it has {found_bytes} bytes, and {size_bytes} were written")
        with _open_parquet(path) as file:
            topic, columns = read_description(file.schema_arrow)
            groups = tuple(_read_groups(file.metadata))
        name = read_part_name(path.name)
        expected = name_part(topic.event_type, topic.exchange, topic.symbol)
        if name is None or name[:-1] != expected[:-1]:
            raise ValueError(f"its name does not say what it holds, which would be {expected}")
        first, last = day_span(day)
        if any(group.first < first or group.last > last for group in groups):
            raise ValueError(f"it holds events of other days than {day}")
        return Part(path, size_bytes, topic, columns, groups)


def read_rows(path: Path) -> pa.Table:
    """All rows of a file.

    Raises:
        OSError, pyarrow.ArrowException: It cannot be read.
    """
    with _open_parquet(path) as file:
        return file.read()


def unsealed_part(path: Path, topic: TopicTable, table: pa.Table) -> Part:
    """The part that rows of a segment make before they are sealed; their table has some."""
    times = table.column("timestamp").cast(pa.int64())
    group = RowGroup(0, table.num_rows, times[0].as_py(), times[-1].as_py())
    columns = {column.name: column.stored for column in topic.schema.columns}
    name = FileTopic(event_type=topic.schema.event_type, exchange=topic.exchange, symbol=topic.symbol)
    return UnsealedPart(path, table.nbytes, name, columns, (group,), table)


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


def _open_parquet(path: Path) -> pq.ParquetFile:
    return pq.ParquetFile(path, page_checksum_verification=True, buffer_size=_BUFFER_BYTES)


def _read_groups(footer: pq.FileMetaData) -> Iterator[RowGroup]:
    column = footer.schema.names.index("timestamp")
    for index in range(footer.num_row_groups):
        group = footer.row_group(index)
        if group.num_rows:
            statistics = group.column(column).statistics
            if statistics is None or not statistics.has_min_max:
                raise ValueError("its footer does not say which times it holds")
            yield RowGroup(index, group.num_rows, statistics.min_raw, statistics.max_raw)
