"""A line of text in a file with its checksum, replaced by a rename."""

import os
from pathlib import Path

from trading.events import _core
from trading.events.errors import CorruptFileError
from trading.events.persistence.parquet.store.durable_files import sync_folder

UNFINISHED = "~"
"""The suffix of a file that is being made."""


def with_checksum(text: bytes) -> bytes:
    """A file's bytes for a line of text."""
    return b"%b\n%08x\n" % (text, _core.crc32c(text))


def read_checked(path: Path) -> bytes:
    """The line of text in a file.

    Raises:
        FileNotFoundError: There is none.
        CorruptFileError: It cannot be read, or its checksum does not fit it.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise CorruptFileError(path, str(error)) from error
    text = data.partition(b"\n")[0]
    if data != with_checksum(text):
        raise CorruptFileError(path, "its checksum does not fit it")
    return text


def replace_checked(path: Path, text: bytes) -> None:
    """Makes a line of text the content of a file, durably, by one rename.

    Raises:
        OSError: A system call failed; after a loss of power either content may be there.
    """
    unfinished = path.with_name(path.name + UNFINISHED)
    with unfinished.open("wb") as file:
        file.write(with_checksum(text))
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)
    sync_folder(path.parent)
