"""JSON lines as rows: one object a line."""

import json
from collections.abc import Collection, Iterator, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import NoReturn, cast

from trading.events._models.decimals import WIDE
from trading.events.errors import ImportFileError
from trading.events.importing.cells import shown
from trading.events.importing.rows.rows import RefusedRow, Row
from trading.events.importing.rows.text_lines import TextLines


class JsonRows:
    """The objects of a file of JSON lines. Numbers keep every digit that is written.

    Args:
        path: The file, for messages.
        lines: Its lines.

    Raises:
        ImportFileError: The first line is no JSON object, so that there are no columns.
    """

    line_word = "line"

    def __init__(self, path: Path, lines: TextLines) -> None:
        self._lines = lines
        self._stream = self._read()
        first = next(self._stream, None)
        if not isinstance(first, Row):
            reason = "there is none" if first is None else first.reason
            raise ImportFileError(f"{path}: the first line must be a JSON object: {reason}")
        self._first = first
        self.columns: Sequence[str] = list(first.cells)

    def _read(self) -> Iterator[Row | RefusedRow]:
        for line in self._lines:
            if not line.strip():
                continue
            try:
                yield Row(self._lines.line, _read_object(line))
            except (ValueError, RecursionError) as wrong:
                yield RefusedRow(self._lines.line, f"{shown(line.strip())} is no JSON object: {wrong}")

    @property
    def fraction_read(self) -> float:
        """Fraction of the file that has been read, from 0 to 1."""
        return self._lines.fraction_read

    def rows(self, columns: Collection[str]) -> Iterator[Row | RefusedRow]:
        """Every object that has these columns.

        Raises:
            ImportFileError: The file cannot be read any further.
        """
        yield self._first
        for row in self._stream:
            missing = [] if isinstance(row, RefusedRow) else [name for name in columns if name not in row.cells]
            yield RefusedRow(row.line, f"it has no {', '.join(map(shown, missing))}") if missing else row

    def close(self) -> None:
        """Closes the file."""
        self._lines.close()


def _read_object(line: str) -> dict[str, object]:
    value: object = json.loads(line, parse_float=_read_decimal, parse_constant=_refuse_constant)
    if not isinstance(value, dict):
        raise ValueError("it is another kind of value")  # noqa: TRY004 - a bad value, not a bad argument
    return cast("dict[str, object]", value)


def _read_decimal(text: str) -> Decimal:
    try:
        return Decimal(text, WIDE)
    except InvalidOperation:
        raise ValueError(f"{shown(text)} is beyond all numbers") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
