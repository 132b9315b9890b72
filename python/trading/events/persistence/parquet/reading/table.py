"""Recorded events as one Arrow table."""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain

import pyarrow as pa
import pyarrow.compute as pc

from trading.events._codec.event_table import event_type_of, read_places, write_places
from trading.events.base import BaseEvent, event_class
from trading.events.errors import EventDecodeError, StoreError, UnknownEventTypeError, UnstorableEventError
from trading.events.persistence.parquet.reading.part import OpenFiles, Part
from trading.events.persistence.parquet.store.checked_file import naming
from trading.events.persistence.schema.decoding import Kind, Rows, decode_each, reporting
from trading.events.persistence.schema.event_schema import event_schema
from trading.events.persistence.schema.stored_schema import (
    RAW,
    SEQ,
    StoredColumns,
    arrow_schema,
    choose_fields,
    column_names,
)
from trading.events.persistence.selection import Selection

_BATCH_ROWS = 65_536
_EVENTS = 1_024


def read_part_table(part: Part, selection: Selection, report: Callable[[StoreError], None]) -> pa.Table:
    """The selected rows of one file, in order; its schema's metadata say which columns hold the fields.

    Raw events have the columns of their class, where there is one here.

    Events that must be made for that or for the filter, and cannot be, are reported, and left out.

    Raises:
        CorruptFileError: The file cannot be read.
        UnknownEventTypeError: Events would have to be made for the filter, and there is no class for them.
    """
    rows = _read_rows(part, selection, report)
    event_type, stored = part.footer().topic.event_type, part.footer().columns
    cls = event_class(event_type)
    if RAW in stored and cls is not None:
        rows = _to_columns(rows, cls, part, report)
        stored = {column.name: column.stored for column in event_schema(cls).columns}
    return _described(rows, event_type, choose_fields(stored, selection.fields))


def known_tables(selection: Selection) -> list[pa.Table]:
    """Tables without rows: the columns that a selection has even if nothing is stored."""
    tables: list[pa.Table] = []
    for cls in selection.known_classes():
        stored = {column.name: column.stored for column in event_schema(cls).columns}
        columns = choose_fields(stored, selection.fields)
        tables.append(_described(arrow_schema(columns).empty_table(), event_type_of(cls), columns))
    return tables


def _described(rows: pa.Table, event_type: str, columns: StoredColumns) -> pa.Table:
    places = {name: (column.form, [name, *column.beside]) for name, column in columns.items()}
    return rows.select(column_names(columns)).replace_schema_metadata(write_places({event_type: places}))


def _read_rows(part: Part, selection: Selection, report: Callable[[StoreError], None]) -> pa.Table:
    """The selected rows of one file, in at least the columns that are wanted."""
    footer = part.footer()
    wanted = None if RAW in footer.columns else selection.fields
    if selection.covers(part.first, part.last) and selection.filter is None:
        return part.table(wanted)
    is_filtered = selection.decide(footer.topic, part.first, part.last) is None
    columns = choose_fields(footer.columns, None if is_filtered else wanted)
    names = column_names(columns)
    batches = [
        in_range(batch, selection)
        for batch in part.batches(selection, rows=_BATCH_ROWS, open_files=OpenFiles(1), names=names)
    ]
    if not batches:
        return arrow_schema(columns).empty_table()
    rows = pa.Table.from_batches(batches)
    return _filter(rows, part, selection, report) if is_filtered else rows


def _filter(rows: pa.Table, part: Part, selection: Selection, report: Callable[[StoreError], None]) -> pa.Table:
    """The rows whose events pass the filter."""
    topic, columns = part.footer().topic, part.footer().columns
    found = event_class(topic.event_type)
    if found is None and selection.unknown == "raise":
        raise UnknownEventTypeError(part.path, topic.event_type)
    kind = Kind.of(found, columns)
    passed: list[bool] = []
    for batch in rows.to_batches(max_chunksize=_EVENTS):
        with naming(part.path):
            batch.validate(full=True)
        refuse = reporting(part.path, kind, batch, report)
        events = decode_each(Rows(kind, batch), range(batch.num_rows), refuse)
        passed += (event is not None and selection.passes(event) for event in events)
    return rows.filter(pa.array(passed, pa.bool_()))


def _to_columns(rows: pa.Table, cls: type[BaseEvent], part: Part, report: Callable[[StoreError], None]) -> pa.Table:
    """Raw events as the columns of their class."""
    schema = event_schema(cls)
    tables = [schema.arrow.empty_table()]
    kind = Kind.of(cls, part.footer().columns)
    for batch in rows.to_batches(max_chunksize=_EVENTS):
        with naming(part.path):
            batch.validate(full=True)
        refuse = reporting(part.path, kind, batch, report)
        events = decode_each(Rows(kind, batch), range(batch.num_rows), refuse)
        seqs = batch.column(SEQ).to_pylist()
        for row, (event, seq) in enumerate(zip(events, seqs, strict=True)):
            try:
                tables += [] if event is None else [schema.encode([event], [seq])]
            except UnstorableEventError as error:
                refuse(row, EventDecodeError(str(error), row))
    return pa.concat_tables(tables).combine_chunks()


def count_rows(part: Part, selection: Selection, report: Callable[[StoreError], None]) -> int:
    """Counts the selected rows of a file. Timestamps are read only where the range begins or ends.

    Raises:
        CorruptFileError: The file cannot be read.
    """
    footer = part.footer()
    if any(selection.decide(footer.topic, group.first, group.last) is None for group in footer.groups_in(selection)):
        return read_part_table(part, selection, report).num_rows
    groups = footer.groups_in(selection)
    if all(selection.covers(group.first, group.last) for group in groups):
        return sum(group.rows for group in groups)
    batches = part.batches(selection, rows=_BATCH_ROWS, open_files=OpenFiles(1), names=["timestamp"])
    return sum(in_range(batch, selection).num_rows for batch in batches)


def in_range(batch: pa.RecordBatch, selection: Selection) -> pa.RecordBatch:
    """The rows of a range of time."""
    micros = batch.column("timestamp").cast(pa.int64())
    if selection.start is not None:
        batch = batch.filter(pc.greater_equal(micros, selection.start))
        micros = batch.column("timestamp").cast(pa.int64())
    if selection.end is not None:
        batch = batch.filter(pc.less(micros, selection.end))
    return batch


def unite(tables: Iterable[pa.Table]) -> pa.Table:
    """The rows of all tables by time and order of recording, with the columns of all; `_seq` is the last.

    The metadata of its schema say which columns hold the fields, as those of the tables do.

    A column that the tables hold in different types becomes text.
    """
    tables = list(tables)
    places: dict[str, dict[str, tuple[str, Sequence[str]]]] = {}
    for event_type, fields in chain.from_iterable(read_places(table).items() for table in tables):
        places.setdefault(event_type, {}).update(fields)
    types: dict[str, set[pa.DataType]] = {}
    for table in tables:
        for field in table.schema:
            types.setdefault(field.name, set()).add(field.type)
    mixed = {name for name, found in types.items() if len(found) > 1}
    united = pa.concat_tables([_with_texts(table, mixed) for table in tables], promote_options="default")
    united = united.select([*(name for name in types if name != SEQ), SEQ]).replace_schema_metadata(
        write_places(places)
    )
    if is_ordered(united.column("timestamp"), united.column(SEQ)):
        return united
    return united.sort_by([("timestamp", "ascending"), (SEQ, "ascending")])


def is_ordered(times: pa.ChunkedArray | pa.Array, seqs: pa.ChunkedArray | pa.Array) -> bool:
    """Returns whether rows of these timestamps and places are in order."""
    count = len(times) - 1
    both = times.slice(0, max(count, 0)), times.slice(1)
    rises = pc.less(*both)
    if pc.all(rises, min_count=0).as_py():
        return True
    tied = pc.and_(pc.equal(*both), pc.less_equal(seqs.slice(0, max(count, 0)), seqs.slice(1)))
    return bool(pc.all(pc.or_(rises, tied), min_count=0).as_py())


def _with_texts(table: pa.Table, names: set[str]) -> pa.Table:
    for index, field in enumerate(table.schema):
        if field.name in names:
            table = table.set_column(index, field.name, table.column(index).cast(pa.string()))
    return table
