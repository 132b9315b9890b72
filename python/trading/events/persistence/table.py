"""Recorded events as one Arrow table."""

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from trading.events.persistence.part import OpenFiles, Part
from trading.events.persistence.selection import Selection
from trading.events.persistence.stored_schema import SEQ, arrow_schema

_BATCH_ROWS = 65_536


def read_part_table(part: Part, selection: Selection) -> pa.Table:
    """The rows of a range of time in one file.

    Raises:
        CorruptFileError: The file cannot be read.
    """
    batches = part.batches(part.groups_in(selection), rows=_BATCH_ROWS, open_files=OpenFiles(1))
    return pa.Table.from_batches([in_range(batch, selection) for batch in batches], schema=arrow_schema(part.columns))


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

    A column that the tables hold in different types becomes text.
    """
    tables = list(tables)
    types: dict[str, set[pa.DataType]] = {}
    for table in tables:
        for field in table.schema:
            types.setdefault(field.name, set()).add(field.type)
    mixed = {name for name, found in types.items() if len(found) > 1}
    united = pa.concat_tables([_with_texts(table, mixed) for table in tables], promote_options="default")
    ordered = united.select([*(name for name in types if name != SEQ), SEQ])
    return ordered.sort_by([("timestamp", "ascending"), (SEQ, "ascending")])


def _with_texts(table: pa.Table, names: set[str]) -> pa.Table:
    for index, field in enumerate(table.schema):
        if field.name in names:
            table = table.set_column(index, field.name, table.column(index).cast(pa.string()))
    return table
