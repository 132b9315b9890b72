"""The ArcticDB library of a store: one for each folder in a process, because LMDB can be opened only once."""

import os
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import arcticdb
import arcticdb_ext
import pyarrow as pa
from pydantic import ValidationError

from trading.events.errors import CorruptFileError, StoreError, StorePathError
from trading.events.persistence.arctic.frame import VERSION, Heading
from trading.events.persistence.names import SUFFIX, PartName, name_part, read_part_name

DEFAULT_CAPACITY_BYTES = 64 * 2**30
"""Largest size of a store: so much address space is taken, and of the disk as much as is needed."""

_LIBRARY = "events"


class EventLibrary:
    """The symbols of a store, by the names that files of the same topics would have.

    Args:
        base_path: The store's folder.
        capacity_bytes: Its largest size.
        creates: Whether it is made where there is none.

    Raises:
        StorePathError: There is no store, or the folder cannot hold one.
    """

    def __init__(self, base_path: Path, *, capacity_bytes: int, creates: bool) -> None:
        self.base_path = base_path
        self.owner = os.getpid()
        # Whoever reads must see what another process has written meanwhile, not what was there two seconds ago.
        arcticdb_ext.set_config_int("VersionMap.ReloadInterval", 0)
        try:
            arctic = arcticdb.Arctic(f"lmdb://{base_path}?map_size={-(-capacity_bytes // 2**20)}MB")
            if not creates and _LIBRARY not in arctic.list_libraries():
                raise StorePathError(f"{base_path} holds no recorded events in ArcticDB")
            self.native: Any = arctic.get_library(_LIBRARY, create_if_missing=creates)
        except (arcticdb.exceptions.ArcticException, OSError, ValueError) as error:
            raise StorePathError(f"{base_path} cannot be opened as a store in ArcticDB: {error}") from error

    def names(self) -> Iterator[tuple[str, PartName]]:
        """All symbols that hold events, with their names parsed."""
        for symbol in sorted(self.native.list_symbols()):
            name = read_part_name(symbol + SUFFIX)
            if name is not None:
                yield symbol, name

    def heading(self, symbol: str) -> Heading:
        """The metadata of a symbol.

        Raises:
            CorruptFileError: It is not that of an event store.
        """
        try:
            heading = Heading.model_validate_json(self.native.read_metadata(symbol).metadata)
        except (arcticdb.exceptions.ArcticException, ValidationError, TypeError) as error:
            raise CorruptFileError(self.base_path / symbol, f"this symbol is not of an event store: {error}") from error
        if heading.version > VERSION:
            raise CorruptFileError(
                self.base_path / symbol, f"it has version {heading.version}, and this release reads up to {VERSION}"
            )
        return heading

    def read(self, symbol: str, **which: Any) -> pa.Table:
        """Rows of a symbol, as a table; their times are in the column `timestamp`.

        Raises:
            ArcticException: They cannot be read.
        """
        table: pa.Table = self.native.read(symbol, output_format="pyarrow", **which).data
        return table

    def time_span(self, symbol: str) -> tuple[int, int]:
        """The least and the greatest timestamp of a symbol, in microseconds since 1970."""
        first, last = self.native.get_description(symbol).date_range
        return first.value // 1_000, last.value // 1_000

    def check_process(self) -> None:
        """Checks that this is not a forked child.

        Raises:
            StoreError: It is one.
        """
        if os.getpid() != self.owner:
            raise StoreError("a store in ArcticDB cannot be used in a forked child; start a new process instead")


def symbol_of(event_type: str, exchange: str | None, symbol: str | None, *, number: int) -> str:
    """The symbol that holds the events of a topic; those with other columns have another number."""
    return str(name_part(event_type, exchange, symbol, number=number)).removesuffix(SUFFIX)


def open_library(
    base_path: Path, *, capacity_bytes: int = DEFAULT_CAPACITY_BYTES, creates: bool = False
) -> EventLibrary:
    """The library in a folder, the one that is open already if there is one.

    Raises:
        StorePathError: There is none, or the folder cannot hold one.
    """
    with _OPENING:
        found = _OPEN.get(base_path)
        if found is None or found.owner != os.getpid():
            found = _OPEN[base_path] = EventLibrary(base_path, capacity_bytes=capacity_bytes, creates=creates)
        return found


_OPENING = threading.Lock()
_OPEN = weakref.WeakValueDictionary[Path, EventLibrary]()
