"""Compaction: the files of one day and topic become one, sorted, while readers read and a writer writes.

The new file is written and synced beside the others; the rename of the day's manifest puts it in their stead; then they
are removed. A reader that still wanted one of them finds the same rows, in the same order, in the new one.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from os import PathLike
from pathlib import Path

import pyarrow as pa

from trading.events.errors import VanishedFileError
from trading.events.persistence.names import PartName, read_part_name
from trading.events.persistence.parquet.reading.part import read_part
from trading.events.persistence.parquet.sealing.sealing import FreeNames
from trading.events.persistence.parquet.store.checked_file import naming, read_rows
from trading.events.persistence.parquet.store.checked_text import UNFINISHED
from trading.events.persistence.parquet.store.durable_files import sync_files
from trading.events.persistence.parquet.store.layout import day_folder, list_days, list_parts
from trading.events.persistence.parquet.store.manifest import (
    NAME,
    Manifest,
    commit_manifest,
    prepare_manifest,
    read_manifest,
)
from trading.events.persistence.parquet.store.origin import Origin, find_merged
from trading.events.persistence.parquet.store.part_writer import write_part
from trading.events.persistence.parquet.store.store_lock import committing
from trading.events.persistence.parquet.store.store_path import existing_store
from trading.events.persistence.schema.stored_schema import SEQ

_IN_ORDER = [("timestamp", "ascending"), (SEQ, "ascending")]


@dataclass(frozen=True, slots=True)
class Compaction:
    """The result of a compaction.

    Attributes:
        merged: The number of files that were replaced.
        made: The number of files that replace them.
        rows: The number of their events.
    """

    merged: int = 0
    made: int = 0
    rows: int = 0

    def __add__(self, other: "Compaction") -> "Compaction":
        return Compaction(self.merged + other.merged, self.made + other.made, self.rows + other.rows)


def compact(base_path: str | PathLike[str], *, start: date | None = None, end: date | None = None) -> Compaction:
    """Merges the files of each day and topic into one. It needs as much memory as the largest of these in columns.

    Files whose columns differ, because the event's class has changed in between, are not merged with each other.

    Args:
        base_path: The store.
        start: First day, in UTC; by default that of the oldest event.
        end: First day that is too late; by default there is none.

    Raises:
        StorePathError: There is no such folder, or it is no store.
        CorruptFileError: A file cannot be read. It and the others of its topic are as they were.
        OSError: A file cannot be written. No event is lost.
    """
    base_path = existing_store(base_path)
    done = Compaction()
    with naming(base_path):
        days = list_days(base_path)
    for day in days:
        if (start is None or day >= start) and (end is None or day < end):
            done += _compact_day(base_path, day)
    return done


def _compact_day(base_path: Path, day: date) -> Compaction:
    folder = day_folder(base_path, day)
    try:
        manifest = read_manifest(folder)
    except FileNotFoundError:
        return Compaction()
    _remove_merged(base_path, folder)
    done = Compaction()
    for names in _several(manifest):
        try:
            done += _merge(base_path, day, names)
        except VanishedFileError:
            continue  # another compaction was faster
    return done


def _several(manifest: Manifest) -> Iterator[list[str]]:
    """The names of the files of each topic that has more than one."""
    by_topic = defaultdict[PartName, list[str]](list)
    for file in manifest.files:
        if (name := read_part_name(file.name)) is not None:
            by_topic[name._replace(number=1)].append(file.name)
    return (names for names in by_topic.values() if len(names) > 1)


def _merge(base_path: Path, day: date, names: list[str]) -> Compaction:
    folder = day_folder(base_path, day)
    known = {file.name: file for file in read_manifest(folder).files}
    if not known.keys() >= set(names):
        return Compaction()
    by_description = defaultdict[frozenset[tuple[bytes, bytes]], dict[str, pa.Table]](dict)
    for name in names:
        with naming(folder / name):
            table = read_rows(folder / name, known[name].crc32c)
            read_part(folder / name, day, known[name].size_bytes)
        description = {key: value for key, value in (table.schema.metadata or {}).items() if not Origin.is_key(key)}
        by_description[frozenset(description.items())][name] = table.replace_schema_metadata(description)
    done = Compaction()
    for tables in by_description.values():
        if len(tables) > 1:
            done += _replace(base_path, folder, tables)
    return done


def _replace(base_path: Path, folder: Path, tables: dict[str, pa.Table]) -> Compaction:
    origin = Origin(merged=tuple(tables))
    merged = pa.concat_tables(tables.values()).sort_by(_IN_ORDER)
    first = read_part_name(next(iter(tables)))
    if first is None:
        return Compaction()
    schema = merged.schema.with_metadata((merged.schema.metadata or {}) | origin.to_metadata())
    temp = folder / f".merged_{first}{UNFINISHED}"
    sealed = write_part([merged], temp, name=str(first), schema=schema)
    with committing(base_path):
        manifest = read_manifest(folder)
        if not tables.keys() <= {file.name for file in manifest.files}:
            temp.unlink()
            return Compaction()
        name = FreeNames(folder, manifest, origin).find(first)
        temp.rename(folder / name)
        prepare_manifest(folder, manifest.with_merged(set(tables), sealed.model_copy(update={"name": name})))
        sync_files([folder / name, folder / (NAME + UNFINISHED)], base_path)
        commit_manifest(folder)
    for old in tables:
        (folder / old).unlink(missing_ok=True)
    return Compaction(len(tables), 1, merged.num_rows)


def _remove_merged(base_path: Path, folder: Path) -> None:
    """Removes the leftovers of a killed compaction: merged files, or an uncommitted one."""
    with committing(base_path):
        known = {file.name for file in read_manifest(folder).files}
        for stray in find_merged(folder, known, [path for path in list_parts(folder) if path.name not in known]):
            stray.unlink()
