"""Decoding of stored rows: natively, or by Pydantic if a class has changed since they were stored."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from trading.events import _core
from trading.events._codec.description import describe
from trading.events.base import BaseEvent
from trading.events.errors import EventDecodeError, StoreError
from trading.events.persistence.refusal import explain, stored_event_error
from trading.events.persistence.schema.changed_fields import changed_fields
from trading.events.persistence.schema.event_schema import event_schema
from trading.events.persistence.schema.stored_schema import SEQ, StoredColumn, StoredColumns


class Kind(NamedTuple):
    """The class and the stored columns of rows that are decoded alike."""

    event_class: type[BaseEvent]
    columns: tuple[tuple[str, str, tuple[str, ...]], ...]

    @classmethod
    def of(cls, event_class: type[BaseEvent], stored: StoredColumns) -> "Kind":
        """The kind of rows of a class with these stored columns."""
        return cls(event_class, tuple((name, column.form, column.beside) for name, column in stored.items()))


@lru_cache(maxsize=256)
def is_native(kind: Kind) -> bool:
    """Returns whether each field that is stored still has the form in which it was stored."""
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
        if self._fields is None:
            return self._decode_by_pydantic(picked)
        names = {self._event_type: {name: place for place, (name, _, _) in enumerate(self._kind.columns)}}
        type_place = names[self._event_type]["event_type"]
        return _core.decode_columns(self._batch.num_rows, self._fields, names, type_place, list(picked))

    @property
    def _event_type(self) -> str:
        event_type: str = self._kind.event_class.model_fields["event_type"].default
        return event_type

    def _prepare(self) -> list[tuple[str, list[tuple[int, list[Any]]]]]:
        fields: list[tuple[str, list[tuple[int, list[Any]]]]] = []
        for name, form, beside in self._kind.columns:
            columns = [self._batch.column(each) for each in (name, *beside)]
            fields.append((form, [(column.offset, column.buffers()) for column in columns]))
        return fields

    def _decode_by_pydantic(self, picked: Sequence[int]) -> list[BaseEvent]:
        stored = {name: StoredColumn(form=form, beside=beside) for name, form, beside in self._kind.columns}
        events: list[BaseEvent] = []
        for row in picked:
            try:
                events += event_schema(self._kind.event_class).decode(self._batch.slice(row, 1), stored)
            except Exception as error:
                raise EventDecodeError(str(error), row) from error
        return events


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
        event_type = kind.event_class.model_fields["event_type"].default
        changed = changed_fields(kind.event_class, ((name, form) for name, form, _ in kind.columns))
        reason = explain(error)
        if reason.value is None and reason.field in keys.schema.names:
            reason = reason._replace(value=repr(keys.column(reason.field)[row].as_py()))
        report(stored_event_error(path, reason, seq=seq, micros=micros, event_type=event_type, changed=changed))

    return refuse
