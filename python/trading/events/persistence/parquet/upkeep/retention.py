"""Retention: days that are too old are removed."""

from datetime import date
from os import PathLike
from pathlib import Path

from trading.events.persistence.parquet.journal.journal import open_segments
from trading.events.persistence.parquet.store.checked_file import naming
from trading.events.persistence.parquet.store.layout import day_folder, list_days, list_parts
from trading.events.persistence.parquet.store.manifest import NAME, read_manifest, replace_manifest
from trading.events.persistence.parquet.store.store_lock import committing
from trading.events.persistence.parquet.store.store_path import existing_store


def remove_days(base_path: str | PathLike[str], *, before: date) -> list[date]:
    """Removes the files of all days before one, a day at a time, safely while others read and write.

    Events of such days that are still in the journal stay, and are sealed as ever.

    Args:
        base_path: The store.
        before: First day that stays, in UTC.

    Returns:
        The removed days.

    Raises:
        StorePathError: There is no such folder, or it is no store.
        CorruptFileError: A manifest cannot be read.
        OSError: A file cannot be removed.
    """
    base_path = existing_store(base_path)
    with naming(base_path):
        days = [day for day in list_days(base_path) if day < before]
    return [day for day in days if _remove_day(base_path, day_folder(base_path, day))]


def _remove_day(base_path: Path, folder: Path) -> bool:
    with committing(base_path):
        live = [segment.number for segment in open_segments(base_path)]
        try:
            manifest = read_manifest(folder)
        except FileNotFoundError:
            _remove_empty(folder)  # which a removal that was killed has left
            return False
        replace_manifest(folder, manifest.model_copy(update={"files": ()}))
        for path in list_parts(folder):
            path.unlink()
        if any(map(manifest.has_sealed, live)):
            return True  # the manifest keeps what those segments still hold of this day from being read again
        (folder / NAME).unlink()
        _remove_empty(folder)
    return True


def _remove_empty(folder: Path) -> None:
    for empty in (folder, *folder.parents[:2]):
        if any(empty.iterdir()):
            break
        empty.rmdir()
