from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from types import TracebackType
from typing import IO, Any, Self

from pyarrow import BufferOutputStream, BufferReader, RecordBatch, Schema, Table

class Statistics:
    @property
    def has_min_max(self) -> bool: ...
    @property
    def min_raw(self) -> Any: ...
    @property
    def max_raw(self) -> Any: ...

class ColumnChunkMetaData:
    @property
    def statistics(self) -> Statistics | None: ...

class RowGroupMetaData:
    @property
    def num_rows(self) -> int: ...
    def column(self, i: int) -> ColumnChunkMetaData: ...

class ParquetSchema:
    @property
    def names(self) -> list[str]: ...
    def equals(self, other: ParquetSchema) -> bool: ...

class FileMetaData:
    @property
    def num_rows(self) -> int: ...
    @property
    def num_row_groups(self) -> int: ...
    @property
    def schema(self) -> ParquetSchema: ...
    @property
    def metadata(self) -> dict[bytes, bytes] | None: ...
    def row_group(self, i: int) -> RowGroupMetaData: ...

class ParquetFile:
    def __init__(
        self,
        source: str | PathLike[str] | BufferReader,
        *,
        buffer_size: int = 0,
        page_checksum_verification: bool = False,
        pre_buffer: bool = False,
    ) -> None: ...
    @property
    def metadata(self) -> FileMetaData: ...
    @property
    def schema(self) -> ParquetSchema: ...
    @property
    def schema_arrow(self) -> Schema: ...
    def iter_batches(
        self,
        batch_size: int = 65536,
        row_groups: Sequence[int] | None = None,
        columns: Sequence[str] | None = None,
        use_threads: bool = True,
    ) -> Iterator[RecordBatch]: ...
    def read(self, columns: Sequence[str] | None = None) -> Table: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...

class ParquetWriter:
    def __init__(
        self,
        where: str | PathLike[str] | IO[bytes] | BufferOutputStream,
        schema: Schema,
        *,
        compression: str | dict[str, str] = "snappy",
        use_dictionary: bool | list[str] = True,
        column_encoding: dict[str, str] | None = None,
        write_page_checksum: bool = False,
        write_statistics: bool | list[str] = True,
        store_schema: bool = True,
    ) -> None: ...
    def add_key_value_metadata(self, key_value_metadata: Mapping[bytes, bytes]) -> None: ...
    def write_table(self, table: Table, *, row_group_size: int | None = None) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...

def read_schema(where: str | PathLike[str]) -> Schema: ...
def write_table(
    table: Table,
    where: str | PathLike[str] | IO[bytes] | BufferOutputStream,
    *,
    row_group_size: int | None = None,
    compression: str = "snappy",
    use_dictionary: bool | list[str] = True,
    column_encoding: dict[str, str] | None = None,
    write_page_checksum: bool = False,
) -> None: ...
