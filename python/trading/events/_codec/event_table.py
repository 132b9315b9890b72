"""Events as Arrow tables, and back, exactly.

A field stands in a column of its own name, with a real type; what that type cannot say stands in columns beside it, as
text in `<name>_exact`, or as the exponent of a decimal in `<name>_exp`. Events of several classes share the columns of
fields that have one name and one form. The schema's metadata say what stands where; a table without them is read by the
names of its columns.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from trading.events import _core
from trading.events._codec.columns import FORMS, take_name
from trading.events._codec.description import describe
from trading.events.base import BaseEvent, event_class
from trading.events.errors import EventDecodeError

METADATA_KEY = b"trading_events_table"
"""The key of the schema's metadata that says which columns hold the fields of each event type."""

VERSION = 1
"""The version of that metadata. Later versions are refused."""

EXTRA = "_extra"
"""The column of the extra values of events of a class with `extra="allow"`, as JSON."""

Places = Mapping[str, Mapping[str, tuple[str, Sequence[str]]]]
"""For each event type the form and the columns of each field, its own column first."""

ColumnBuffers = tuple[int, list[_core.ColumnBuffer | None]]
"""A column: its number of nulls, and its buffers as in Arrow."""


def to_table(events: Iterable[BaseEvent]) -> pa.Table:
    """See `trading.events.codec.events_to_table`."""
    rows, fields, places = _core.encode_columns(list(events))
    names: list[list[str]] = []
    schema: list[pa.Field] = []
    arrays: list[pa.Array] = []
    taken = {name for name, _, _ in fields}
    for name, form, columns in fields:
        first = name if all(name not in before for before in names) else take_name(f"{name}_{form}", taken)
        named = [first, *(take_name(f"{first}_{end}", taken) for end in FORMS[form].beside)]
        names.append(named)
        for column, type_, buffers in zip(named, FORMS[form].types, columns, strict=True):
            schema.append(pa.field(column, type_))
            arrays.append(wrap_column(type_, rows, buffers))
    stored = {
        event_type: {fields[place][0]: (fields[place][1], names[place]) for place in sorted(used)}
        for event_type, used in places.items()
    }
    return pa.Table.from_arrays(arrays, schema=pa.schema(schema, metadata=write_places(stored)))


def empty_table(classes: Iterable[type[BaseEvent]]) -> pa.Table:
    """A table without rows, with the columns that events of these classes would have."""
    columns: dict[str, pa.DataType] = {}
    places: dict[str, dict[str, tuple[str, Sequence[str]]]] = {}
    for cls in classes:
        for field in describe(cls).fields:
            form, names = field.shape.form, _own_names(field.name, field.shape.form)
            places.setdefault(event_type_of(cls), {})[field.name] = (form, names)
            for name, type_ in zip(names, FORMS[form].types, strict=True):
                columns.setdefault(name, type_)
    return pa.schema([pa.field(*column) for column in columns.items()], metadata=write_places(places)).empty_table()


def event_type_of(cls: type[BaseEvent]) -> str:
    """The event type of a class, or of an abstract one `*`."""
    event_type = cls.model_fields["event_type"].default
    return event_type if isinstance(event_type, str) else "*"


def write_places(places: Places) -> dict[bytes, bytes]:
    """The metadata of a table's schema that say which columns hold the fields of each event type."""
    return {METADATA_KEY: json.dumps({"version": VERSION, "events": places}).encode()}


def wrap_column(type_: pa.DataType, rows: int, column: ColumnBuffers) -> pa.Array:
    """An array of so many values of a type, without a copy."""
    nulls, buffers = column
    return pa.Array.from_buffers(type_, rows, [None if each is None else pa.py_buffer(each) for each in buffers], nulls)


def from_table(source: object) -> list[BaseEvent]:
    """See `trading.events.codec.table_to_events`."""
    try:
        table = source if isinstance(source, pa.Table) else pa.table(source)
        places = read_places(table)
        return [event for batch in table.to_batches() for event in _from_batch(batch, places)]
    except (pa.ArrowException, TypeError, KeyError) as wrong:
        raise EventDecodeError(f"it is no table of events: {wrong}") from wrong


def _own_names(name: str, form: str) -> list[str]:
    """The names of a field's columns if no other field takes them."""
    return [name, *(f"{name}_{end}" for end in FORMS[form].beside)]


def read_places(table: pa.Table) -> Places:
    """The columns that hold the fields of each event type, as a table's schema says, or else by their names.

    Raises:
        EventDecodeError: A later release has made the table.
    """
    text = (table.schema.metadata or {}).get(METADATA_KEY)
    if text is None:
        return _guess_places(table)
    said = json.loads(text)
    if said["version"] > VERSION:
        raise EventDecodeError(f"the table has version {said['version']}, and this release reads up to {VERSION}")
    return {
        event_type: {name: (form, columns) for name, (form, columns) in fields.items()}
        for event_type, fields in said["events"].items()
    }


def _guess_places(table: pa.Table) -> Places:
    """The columns of fields in a table that does not say: they have the names that they get when alone."""
    places: dict[str, dict[str, tuple[str, Sequence[str]]]] = {}
    for event_type in table.column("event_type").unique().to_pylist():
        cls = event_class(event_type)
        if cls is None:
            continue
        found = places.setdefault(event_type, {})
        for field in describe(cls).fields:
            form = field.shape.form
            if field.name in table.column_names:
                found[field.name] = (form, _own_names(field.name, form))
        if EXTRA in table.column_names:
            found[EXTRA] = ("json", [EXTRA])
    return places


def _from_batch(batch: pa.RecordBatch, places: Places) -> list[BaseEvent]:
    """The events of a batch."""
    batch.validate(full=True)
    fields: list[tuple[str, list[tuple[int, list[Any]]]]] = []
    known: dict[tuple[str, tuple[str, ...]], int] = {}
    numbered: dict[str, dict[str, int]] = {}
    for event_type, stored in places.items():
        for name, (form, columns) in stored.items():
            key = (form, tuple(columns))
            if key not in known:
                known[key] = len(fields)
                fields.append((form, _columns(batch, form, columns)))
            numbered.setdefault(event_type, {})[name] = known[key]
    type_place = known.get(("text", ("event_type",)))
    if type_place is None:
        raise EventDecodeError("it has no column event_type" if batch.num_rows else "it has no rows")
    return _core.decode_columns(batch.num_rows, fields, numbered, type_place)


def _columns(batch: pa.RecordBatch, form: str, names: Sequence[str]) -> list[tuple[int, list[Any]]]:
    found: list[tuple[int, list[Any]]] = []
    for name, type_ in zip(names, FORMS[form].types, strict=True):
        column = _column(batch, name, type_)
        found.append((column.offset, column.buffers()))
    return found


def _column(batch: pa.RecordBatch, name: str, type_: pa.DataType) -> pa.Array:
    if name not in batch.schema.names:
        return pa.nulls(batch.num_rows, type_)
    column = batch.column(name)
    return column if column.type == type_ else column.cast(type_)
