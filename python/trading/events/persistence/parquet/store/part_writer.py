"""Writing a Parquet file, and checking its bytes."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from trading.events import _core
from trading.events._codec.columns import TIMESTAMP
from trading.events.errors import CorruptFileError
from trading.events.persistence.parquet.store.footer import footer_checksum
from trading.events.persistence.parquet.store.manifest import SealedFile
from trading.events.persistence.schema.stored_schema import RAW, SEQ

ROW_GROUP_ROWS = 65_536
"""Rows of a row group: enough to compress well, few enough to skip and to hold some groups in memory."""

_WITHOUT_STATISTICS = (pa.string(), pa.binary())
_PIECE_BYTES = 1024 * 1024
_LEAST_COMPRESSED_BYTES = 32 * 1024
"""Least size for which compression pays: beginning it costs as much as writing so many bytes."""


def write_part(chunks: Iterable[pa.Table], temp: Path, *, name: str, schema: pa.Schema) -> SealedFile:
    """Writes tables, sorted by time and order of recording, to a new file, not yet durably, and reads it again.

    Args:
        chunks: The tables, at least one, none of them empty.
        temp: The file.
        name: The name that the manifest is to have.
        schema: The schema of the tables, with the metadata of the file.

    Returns:
        The entry of the manifest for it.

    Raises:
        OSError: It cannot be written.
        CorruptFileError: It is not what was written.
    """
    summary = _Summary()
    data = _encode(map(summary.add, chunks), schema)
    with temp.open("wb") as file:
        file.write(data)
    checksum = _check(temp, data)
    with pq.ParquetFile(pa.BufferReader(data)) as written:
        if checksum is None or written.metadata.num_rows != summary.rows or not written.schema_arrow.equals(schema):
            raise CorruptFileError(temp, "it does not hold what was just written to it")
    return SealedFile(
        name=name,
        size_bytes=data.size,
        crc32c=checksum,
        footer_crc32c=footer_checksum(pa.BufferReader(data)),
        rows=summary.rows,
        first=summary.first,
        last=summary.last,
        first_seq=summary.first_seq,
        last_seq=summary.last_seq,
    )


def _check(path: Path, data: pa.Buffer) -> int | None:
    """The checksum of a file if it holds exactly these bytes; it is read in pieces, as it may be large."""
    size_bytes = checksum = 0
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            end = size_bytes + len(piece)
            if end > data.size or not pa.py_buffer(piece).equals(data.slice(size_bytes, len(piece))):
                return None
            size_bytes, checksum = end, _core.crc32c(piece, checksum)
    return checksum if size_bytes == data.size else None


class _Summary:
    """The entry of the manifest for the rows of a file."""

    def __init__(self) -> None:
        self.rows = self.first = self.last = self.first_seq = self.last_seq = 0

    def add(self, table: pa.Table) -> pa.Table:
        """Adds a table to the summary, and returns it."""
        times, seqs = table.column("timestamp"), pc.min_max(table.column(SEQ)).as_py()
        if not self.rows:
            self.first, self.first_seq = times[0].value, seqs["min"]
        self.rows += table.num_rows
        self.last = times[-1].value
        self.first_seq, self.last_seq = min(self.first_seq, seqs["min"]), max(self.last_seq, seqs["max"])
        return table


def _encode(chunks: Iterator[pa.Table], schema: pa.Schema) -> pa.Buffer:
    first = next(chunks)
    deltas = [field.name for field in schema if field.type == TIMESTAMP or field.name == SEQ]
    unrepeated = {*deltas, "event_id", RAW}
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(
        sink,
        schema,
        compression=_compression(first),
        use_dictionary=[name for name in schema.names if name not in unrepeated],
        column_encoding=dict.fromkeys(deltas, "DELTA_BINARY_PACKED"),
        write_page_checksum=True,
        write_statistics=[field.name for field in schema if field.type not in _WITHOUT_STATISTICS],
        store_schema=False,  # Parquet's own says it all, and a small file would be a quarter larger
    ) as writer:
        writer.add_key_value_metadata(schema.metadata or {})
        writer.write_table(first, row_group_size=ROW_GROUP_ROWS)
        del first  # each chunk is freed when it has been written
        for chunk in chunks:
            writer.write_table(chunk, row_group_size=ROW_GROUP_ROWS)
            del chunk
    return sink.getvalue()


def _compression(table: pa.Table) -> str | dict[str, str]:
    if table.get_total_buffer_size() < _LEAST_COMPRESSED_BYTES:
        return "none"
    return {name: _column_compression(table.column(name)) for name in table.schema.names}


def _column_compression(column: pa.ChunkedArray) -> str:
    is_large = column.get_total_buffer_size() >= _LEAST_COMPRESSED_BYTES
    return "zstd" if is_large and column.null_count < len(column) else "none"
