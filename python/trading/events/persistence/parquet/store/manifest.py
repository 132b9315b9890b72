"""The manifest of a day: which files hold its events. A file that it does not name does not belong to the store.

The manifest is replaced by a rename, and that is the commit: of a sealed segment, of a compaction, of a removal.
"""

import os
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from trading.events.errors import CorruptFileError
from trading.events.persistence.parquet.store.checked_text import UNFINISHED, read_checked, with_checksum
from trading.events.persistence.parquet.store.durable_files import sync_folder

NAME = "_manifest"
VERSION = 1
"""The version of the manifests that are written here. Later versions are refused."""


class _Stored(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class SealedFile(_Stored):
    """One file of a day.

    Attributes:
        name: Its name in the day's folder.
        size_bytes: Its size.
        crc32c: The checksum of all its bytes.
        footer_crc32c: The checksum of its footer and all that follows; None in a manifest that does not say.
        rows: The number of its events.
        first: Least timestamp, in microseconds since 1970.
        last: Greatest timestamp.
        first_seq: Least sequence number.
        last_seq: Greatest sequence number.
    """

    name: str
    size_bytes: int
    crc32c: int
    footer_crc32c: int | None = None
    rows: int
    first: int
    last: int
    first_seq: int
    last_seq: int


class Manifest(_Stored):
    """The sealed files and segments of a day.

    Attributes:
        version: The version of the format.
        files: The day's files, by name.
        sealed: The segments of the journal whose events of this day are in files: runs of numbers, both ends included.
    """

    version: int = VERSION
    files: tuple[SealedFile, ...] = ()
    sealed: tuple[tuple[int, int], ...] = ()

    def has_sealed(self, segment: int) -> bool:
        """Returns whether the events of this day in a segment are in files."""
        index = bisect_right(self.sealed, (segment, 2**64)) - 1
        return index >= 0 and self.sealed[index][0] <= segment <= self.sealed[index][1]

    def with_segments(self, segments: Sequence[int], files: list[SealedFile]) -> "Manifest":
        """The manifest after segments have been sealed into these files."""
        runs: list[tuple[int, int]] = []
        for first, last in sorted([*self.sealed, *((segment, segment) for segment in segments)]):
            if runs and first <= runs[-1][1] + 1:
                runs[-1] = (runs[-1][0], max(last, runs[-1][1]))
            else:
                runs.append((first, last))
        return self._with(files=(*self.files, *files), sealed=tuple(runs))

    def with_merged(self, names: set[str], merged: SealedFile) -> "Manifest":
        """The manifest after some files have been merged into one."""
        return self._with(files=(*(file for file in self.files if file.name not in names), merged), sealed=self.sealed)

    def _with(self, *, files: tuple[SealedFile, ...], sealed: tuple[tuple[int, int], ...]) -> "Manifest":
        return Manifest(files=tuple(sorted(files, key=lambda file: file.name)), sealed=sealed)


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a day's folder.

    Raises:
        FileNotFoundError: It has none.
        CorruptFileError: It cannot be read.
    """
    path = folder / NAME
    text = read_checked(path)
    try:
        manifest = Manifest.model_validate_json(text)
    except ValueError as error:
        raise CorruptFileError(path, f"it is no manifest: {error}") from error
    if manifest.version > VERSION:
        raise CorruptFileError(path, f"its format has version {manifest.version}; this release reads up to {VERSION}")
    return manifest


def prepare_manifest(folder: Path, manifest: Manifest) -> None:
    """Writes a manifest beside the current one, not yet durably.

    Raises:
        OSError: It cannot be written.
    """
    text = manifest.model_dump_json().encode()
    (folder / (NAME + UNFINISHED)).write_bytes(with_checksum(text))


def commit_manifest(folder: Path) -> None:
    """Makes the manifest that was prepared and synced the current one, durably.

    Raises:
        OSError: The rename or the sync failed; after a loss of power either manifest may count.
    """
    (folder / (NAME + UNFINISHED)).rename(folder / NAME)
    sync_folder(folder)


def replace_manifest(folder: Path, manifest: Manifest) -> None:
    """Prepares a manifest, syncs it and commits it.

    Raises:
        OSError: A system call failed.
    """
    prepare_manifest(folder, manifest)
    with (folder / (NAME + UNFINISHED)).open("rb") as file:
        os.fsync(file.fileno())
    commit_manifest(folder)
