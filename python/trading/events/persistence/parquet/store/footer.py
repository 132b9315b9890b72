"""The footer of a Parquet file of a store."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from trading.events import _core
from trading.events.persistence.names import name_part, read_part_name
from trading.events.persistence.schema.stored_schema import FileTopic, StoredColumns, read_description, read_topic
from trading.events.persistence.selection import Selection, day_span

_TAIL_BYTES = 8
"""The size of the length of the footer and of Parquet's magic bytes."""

_ARROW_KEY = b"ARROW:schema"
"""The key of Arrow's own schema, in files that have one."""


@dataclass(frozen=True, slots=True)
class RowGroup:
    """A run of rows.

    Attributes:
        index: Its index in the file.
        rows: The number of rows.
        first: Least timestamp, in microseconds since 1970.
        last: Greatest timestamp.
    """

    index: int
    rows: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Footer:
    """The footer of a file.

    Attributes:
        topic: The topic of its events.
        columns: The columns that hold them.
        groups: Its row groups that hold rows, in order of time.
    """

    topic: FileTopic
    columns: StoredColumns
    groups: tuple[RowGroup, ...]

    def says(self, rows: int, first: int, last: int) -> bool:
        """Returns whether it has so many rows, in order, with these as the least and the greatest timestamp."""
        groups = self.groups
        return (
            sum(group.rows for group in groups) == rows
            and (groups[0].first, groups[-1].last) == (first, last)
            and all(before.last <= after.first for before, after in pairwise(groups))
        )

    def groups_in(self, selection: Selection) -> list[RowGroup]:
        """The row groups that may hold selected rows."""
        return [
            group
            for group in self.groups
            if selection.overlaps(group.first, group.last)
            and selection.decide(self.topic, group.first, group.last) is not False
        ]


def footer_checksum(file: BinaryIO | pa.BufferReader) -> int:
    """The checksum of the footer of an open file and all that follows.

    Raises:
        OSError: It cannot be read.
        ValueError: It is too short for its footer.
    """
    size_bytes = file.seek(0, os.SEEK_END)
    file.seek(max(size_bytes - _TAIL_BYTES, 0))
    start = size_bytes - _TAIL_BYTES - int.from_bytes(file.read(4), "little")
    if start < 0:
        raise ValueError("it is no whole Parquet file")
    file.seek(start)
    return _core.crc32c(file.read())


def read_footer(file: pq.ParquetFile, path: Path, day: date) -> Footer:
    """Reads the footer of an open file.

    Raises:
        ValueError: It is not of a file of this name, in the folder of this day.
    """
    topic, layout = _read_layout(file)
    name = read_part_name(path.name)
    expected = name_part(topic.event_type, topic.exchange, topic.symbol)
    if name is None or name[:-1] != expected[:-1]:
        raise ValueError(f"its name does not say what it holds, which would be {expected}")
    groups = tuple(_read_groups(file.metadata, layout.time_column))
    first, last = day_span(day)
    if any(group.first < first or group.last > last for group in groups):
        raise ValueError(f"it holds events of other days than {day}")
    return Footer(topic, layout.columns, groups)


class _Layout(NamedTuple):
    """The columns of a file."""

    schema: pq.ParquetSchema
    columns: StoredColumns
    time_column: int


def _read_layout(file: pq.ParquetFile) -> tuple[FileTopic, _Layout]:
    """The topic of a file, and its columns. Those of a file like the last are not worked out again.

    Raises:
        ValueError: It is no file of a store, or of a later version, or its columns are not as it says.
    """
    metadata = file.metadata.metadata or {}
    topic, description = read_topic(metadata)
    known = _known_layouts(description, metadata.get(_ARROW_KEY))
    layout = known[0] if known else None
    if layout is None or not layout.schema.equals(file.schema):
        schema = file.schema_arrow
        _, columns = read_description(schema)
        layout = _Layout(file.schema, columns, schema.get_field_index("timestamp"))
        known[:] = [layout]
    return topic, layout


@lru_cache(maxsize=64)
def _known_layouts(_description: bytes, _arrow: bytes | None) -> list[_Layout]:
    """The layout of the last file with these descriptions, once there was one."""
    return []


def _read_groups(metadata: pq.FileMetaData, column: int) -> Iterator[RowGroup]:
    for index in range(metadata.num_row_groups):
        group = metadata.row_group(index)
        if group.num_rows:
            statistics = group.column(column).statistics
            if statistics is None or not statistics.has_min_max:
                raise ValueError("its footer does not say which times it holds")
            yield RowGroup(index, group.num_rows, statistics.min_raw, statistics.max_raw)
