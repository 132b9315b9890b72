"""Opening a market data file as rows, whatever kind of file it is."""

import os
from collections.abc import Sequence
from pathlib import Path

from trading.events.errors import ImportFileError
from trading.events.importing.rows.csv_rows import CsvRows
from trading.events.importing.rows.json_rows import JsonRows
from trading.events.importing.rows.parquet_rows import ParquetRows
from trading.events.importing.rows.rows import RowSource
from trading.events.importing.rows.text_lines import TextLines

_PARQUET = b"PAR1"


def open_rows(
    path: str | os.PathLike[str], *, header: Sequence[str] | None = None, delimiter: str | None = None
) -> RowSource:
    """The rows of a file, whose kind is told by its first bytes and not by its name.

    Args:
        path: The file: Parquet, CSV or JSON lines; text also gzipped or alone in a zip archive.
        header: The names of the columns of a CSV file that has no header.
        delimiter: What stands between two cells of CSV; by default the likeliest by its first line.

    Raises:
        ImportFileError: The file cannot be opened, or is of no kind that is known.
    """
    path = Path(path)
    try:
        if not path.exists():
            raise ImportFileError(f"{path} does not exist")
        if not path.is_file():
            raise ImportFileError(f"{path} is no regular file")
        with path.open("rb") as file:
            magic = file.read(len(_PARQUET))
        if not magic:
            raise ImportFileError(f"{path} is empty")
        return ParquetRows(path) if magic == _PARQUET else _open_text(path, header=header, delimiter=delimiter)
    except OSError as wrong:
        raise ImportFileError(f"{path} cannot be opened: {wrong.strerror or wrong}") from wrong


def _open_text(path: Path, *, header: Sequence[str] | None, delimiter: str | None) -> RowSource:
    lines = TextLines(path)
    try:
        start = lines.peek()
        if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
            return JsonRows(path, lines)
        if not start.startswith(_PARQUET):
            return CsvRows(path, lines, header=header, delimiter=delimiter)
    except BaseException:
        lines.close()
        raise
    lines.close()
    raise ImportFileError(f"{path} holds a Parquet file; unpack it first")
