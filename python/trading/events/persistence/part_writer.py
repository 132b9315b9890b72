"""Writing one Parquet file, and proving that it is what was to be written."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from trading.events import _core
from trading.events.errors import CorruptFileError
from trading.events.persistence.columns import TIMESTAMP
from trading.events.persistence.manifest import SealedFile
from trading.events.persistence.stored_schema import SEQ

ROW_GROUP_ROWS = 65_536
"""Large enough to compress well, small enough to skip by and to hold a few of in memory."""

SMALL_ROWS = 2_048
"""Up to so many rows zstd saves little, and setting it up for each page takes longer than all else in reading them."""


def write_part(table: pa.Table, temp: Path, *, name: str) -> SealedFile:
    """Writes a table, sorted by time and order of recording, to a new file, not yet durably, and reads it again.

    Returns:
        What the manifest says of it, under the name that it is to have.

    Raises:
        OSError: It cannot be written.
        CorruptFileError: It is not what was written.
    """
    data = _encode(table)
    temp.write_bytes(data)
    again = temp.read_bytes()
    with pq.ParquetFile(pa.BufferReader(again)) as written:
        if (
            again != data
            or written.metadata.num_rows != table.num_rows
            or not written.schema_arrow.equals(table.schema)
        ):
            raise CorruptFileError(temp, "it does not hold what was just written to it")
    times, seqs = table.column("timestamp").cast(pa.int64()), table.column(SEQ)
    return SealedFile(
        name=name,
        size_bytes=len(data),
        crc32c=_core.crc32c(data),
        rows=table.num_rows,
        first=times[0].as_py(),
        last=times[-1].as_py(),
        first_seq=min(seqs.to_pylist()),
        last_seq=max(seqs.to_pylist()),
    )


def _encode(table: pa.Table) -> bytes:
    deltas = [field.name for field in table.schema if field.type == TIMESTAMP or field.name == SEQ]
    unrepeated = {*deltas, "event_id"}
    sink = pa.BufferOutputStream()
    pq.write_table(
        table,
        sink,
        row_group_size=ROW_GROUP_ROWS,
        compression="lz4" if table.num_rows <= SMALL_ROWS else "zstd",
        use_dictionary=[name for name in table.schema.names if name not in unrepeated],
        column_encoding=dict.fromkeys(deltas, "DELTA_BINARY_PACKED"),
        write_page_checksum=True,
    )
    return sink.getvalue().to_pybytes()
