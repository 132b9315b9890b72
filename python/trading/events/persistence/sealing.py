"""Sealing: the rows of a segment become Parquet files, once, whatever moment a crash comes at.

1. The files are written under names that no reader looks for, and read again.
2. They get their names. The manifests of their days do not know them yet, so no reader looks at them.
3. They and the new manifests are synced.
4. Each day's manifest is renamed. From then on that day's rows of the segment are in files, not in the journal.
5. When all days are done the segment is removed.

After a crash before 4, the same is done again for that day, and the files of the first attempt are overwritten.
"""

from collections import defaultdict
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from trading.events._core import Segment
from trading.events.errors import UnsealableSegmentError
from trading.events.persistence.folder import make_folder, sync_files
from trading.events.persistence.layout import PartName, day_folder, name_part
from trading.events.persistence.manifest import (
    NAME,
    UNFINISHED,
    Manifest,
    SealedFile,
    commit_manifest,
    prepare_manifest,
    read_manifest,
    replace_manifest,
)
from trading.events.persistence.origin import Origin, is_leftover
from trading.events.persistence.part_writer import write_part
from trading.events.persistence.row import UnknownRowError
from trading.events.persistence.store_lock import committing
from trading.events.persistence.tabulation import Tabulation, TopicTable


class _NewFile(NamedTuple):
    """A file that waits for its name."""

    temp: Path
    name: PartName
    sealed: SealedFile


def seal_segment(base_path: Path, segment: Segment) -> list[str]:
    """Puts the rows of a segment into files. The segment itself is left where it is.

    Returns:
        What is wrong with it: none of that is in the files.

    Raises:
        UnsealableSegmentError: A row of it is of a type that no class here is for. Nothing has been sealed.
        OSError, pyarrow.ArrowException, CorruptFileError: A file cannot be written.
    """
    try:
        tabulation = Tabulation(segment.read())
    except UnknownRowError as error:
        raise UnsealableSegmentError(segment.path, str(error)) from error
    origin = Origin(segment=segment.number)
    is_sealed: dict[Path, bool] = {}
    written = defaultdict[Path, list[_NewFile]](list)
    for topic in tabulation.topics:
        folder = day_folder(base_path, topic.day)
        if folder not in is_sealed:
            is_sealed[folder] = open_day(base_path, folder).has_sealed(segment.number)
        if not is_sealed[folder]:
            written[folder] += _write(folder, topic, origin)
    if written:
        _commit(base_path, origin, written)
    return tabulation.faults


def open_day(base_path: Path, folder: Path) -> Manifest:
    """The manifest of a day, made if there is none: a folder with files and no manifest would be a broken day.

    Raises:
        OSError, CorruptFileError: There is none that can be read or made.
    """
    try:
        return read_manifest(folder)
    except FileNotFoundError:
        with committing(base_path):
            make_folder(folder)
            if not (folder / NAME).exists():
                replace_manifest(folder, Manifest())
        return read_manifest(folder)


def free_name(folder: Path, name: PartName, manifest: Manifest, origin: Origin) -> PartName:
    """The name of the first part of a topic's day that is not there yet, or is left of the same attempt."""
    known = {file.name for file in manifest.files}
    number = 1
    while True:
        free = name._replace(number=number)
        path = folder / str(free)
        if str(free) not in known and (not path.exists() or is_leftover(path, origin)):
            return free
        number += 1


def _write(folder: Path, topic: TopicTable, origin: Origin) -> Iterator[_NewFile]:
    """One file, or none if none of the rows is an event."""
    chunks = topic.chunks()
    first = next(chunks, None)
    if first is None:
        return
    whole = chain([first], chunks)
    del first  # so that it is freed when it has been written
    name = name_part(topic.schema.event_type, topic.exchange, topic.symbol)
    temp = folder / f".{name}{UNFINISHED}"
    metadata = topic.schema.describe(topic.exchange, topic.symbol) | origin.to_metadata()
    schema = topic.schema.arrow.with_metadata(metadata)
    yield _NewFile(temp, name, write_part(whole, temp, name=str(name), schema=schema))


def _commit(base_path: Path, origin: Origin, written: dict[Path, list[_NewFile]]) -> None:
    with committing(base_path):
        made: list[Path] = []
        for folder, files in written.items():
            manifest = read_manifest(folder)
            named: list[SealedFile] = []
            for file in files:
                name = free_name(folder, file.name, manifest, origin)
                file.temp.rename(folder / str(name))
                named.append(file.sealed.model_copy(update={"name": str(name)}))
                made.append(folder / str(name))
            prepare_manifest(folder, manifest.with_segment(origin.segment, named))
            made.append(folder / (NAME + UNFINISHED))
        sync_files(made, base_path)
        for folder in written:
            commit_manifest(folder)
