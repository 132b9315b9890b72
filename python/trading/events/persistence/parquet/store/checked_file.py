"""Parquet files opened with their checksums compared, and errors that name the file."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from trading.events import _core
from trading.events.errors import CorruptFileError, VanishedFileError
from trading.events.persistence.parquet.store.footer import footer_checksum
from trading.events.persistence.schema.event_schema import CONVERSION_ERRORS

_SMALL_BYTES = 2**20
"""Largest file that is read at once, which is faster than a column at a time, and whose checksum is compared."""

_CHECKSUM = "its checksum is not the one that it was written with"
_BUFFER_BYTES = 65_536


@contextmanager
def naming(path: Path) -> Generator[None]:
    """Turns every error about a file into one that names it.

    Raises:
        VanishedFileError: It is not there.
        CorruptFileError: Something else went wrong.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise VanishedFileError(path, "it has vanished since it was listed") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise CorruptFileError(path, f"{first['msg']}, at {first['loc']}: {first['input']!r:.200}") from error
    except (OSError, MemoryError, *CONVERSION_ERRORS) as error:
        raise CorruptFileError(path, str(error) or type(error).__name__) from error


def read_rows(path: Path, checksum: int) -> pa.Table:
    """All rows of a file, if it has this checksum.

    Raises:
        OSError, pyarrow.ArrowException: It cannot be read.
        ValueError: It has another one.
    """
    data = path.read_bytes()
    if _core.crc32c(data) != checksum:
        raise ValueError(_CHECKSUM)
    with pq.ParquetFile(pa.BufferReader(owned_by_arrow(data)), page_checksum_verification=True) as file:
        return file.read()


def owned_by_arrow(data: bytes) -> pa.Buffer:
    """A copy in Arrow's memory. Its threads may release that last, also while the interpreter ends, without the GIL."""
    stream = pa.BufferOutputStream()
    stream.write(data)
    return stream.getvalue()


def open_parquet(
    path: Path, size_bytes: int, *, checksum: int | None, footer: int | None, is_whole: bool = False
) -> pq.ParquetFile:
    """Opens a file; a small one is read whole.

    Args:
        path: The file.
        size_bytes: Its size.
        checksum: The checksum that a small one must have, if it is known.
        footer: The checksum that the footer of a large one must have, if it is to be compared.
        is_whole: Whether all of a large one is about to be read.

    Raises:
        OSError, pyarrow.ArrowException: It cannot be read.
        ValueError: It has another checksum.
    """
    if size_bytes <= _SMALL_BYTES:
        data = path.read_bytes()
        if checksum is not None and _core.crc32c(data) != checksum:
            raise ValueError(_CHECKSUM)
        return pq.ParquetFile(pa.BufferReader(owned_by_arrow(data)), page_checksum_verification=True, pre_buffer=False)
    if footer is not None:
        with path.open("rb") as file:
            if footer_checksum(file) != footer:
                raise ValueError(f"{_CHECKSUM}, in its footer")
    if is_whole:
        return pq.ParquetFile(path, page_checksum_verification=True, pre_buffer=True)
    return pq.ParquetFile(path, page_checksum_verification=True, buffer_size=_BUFFER_BYTES)
