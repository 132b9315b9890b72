"""A row of a market data file, and what every kind of file can do with its rows."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Row:
    """One row: where it stands, and its cells by column."""

    line: int
    """The line that it begins on, from 1; in a Parquet file the row, from 1."""

    cells: Mapping[str, object]
    """A row of the file, not yet interpreted. A cell that is empty in the file is None, or ''."""


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that became no event, and why."""

    line: int
    """The line that it begins on, from 1; in a Parquet file the row, from 1."""

    reason: str
    """Reason of the refusal."""

    rows: int = 1
    """Number of rows that are refused with it: a book is refused whole."""


class RowSource(Protocol):
    """An open market data file."""

    @property
    def columns(self) -> Sequence[str]:
        """The names of its columns, in their order."""
        ...

    @property
    def line_word(self) -> str:
        """Name of a row's place: `line` or `row`."""
        ...

    @property
    def fraction_read(self) -> float:
        """Fraction of the file that has been read, from 0 to 1."""
        ...

    def rows(self, columns: Collection[str]) -> Iterator[Row | RefusedRow]:
        """The rows with at least these columns, in their order; once.

        Raises:
            ImportFileError: The file cannot be read any further.
        """
        ...

    def close(self) -> None:
        """Closes the file."""
        ...
