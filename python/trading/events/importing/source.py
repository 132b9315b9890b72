"""The identity of a market data file: its bytes, and how they are read."""

import asyncio
import hashlib
import os
from pathlib import Path

from trading.events.errors import ImportFileError
from trading.events.importing.market_data_file import MarketDataFile
from trading.events.persistence.parquet.store.import_notes import ImportSource

READING = 1
"""Rises when the same file with the same options gives other events than before."""

_PIECE_BYTES = 4 * 1024 * 1024
_KIND = ("exchange", "symbol", "default_exchange", "default_symbol")

Signature = tuple[int, int, int, int]
"""What changes when a file does: device, number, size, time of the last change."""


async def identify(file: MarketDataFile) -> tuple[ImportSource, Signature]:
    """The identity of a file, which is read for it; and its signature meanwhile.

    Raises:
        ImportFileError: It cannot be read, or changes meanwhile.
    """
    before, digest = signature(file.path), hashlib.sha256()
    try:
        with file.path.open("rb") as stream:
            while piece := stream.read(_PIECE_BYTES):
                digest.update(piece)
                await asyncio.sleep(0)
    except OSError as error:
        raise ImportFileError(f"{file.path} cannot be read: {error.strerror or error}") from error
    check_unchanged(file.path, before)
    kind = {"event_type": file.event_type, **{name: file.options[name] for name in _KIND}}
    options = {name: value for name, value in file.options.items() if name not in _KIND} | {"reading": READING}
    source = ImportSource(
        name=file.path.name, size_bytes=before[2], sha256=digest.hexdigest(), kind=kind, options=options
    )
    return source, before


def signature(path: Path) -> Signature:
    """A file's signature.

    Raises:
        ImportFileError: It is not there any more.
    """
    try:
        found = os.stat(path)  # noqa: PTH116 - as short
    except OSError as error:
        raise ImportFileError(f"{path} cannot be read: {error.strerror or error}") from error
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def check_unchanged(path: Path, before: Signature) -> None:
    """Refuses a file that is not what it was.

    Raises:
        ImportFileError: It has changed.
    """
    if signature(path) != before:
        raise ImportFileError(f"{path} has changed while it was imported; import it when nobody writes to it")
