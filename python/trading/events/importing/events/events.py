"""Events out of rows, one out of each."""

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import get_args

from pydantic import ValidationError

from trading.events._codec.from_table.plan import TIMES
from trading.events.base import BaseEvent
from trading.events.importing.cells import (
    Cell,
    read_as_is,
    read_integer,
    read_side,
    read_side_from_buyer_is_maker,
    read_text,
)
from trading.events.importing.rows.file_facts import FileFacts
from trading.events.importing.rows.rows import RefusedRow, Row

ONE_OF: dict[str, tuple[str, ...]] = {"tick": ("bid", "ask", "last"), "quote": ("bid", "ask")}
"""Fields of which an event of a type must have at least one, although each is optional."""

NAMES = ("exchange", "symbol", "raw_symbol")
"""The fields that an `Instrument` gives."""


class EventsFromRows:
    """Makes one event of each row.

    Args:
        event_class: The class of the events.
        columns: The column of each field that the file gives.
        facts: What is known of the file besides its columns.
    """

    def __init__(self, event_class: type[BaseEvent], columns: Mapping[str, str], facts: FileFacts) -> None:
        self._event_class = event_class
        self._instrument = facts.instrument
        self._named = [(field, column) for field, column in columns.items() if field in NAMES]
        self._read = [
            (field, column, _reader(event_class, field, column=column, facts=facts))
            for field, column in columns.items()
            if field not in NAMES
        ]
        kind: str = event_class.model_fields["event_type"].default
        self._one_of = ONE_OF.get(kind, ())
        self._required = [
            field
            for field, info in event_class.model_fields.items()
            if field in columns and field not in NAMES and info.is_required()
        ]

    def events(self, rows: Iterator[Row | RefusedRow]) -> Iterator[BaseEvent | RefusedRow]:
        """An event or a refused row for each row."""
        for row in rows:
            if isinstance(row, RefusedRow):
                yield row
                continue
            try:
                yield self._event(row.cells)
            except ValueError as wrong:
                yield RefusedRow(row.line, reason_of(wrong))

    def _event(self, cells: Mapping[str, object]) -> BaseEvent:
        values = self._values(cells)
        named = {field: cells[column] for field, column in self._named if not is_empty(cells[column])}
        values |= self._instrument.names(named)
        fields = self._event_class.model_fields
        if "raw_symbol" not in fields:
            values.pop("raw_symbol", None)
        elif fields["raw_symbol"].is_required():
            values.setdefault("raw_symbol", values.get("symbol"))
        return self._event_class.model_validate(values)

    def _values(self, cells: Mapping[str, object]) -> dict[str, object]:
        values: dict[str, object] = {}
        for field, column, read in self._read:
            cell = cells[column]
            if is_empty(cell):
                continue
            try:
                values[field] = read(cell)
            except ValueError as wrong:
                raise ValueError(f"{column}: {wrong}") from None
        for field in self._required:
            if field not in values and field not in TIMES:
                raise ValueError(f"{field} is empty")
        if self._one_of and not any(field in values for field in self._one_of):
            raise ValueError(f"{', '.join(self._one_of)} are all empty")
        self._complete(values)
        return values

    def _complete(self, values: dict[str, object]) -> None:
        """Adds what the row says without saying it."""
        moment = next((values[field] for field in TIMES if field in values), None)
        if moment is None:
            raise ValueError("timestamp is empty")
        for field in TIMES:
            if field in self._event_class.model_fields:
                values.setdefault(field, moment)


def _reader(event_class: type[BaseEvent], field: str, *, column: str, facts: FileFacts) -> Cell:
    if field == "side":
        return read_side_from_buyer_is_maker if "maker" in column.lower() else read_side
    kinds = _kinds(event_class.model_fields[field].annotation)
    by_kind: Sequence[tuple[type, Cell]] = (
        (Decimal, facts.read_number),
        (datetime, facts.read_time),
        (int, read_integer),
        (str, read_text),
    )
    return next((read for kind, read in by_kind if kind in kinds), read_as_is)


def _kinds(annotation: object) -> set[object]:
    """The classes that a type hint is made of."""
    inner = get_args(annotation)
    return {annotation}.union(*map(_kinds, inner)) if inner else {annotation}


def is_empty(cell: object) -> bool:
    """True if a cell says nothing: it is missing, blank, or the double that stands for missing."""
    if isinstance(cell, str):
        return not cell.strip()
    return cell is None or (isinstance(cell, float) and math.isnan(cell))


def reason_of(wrong: ValueError) -> str:
    """The reason why a row was refused, in one line."""
    if not isinstance(wrong, ValidationError):
        return str(wrong)
    first = wrong.errors(include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    reason = first["msg"].removeprefix("Value error, ")
    return f"{where}: {reason}" if where else reason
