"""CSV as rows: one line, one row."""

import csv
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from trading.events.errors import ImportFileError
from trading.events.importing.cells import shown
from trading.events.importing.rows.rows import RefusedRow, Row
from trading.events.importing.rows.text_lines import TextLines

DELIMITERS = ",;\t|"


class CsvRows:
    """The rows of a CSV file. A cell cannot hold a line break, so a stray quote spoils its own line and no other.

    Args:
        path: The file, for messages.
        lines: Its lines.
        header: The names of the columns of a file whose first line is data already. By default the first line that is
            not blank names them.
        delimiter: What stands between two cells; by default the likeliest of `,`, `;`, tab and `|`, by the first line.

    Raises:
        ImportFileError: There is no header, or it is not one.
    """

    line_word = "line"

    def __init__(
        self, path: Path, lines: TextLines, *, header: Sequence[str] | None = None, delimiter: str | None = None
    ) -> None:
        self._path = path
        self._lines = lines
        self._stream = iter(lines)
        first = next((line for line in self._stream if line.strip()), None)
        if first is None:
            raise ImportFileError(f"{path} is empty")
        self._delimiter = delimiter or max(DELIMITERS, key=first.count)
        if header is None:
            self.columns: Sequence[str] = self._read_header(first)
        else:
            self.columns = list(header)
            self._stream = _with_first(first, self._stream)

    def _read_header(self, line: str) -> list[str]:
        try:
            names = [cell.strip() for cell in self._split(line)]
        except csv.Error as wrong:
            raise ImportFileError(f"{self._path}: line {self._lines.line}: no header: {wrong}") from None
        if not any(character.isalpha() for name in names for character in name):
            raise ImportFileError(
                f"{self._path}: line {self._lines.line} is data where the names of the columns were expected: "
                f"{shown(line.strip())}; name them with --header NAME,NAME,..."
            )
        return names

    def _split(self, line: str) -> list[str]:
        return next(csv.reader([line], delimiter=self._delimiter, strict=True))

    @property
    def fraction_read(self) -> float:
        """Fraction of the file that has been read, from 0 to 1."""
        return self._lines.fraction_read

    def rows(self, columns: Collection[str]) -> Iterator[Row | RefusedRow]:  # noqa: ARG002 - a line is read whole
        """Every row that is not blank.

        Raises:
            ImportFileError: The file cannot be read any further.
        """
        width = len(self.columns)
        for line in self._stream:
            if not line.strip():
                continue
            try:
                cells = self._split(line)
            except csv.Error as wrong:
                yield RefusedRow(self._lines.line, f"{shown(line.strip())} is no CSV: {wrong}")
                continue
            if len(cells) == width:
                yield Row(self._lines.line, dict(zip(self.columns, cells, strict=True)))
            else:
                yield RefusedRow(self._lines.line, f"it has {len(cells)} cells, the header has {width}")

    def close(self) -> None:
        """Closes the file."""
        self._lines.close()


def _with_first(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest
