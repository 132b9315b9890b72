"""Notes of the market data files that were imported into a store: what each was, and how many of its events are there.

An import records the events of its file in order and alone, so that the journal itself counts them: they have the
sequence numbers from where the import began to record. While it does, its note says where that was (`Run`); whoever
opens the store for writing next counts what has become of it, before anything else is recorded. So no event is
forgotten or counted twice, whenever the import ended, and however.

1. `begin_import` writes the note, durably, before the first event is recorded.
2. `finish_import` replaces it when all events are durable.
3. `settle_imports` replaces the note of an import that did not get there, when what it recorded is durable.

Each is one rename. The folder `unfinished` has a file for each import that is to be settled or gone on with. It is made
before the note says so, and removed after.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, JsonValue

from trading.events.errors import CorruptFileError
from trading.events.persistence.parquet.store.checked_text import read_checked, replace_checked
from trading.events.persistence.parquet.store.durable_files import make_folder, sync_folder

FOLDER = "_imports"
"""The name of the folder of notes."""

VERSION = 1
"""The version of the notes that are written here. Later versions are refused."""

_SUFFIX = ".json"
_UNFINISHED_IMPORTS = "unfinished"

_log = logging.getLogger("trading.events.persistence")


class _Stored(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class ImportSource(_Stored):
    """A market data file, and how it is read.

    Attributes:
        name: Its name.
        size_bytes: Its size.
        sha256: The digest of its bytes.
        kind: What its events are: their type, and the exchange and symbol that were given. The same file imported
            as another kind is another import.
        options: All else that decides which events it gives.
    """

    name: str
    size_bytes: int
    sha256: str
    kind: dict[str, JsonValue]
    options: dict[str, JsonValue]

    @property
    def key(self) -> str:
        """Identifies the content and the kind."""
        said = json.dumps([self.sha256, self.kind], sort_keys=True).encode()
        return hashlib.sha256(said).hexdigest()[:32]


class Run(_Stored):
    """An import that is recording, or died while it did.

    Attributes:
        first_seq: The sequence number of its first event.
    """

    first_seq: int


class ImportNote(_Stored):
    """The state of the import of a file.

    Attributes:
        version: The version of the format.
        source: The file.
        at: When this was noted.
        events: The number of its events that are recorded, without those of a run.
        is_finished: Whether they are all.
        is_damaged: Whether some of them were lost with a damaged journal.
        run: The run that is not settled yet.
    """

    version: int = VERSION
    source: ImportSource
    at: datetime
    events: int = 0
    is_finished: bool = False
    is_damaged: bool = False
    run: Run | None = None


class ImportNotes(NamedTuple):
    """The notes of a store. They are changed under the lock of its writer only."""

    base_path: Path

    def read(self, key: str) -> ImportNote | None:
        """The note of an import, if there is one.

        Raises:
            CorruptFileError: It cannot be read.
        """
        path = self._path(key)
        try:
            text = read_checked(path)
        except FileNotFoundError:
            return None
        try:
            note = ImportNote.model_validate_json(text)
        except ValueError as error:
            raise CorruptFileError(path, f"it is no note of an import: {error}") from error
        if note.version > VERSION:
            raise _LaterNoteError(path, f"its format has version {note.version}; this release reads up to {VERSION}")
        return note

    def unfinished(self) -> Iterator[str]:
        """The keys of imports that have not finished."""
        try:
            names = sorted(path.name for path in self._marks.iterdir())
        except FileNotFoundError:
            return
        yield from names

    def faults(self) -> Iterator[CorruptFileError]:
        """The errors of notes that cannot be read."""
        for path in sorted(self._folder.glob(f"*{_SUFFIX}")):
            try:
                self.read(path.name.removesuffix(_SUFFIX))
            except CorruptFileError as error:
                yield error

    def begin(self, source: ImportSource, *, events: int, first_seq: int) -> ImportNote:
        """Notes that an import records from here on, after so many events that are recorded.

        Raises:
            OSError: It cannot be noted.
        """
        note = ImportNote(source=source, at=datetime.now(UTC), events=events, run=Run(first_seq=first_seq))
        make_folder(self._marks)
        (self._marks / source.key).touch()
        sync_folder(self._marks)
        self._write(note)
        return note

    def finish(self, note: ImportNote, *, events: int) -> None:
        """Notes that an import has recorded all its events, durably.

        Raises:
            OSError: It cannot be noted.
        """
        update = {"at": datetime.now(UTC), "events": events, "is_finished": True, "run": None}
        self._write(note.model_copy(update=update))
        self.forget_unfinished(note.source.key)

    def settle(self, key: str, next_seq: int, *, is_damaged: bool, sync: Callable[[], None]) -> None:
        """Counts what an import has recorded, which ends before the next row; see `settle_imports`.

        Raises:
            CorruptFileError: The note cannot be read.
            OSError: It cannot be written.
        """
        note = self.read(key)
        if note is None or note.is_finished:
            self.forget_unfinished(key)
        elif note.run is not None:
            sync()
            recorded = max(0, next_seq - note.run.first_seq)
            update = {"events": note.events + recorded, "is_damaged": note.is_damaged or is_damaged, "run": None}
            self._write(note.model_copy(update=update | {"at": datetime.now(UTC)}))

    def forget_unfinished(self, key: str) -> None:
        """Forgets that an import has not finished; its note stays."""
        (self._marks / key).unlink(missing_ok=True)

    @property
    def _folder(self) -> Path:
        return self.base_path / FOLDER

    @property
    def _marks(self) -> Path:
        return self._folder / _UNFINISHED_IMPORTS

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}{_SUFFIX}"

    def _write(self, note: ImportNote) -> None:
        replace_checked(self._path(note.source.key), note.model_dump_json().encode())


class _LaterNoteError(CorruptFileError):
    """A note was written by a later release."""


def settle_imports(base_path: Path, next_seq: int, *, is_damaged: bool, sync: Callable[[], None]) -> None:
    """Counts what imports have recorded that did not finish, before anything else is recorded.

    A note that cannot be read is logged, and holds nobody up: only its own file cannot be imported then.

    Args:
        base_path: The store, whose lock is held.
        next_seq: The sequence number of the next row.
        is_damaged: Whether the journal is damaged.
        sync: Makes the journal durable, as it is.

    Raises:
        CorruptFileError: A note is of a later version.
        OSError: A note cannot be written.
    """
    notes = ImportNotes(base_path)
    for key in notes.unfinished():
        try:
            notes.settle(key, next_seq, is_damaged=is_damaged, sync=sync)
        except _LaterNoteError:
            raise
        except CorruptFileError as error:
            _log.error("%s; the file that it is about cannot be imported until it is removed", error)
