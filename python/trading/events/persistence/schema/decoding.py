"""Decoding of stored rows: natively, or by Pydantic if a class has changed since they were stored."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
from pydantic_core import from_json

from trading.events import _core
from trading.events._codec.columns import FORMS
from trading.events._codec.description import describe
from trading.events._codec.event_table import EXTRA
from trading.events.base import BaseEvent
from trading.events.errors import EventDecodeError, StoreError
from trading.events.persistence.refusal import explain, stored_event_error
from trading.events.persistence.schema.changed_fields import changed_fields
from trading.events.persistence.schema.event_schema import event_schema
from trading.events.persistence.schema.raw_schema import read_raw
from trading.events.persistence.schema.stored_schema import RAW, SEQ, StoredColumn, StoredColumns
from trading.events.unknown import UnknownEvent


class Kind(NamedTuple):
    """The class and the stored columns of rows that are decoded alike.

    Attributes:
        event_class: The class; None where there is none for them, or each row is a raw event, which names its own.
        columns: The name, the form and the columns beside it of each field.
    """

    event_class: type[BaseEvent] | None
    columns: tuple[tuple[str, str, tuple[str, ...]], ...]

    @classmethod
    def of(cls, event_class: type[BaseEvent] | None, stored: StoredColumns) -> "Kind":
        """The kind of rows of a class with these stored columns."""
        columns = tuple((name, column.form, column.beside) for name, column in stored.items())
        return cls(None if RAW in stored else event_class, columns)

    @property
    def is_raw(self) -> bool:
        """True if each row is a raw event."""
        return any(name == RAW for name, _, _ in self.columns)


@lru_cache(maxsize=256)
def is_native(kind: Kind) -> bool:
    """Returns whether each field that is stored still has the form in which it was stored."""
    if kind.event_class is None:
        return False
    forms = {field.name: field.shape.form for field in describe(kind.event_class).fields}
    return all(forms.get(name, form) == form for name, form, _ in kind.columns)


class Rows:
    """Rows of one kind, whose texts are valid, to be decoded in any selection."""

    def __init__(self, kind: Kind, batch: pa.RecordBatch) -> None:
        self._kind = kind
        self._batch = batch
        self._fields = self._prepare() if is_native(kind) else None

    def decode(self, picked: Sequence[int]) -> list[BaseEvent]:
        """The events of these rows, in this order.

        Raises:
            EventDecodeError: A row is no event; its offset is the row's number.
        """
        cls = self._kind.event_class
        if cls is None:
            read = read_raw if self._kind.is_raw else self._read_unknown
            return [_at(row, read, self._batch) for row in picked]
        if self._fields is None:
            return self._decode_by_pydantic(cls, picked)
        event_type: str = cls.model_fields["event_type"].default
        names = {event_type: {name: place for place, (name, _, _) in enumerate(self._kind.columns)}}
        type_place = names[event_type]["event_type"]
        return _core.decode_columns(self._batch.num_rows, self._fields, names, type_place, list(picked))

    def _read_unknown(self, batch: pa.RecordBatch, row: int) -> BaseEvent:
        """The values of a row whose class is gone."""
        one = batch.slice(row, 1)
        values: dict[str, Any] = {}
        for name, form, beside in self._kind.columns:
            [value] = FORMS[form].decode([one.column(each) for each in (name, *beside)])
            values[name] = from_json(value) if form == "json" and value is not None else value
        extra: dict[str, Any] = values.pop(EXTRA, None) or {}
        return UnknownEvent.of_values(extra | values)

    def _prepare(self) -> list[tuple[str, list[tuple[int, list[Any]]]]]:
        fields: list[tuple[str, list[tuple[int, list[Any]]]]] = []
        for name, form, beside in self._kind.columns:
            columns = [self._batch.column(each) for each in (name, *beside)]
            fields.append((form, [(column.offset, column.buffers()) for column in columns]))
        return fields

    def _decode_by_pydantic(self, cls: type[BaseEvent], picked: Sequence[int]) -> list[BaseEvent]:
        stored = {name: StoredColumn(form=form, beside=beside) for name, form, beside in self._kind.columns}
        events: list[BaseEvent] = []
        for row in picked:
            try:
                events += event_schema(cls).decode(self._batch.slice(row, 1), stored)
            except Exception as error:
                raise EventDecodeError(str(error), row) from error
        return events


def _at(row: int, read: Callable[[pa.RecordBatch, int], BaseEvent], batch: pa.RecordBatch) -> BaseEvent:
    """What is read of a row; its error names the row."""
    try:
        return read(batch, row)
    except Exception as error:
        reason = error.reason if isinstance(error, EventDecodeError) else str(error)
        raise EventDecodeError(reason, row) from error


def decode_each(
    rows: Rows, picked: Sequence[int], refuse: Callable[[int, EventDecodeError], None]
) -> list[BaseEvent | None]:
    """The events of these rows, in this order; None for each that cannot be decoded, which is refused."""
    events: list[BaseEvent | None] = []
    start, end = 0, len(picked)
    while start < len(picked):
        try:
            events += rows.decode(picked[start:end])
            start, end = end, len(picked)
        except EventDecodeError as error:
            tried = picked[start:end]
            end = start + tried.index(error.offset) if error.offset in tried else start
            if end == start:
                refuse(picked[start], error)
                events.append(None)
                start, end = start + 1, len(picked)
    return events


def reporting(
    path: Path, kind: Kind, keys: pa.RecordBatch, report: Callable[[StoreError], None]
) -> Callable[[int, EventDecodeError], None]:
    """A function that reports rows that are refused, by their timestamps and sequence numbers."""

    def refuse(row: int, error: EventDecodeError) -> None:
        micros, seq = keys.column("timestamp")[row].value, keys.column(SEQ)[row].as_py()
        event_type = keys.column("event_type")[row].as_py()
        forms = ((name, form) for name, form, _ in kind.columns)
        changed = {} if kind.event_class is None else changed_fields(kind.event_class, forms)
        reason = explain(error)
        if reason.value is None and reason.field in keys.schema.names:
            reason = reason._replace(value=repr(keys.column(reason.field)[row].as_py()))
        report(stored_event_error(path, reason, seq=seq, micros=micros, event_type=event_type, changed=changed))

    return refuse
