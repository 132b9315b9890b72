"""The columns of an event class, and the encoding of its events in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pydantic_core import SchemaValidator, from_json

from trading.events._codec.columns import FORMS
from trading.events._codec.description import describe, why_unroutable
from trading.events._codec.event_table import EXTRA, ColumnBuffers, to_table, wrap_column
from trading.events._models.stored_type import stored_validator
from trading.events.base import BaseEvent
from trading.events.errors import UnstorableEventError
from trading.events.persistence.schema.field_column import FieldColumn, make_column
from trading.events.persistence.schema.stored_schema import (
    FileTopic,
    StoredColumn,
    StoredColumns,
    arrow_schema,
    describe_file,
)

CONVERSION_ERRORS = (pa.ArrowException, TypeError, ValueError, ArithmeticError, AttributeError, LookupError)
"""The errors that the conversion of events to columns and back may raise."""


@dataclass(frozen=True, slots=True)
class EventSchema:
    """The columns of one event class; `event_schema` makes it."""

    event_class: type[BaseEvent]
    columns: tuple[FieldColumn, ...]
    arrow: pa.Schema
    validator: SchemaValidator

    @property
    def event_type(self) -> str:
        """The `event_type` of every event of the class."""
        event_type: str = self.event_class.model_fields["event_type"].default
        return event_type

    def encode(self, events: list[BaseEvent], seqs: list[int]) -> pa.Table:
        """Events of the class, with their sequence numbers, as a table with the columns of `arrow`.

        Raises:
            UnstorableEventError: One of them would not come back equal.
        """
        table = to_table(events)
        columns = [*(table.column(name) for name in self.arrow.names[:-1]), pa.chunked_array([seqs], pa.int64())]
        return pa.Table.from_arrays(columns, schema=self.arrow)

    def wrap(self, rows: int, columns: Sequence[ColumnBuffers]) -> pa.Table:
        """Wraps the buffers of so many rows in a table with the columns of `arrow`."""
        arrays = [wrap_column(type_, rows, column) for type_, column in zip(self.arrow.types, columns, strict=True)]
        return pa.Table.from_arrays(arrays, schema=self.arrow)

    def describe(self, exchange: str | None, symbol: str | None) -> dict[bytes, bytes]:
        """The metadata of a file with events of this class."""
        topic = FileTopic(event_type=self.event_type, exchange=exchange, symbol=symbol)
        return describe_file(topic, {column.name: column.stored for column in self.columns})

    def decode(self, rows: pa.RecordBatch, stored: StoredColumns) -> list[BaseEvent]:
        """The events of a file's rows, by the types of their fields. Fields that the class does not have are left out.

        Raises:
            One of CONVERSION_ERRORS: The rows are no events of this class.
        """
        known = [column for column in self.columns if column.name in stored]
        values = [_decode(rows, column, stored[column.name]) for column in known]
        names = [column.name for column in known]
        models = [_with_extra(dict(zip(names, row, strict=True))) for row in zip(*values, strict=True)]
        return [self.validator.validate_python(model, by_alias=False, by_name=True) for model in models]


_SCHEMAS: dict[type[BaseEvent], EventSchema] = {}


def event_schema(event_class: type[BaseEvent]) -> EventSchema:
    """The columns of an event class, from its fields.

    Raises:
        UnstorableEventError: One of the fields by which events are routed and stored has another type.
    """
    if event_class not in _SCHEMAS:
        _SCHEMAS[event_class] = _make_schema(event_class)
    return _SCHEMAS[event_class]


def _make_schema(event_class: type[BaseEvent]) -> EventSchema:
    description = describe(event_class)
    if (reason := why_unroutable(description.fields)) is not None:
        raise UnstorableEventError(f"{event_class.__name__}.{reason}")
    columns = tuple(make_column(event_class, field) for field in description.fields)
    if description.keeps_extras:
        columns += (FieldColumn(EXTRA, StoredColumn(form="json", beside=()), parse=from_json),)
    arrow = arrow_schema({column.name: column.stored for column in columns})
    return EventSchema(event_class, columns, arrow, stored_validator(event_class))


def _with_extra(fields: dict[str, Any]) -> dict[str, Any]:
    extra: dict[str, Any] = fields.pop(EXTRA, None) or {}
    return extra | fields


def _decode(rows: pa.RecordBatch, column: FieldColumn, stored: StoredColumn) -> Sequence[Any]:
    values = FORMS[stored.form].decode([rows.column(name) for name in (column.name, *stored.beside)])
    parse = column.parse if column.stored.form == stored.form else from_json if stored.form == "json" else None
    return values if parse is None else [None if value is None else parse(value) for value in values]
