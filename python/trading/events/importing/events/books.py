"""Order books out of rows, where a row is one level and a book is many."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from trading.events._codec.from_table.plan import TIMES
from trading.events.base import BaseEvent
from trading.events.errors import ImportFileError
from trading.events.importing.cells import (
    read_integer,
    read_side,
    read_text,
    shown,
)
from trading.events.importing.events.events import NAMES, is_empty, reason_of
from trading.events.importing.rows.file_facts import FileFacts
from trading.events.importing.rows.rows import RefusedRow, Row
from trading.events.market_data import BookLevel, OrderBookEvent

MAX_LEVELS = 100_000
"""No book has more levels: rows that never change their time are no book."""

NO_SEQUENCE = -1
"""Values that some venues write where there is no sequence."""

_KINDS: dict[str, Literal["snapshot", "delta"]] = {
    "snapshot": "snapshot",
    "snap": "snapshot",
    "true": "snapshot",
    "delta": "delta",
    "update": "delta",
    "set": "delta",
    "false": "delta",
}


class BooksFromRows:
    """Makes one book of each run of rows that agree in everything but side, price and quantity.

    A book with one bad row is refused whole: without a level it would be another book.

    Args:
        columns: The column of each field that the file gives; besides those of an OrderBookEvent the fields `side`,
            `price` and `quantity` of a level.
        facts: What is known of the file besides its columns.
    """

    def __init__(self, columns: Mapping[str, str], facts: FileFacts) -> None:
        self._path = facts.path
        self._columns = columns
        self._shared = [column for field, column in columns.items() if field not in ("side", "price", "quantity")]
        self._instrument = facts.instrument
        self._read_number = facts.read_number
        self._read_time = facts.read_time

    def events(self, rows: Iterator[Row | RefusedRow]) -> Iterator[BaseEvent | RefusedRow]:
        """A book for each run of rows, or a refused row in its place.

        Raises:
            ImportFileError: A run is too long to be a book.
        """
        run = _Run(None)
        bad_line_before: int | None = None
        for row in rows:
            if isinstance(row, RefusedRow):
                run.bad_line = bad_line_before = row.line
                yield row
                continue
            key = tuple(row.cells[column] for column in self._shared)
            if key != run.key:
                if run.rows:
                    yield self._book(run)
                run = _Run(key, bad_line=bad_line_before)
            bad_line_before = None
            run.rows.append(row)
            if len(run.rows) > MAX_LEVELS:
                raise ImportFileError(
                    f"{self._path}: more than {MAX_LEVELS:,} rows from {run.rows[0].line:,} on are one book; "
                    f"is this another kind of data?"
                )
        if run.rows:
            yield self._book(run)

    def _book(self, run: "_Run") -> BaseEvent | RefusedRow:
        first, count = run.rows[0], len(run.rows)
        if run.bad_line is not None:
            return RefusedRow(first.line, f"row {run.bad_line}, which was refused, may be of the same book", rows=count)
        sides: dict[str, list[BookLevel]] = {"buy": [], "sell": []}
        row = first
        try:
            for row in run.rows:
                sides[read_side(row.cells[self._columns["side"]])].append(self._level(row))
            row = first
            return self._event(first, bids=sides["buy"], asks=sides["sell"])
        except ValueError as wrong:
            whole = "" if count == 1 else f"; its book of {count} rows is refused whole"
            return RefusedRow(row.line, f"{reason_of(wrong)}{whole}", rows=count)

    def _level(self, row: Row) -> BookLevel:
        price, quantity = (row.cells[self._columns[field]] for field in ("price", "quantity"))
        return BookLevel(price=self._read_number(price), quantity=self._read_number(quantity))

    def _event(self, row: Row, *, bids: list[BookLevel], asks: list[BookLevel]) -> OrderBookEvent:
        said = {field: row.cells[column] for field, column in self._columns.items() if not is_empty(row.cells[column])}
        names = self._instrument.names({field: said[field] for field in NAMES if field in said})
        kind = _KINDS.get(read_text(said.get("kind")).lower())
        if kind is None:
            raise ValueError(f"{shown(said.get('kind'))} is neither snapshot nor delta")
        moment = next((self._read_time(said[field]) for field in TIMES if field in said), None)
        if moment is None:
            raise ValueError("timestamp is empty")
        times = {field: self._read_time(said[field]) if field in said else moment for field in TIMES}
        counts = {field: read_integer(said[field]) for field in ("sequence", "previous_sequence") if field in said}
        if kind == "snapshot":
            bids.sort(key=_price, reverse=True)
            asks.sort(key=_price)
        values = names | times | {field: count for field, count in counts.items() if count != NO_SEQUENCE}
        return OrderBookEvent.model_validate(values | {"kind": kind, "bids": bids, "asks": asks})


@dataclass(slots=True)
class _Run:
    """Rows that are one book so far."""

    key: tuple[object, ...] | None
    rows: list[Row] = field(default_factory=list)
    bad_line: int | None = None


def _price(level: BookLevel) -> Decimal:
    return level.price
