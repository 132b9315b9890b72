"""Writing one Parquet file, so that it is there whole or not at all."""

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from trading.events.errors import CorruptFileError
from trading.events.persistence.columns import TIMESTAMP
from trading.events.persistence.stored_schema import SEQ

ROW_GROUP_ROWS = 65_536
"""Large enough to compress well, small enough to skip by and to hold a few of in memory."""


def write_part(table: pa.Table, temp: Path) -> None:
    """Writes a table to a new file, makes it durable and reads its footer again.

    Raises:
        OSError: It cannot be written.
        CorruptFileError: It is not what was written.
    """
    deltas = [field.name for field in table.schema if field.type == TIMESTAMP or field.name == SEQ]
    unrepeated = {*deltas, "event_id"}
    with temp.open("wb") as file:
        pq.write_table(
            table,
            file,
            row_group_size=ROW_GROUP_ROWS,
            compression="zstd",
            use_dictionary=[name for name in table.schema.names if name not in unrepeated],
            column_encoding=dict.fromkeys(deltas, "DELTA_BINARY_PACKED"),
            write_page_checksum=True,
        )
        file.flush()
        os.fsync(file.fileno())
    with pq.ParquetFile(temp) as written:
        if written.metadata.num_rows != table.num_rows or not written.schema_arrow.equals(table.schema):
            raise CorruptFileError(temp, "it does not hold what was just written to it")


def make_folder(folder: Path) -> None:
    """Makes a folder and what is missing above it, durably.

    Raises:
        OSError: It cannot be made.
    """
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder durable.

    Raises:
        OSError: That failed.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
