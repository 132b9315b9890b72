"""Parquet as rows, in batches."""

from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from trading.events.errors import ImportFileError
from trading.events.importing.rows.rows import RefusedRow, Row

_BATCH_ROWS = 8_192
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_US_PER_UNIT = {"us": 1, "ms": 1_000, "s": 1_000_000}


class ParquetRows:
    """The rows of a Parquet file, of which at most one batch is in memory.

    Args:
        path: The file.

    Raises:
        ImportFileError: It is no Parquet file.
    """

    line_word = "row"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0
        with self._arrow_errors():
            self._file = pq.ParquetFile(path, page_checksum_verification=True)
        self.columns: Sequence[str] = list(self._file.schema_arrow.names)
        self._total: int = max(1, self._file.metadata.num_rows)

    @contextmanager
    def _arrow_errors(self) -> Generator[None, None, None]:
        try:
            yield
        except (pa.ArrowException, OSError) as wrong:
            reason = " ".join(str(wrong).split())
            raise ImportFileError(f"{self._path}: unreadable after row {self._read:,}: {reason}") from wrong

    @property
    def fraction_read(self) -> float:
        """Fraction of the file that has been read, from 0 to 1."""
        return min(1.0, self._read / self._total)

    def rows(self, columns: Collection[str]) -> Iterator[Row | RefusedRow]:
        """Every row, with just these columns.

        Raises:
            ImportFileError: The file cannot be read any further.
        """
        names = list(columns)
        with self._arrow_errors():
            for batch in self._file.iter_batches(_BATCH_ROWS, columns=names):
                cells = [_cells(batch.column(name)) for name in names]
                for row in zip(*cells, strict=True):
                    self._read += 1
                    yield Row(self._read, dict(zip(names, row, strict=True)))

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


def _cells(column: Any) -> list[object]:
    """The values of an Arrow array as Python objects that have lost nothing and gained nothing."""
    kind = column.type
    if pa.types.is_timestamp(kind):
        return [_moment(value, kind.unit) for value in column.cast(pa.int64()).to_pylist()]
    if pa.types.is_float32(kind):
        # As a double, a float of seven digits would show eight more that are noise.
        column = column.cast(pa.string())
    cells: list[object] = column.to_pylist()
    return cells


def _moment(value: int | None, unit: str) -> datetime | str | None:
    """A time of Arrow, in UTC; its text where no datetime can hold it, for the row to be refused by."""
    if value is None:
        return None
    microseconds = value // 1_000 if unit == "ns" else value * _US_PER_UNIT[unit]
    try:
        return _EPOCH + microseconds * _MICROSECOND
    except OverflowError:
        return f"{value} {unit} since 1970"
