"""Sealing: the rows of segments become Parquet files, once, whatever moment a crash comes at.

1. The files are written under names that no reader looks for, and read again.
2. The rows of which no columns can be made are set apart (`set_apart.py`). From then on they are rows of that segment.
3. The files get their names. The manifests of their days do not know them yet, so no reader looks at them.
4. They and the new manifests are synced.
5. Each day's manifest is renamed. From then on that day's rows of the segments are in files, not in the journal.
6. When all days are done the segments are removed, the oldest first.

After a crash before 5, the same is done again for that day, and the files of the first attempt are overwritten. Rows
that are set apart are sealed from their own segment, in the same way, as soon as their class reads them.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import chain, count, groupby
from pathlib import Path
from typing import NamedTuple

from trading.events._core import Segment, read_together
from trading.events.errors import StoreError
from trading.events.persistence.names import PartName, name_part, read_part_name
from trading.events.persistence.parquet.journal.journal_tables import Tabulation, TopicTable
from trading.events.persistence.parquet.sealing.quarantine import write_apart
from trading.events.persistence.parquet.store.durable_files import make_folder, sync_files
from trading.events.persistence.parquet.store.layout import day_folder, list_parts
from trading.events.persistence.parquet.store.manifest import (
    NAME,
    UNFINISHED,
    Manifest,
    SealedFile,
    commit_manifest,
    prepare_manifest,
    read_manifest,
    replace_manifest,
)
from trading.events.persistence.parquet.store.origin import Origin, is_leftover
from trading.events.persistence.parquet.store.part_writer import write_part
from trading.events.persistence.parquet.store.store_lock import committing
from trading.events.persistence.refusal import explain

_SAMPLE_BYTES = 1024 * 1024
_FEW_FILES = 64
_MANY_ROWS = 1_000
"""So many rows cost about as much to seal as a file of its own."""


class _NewFile(NamedTuple):
    """A file that waits for its name."""

    temp: Path
    name: PartName
    sealed: SealedFile


def is_scattered(segment: Segment) -> bool:
    """Whether a segment that has ended would become many small files, by a sample of its rows.

    Raises:
        OSError: It cannot be read.
    """
    _, files = segment.sample(_SAMPLE_BYTES)
    rows = segment.limit - (segment.first_seq or 0)
    return files > _FEW_FILES and rows < files * _MANY_ROWS


def seal_segment(base_path: Path, segment: Segment) -> list[str]:
    """Puts the rows of a segment into files, and sets apart those that cannot be. The segment is left where it is.

    Returns:
        What is damaged in it: none of that is in the files.

    Raises:
        OSError, MemoryError, StoreError: A file cannot be written.
    """
    tabulation = Tabulation(segment.read())
    _seal(base_path, tabulation, Origin.of_segments([segment.number]))
    return tabulation.faults


def seal_together(base_path: Path, segments: Sequence[Segment]) -> bool:
    """Puts the rows of several segments into files, one for each day and topic. The segments are left where they are.

    Returns:
        Whether that could be. Where one of them is damaged, or some of a day's rows are in files already, nothing has
        been sealed, and each is to be sealed on its own.

    Raises:
        OSError, MemoryError, StoreError: A file cannot be written.
    """
    tabulation = Tabulation(read_together(list(segments)))
    if tabulation.faults:
        return False
    return _seal(base_path, tabulation, Origin.of_segments([segment.number for segment in segments]))


def seal_apart(base_path: Path, segment: Segment) -> bool:
    """Puts rows that were set apart into files, and sets those apart anew that still cannot be.

    Returns:
        Whether there was one that can be. The segment is then to be removed; else nothing has changed.

    Raises:
        OSError, MemoryError, StoreError: A file cannot be written.
    """
    rows = segment.read()
    tabulation, origin = Tabulation(rows), Origin.of_segments([segment.number])
    if tabulation.faults:
        return False
    written = _write_all(base_path, tabulation, origin) or {}
    apart = tabulation.apart()
    if rows and len(apart) == len(rows):
        return False
    write_apart(base_path, apart, tabulation.rows)
    _commit(base_path, origin, written)
    return True


def _seal(base_path: Path, tabulation: Tabulation, origin: Origin) -> bool:
    written = _write_all(base_path, tabulation, origin)
    if written is None:
        return False
    write_apart(base_path, tabulation.apart(), tabulation.rows)
    _commit(base_path, origin, written)
    return True


def _write_all(base_path: Path, tabulation: Tabulation, origin: Origin) -> dict[Path, list[_NewFile]] | None:
    """The files of each day that has not been sealed; None where a day has been for some of the segments only."""
    written: dict[Path, list[_NewFile]] = {}
    segments = origin.segments
    for day, topics in groupby(sorted(tabulation.topics, key=_day_of), key=_day_of):
        folder = day_folder(base_path, day)
        manifest = _find_day(folder)
        unsealed = frozenset(number for number in segments if not manifest.has_sealed(number))
        if unsealed == segments:
            files = [file for topic in topics for file in _try_to_write(base_path, topic, origin, tabulation)]
            if files:
                written[folder] = files
        elif unsealed:
            return None
    return written


def _find_day(folder: Path) -> Manifest:
    try:
        return read_manifest(folder)
    except FileNotFoundError:
        return Manifest()


def _try_to_write(base_path: Path, topic: TopicTable, origin: Origin, tabulation: Tabulation) -> list[_NewFile]:
    """The file of a topic; none if no row of it is an event, or no file can be made of them, whatever the disk does."""
    try:
        return list(_write(base_path, topic, origin))
    except (OSError, MemoryError, StoreError):
        raise
    except Exception as error:  # noqa: BLE001 - the rows are set apart, so that they do not stop the others
        tabulation.give_up(topic, explain(error))
        return []


def _day_of(topic: TopicTable) -> date:
    return topic.day


def _open_day(base_path: Path, folder: Path) -> None:
    """Makes a day's folder and manifest, if there is none: a folder with files and no manifest would be a broken day.

    Raises:
        OSError: It cannot be made.
    """
    if (folder / NAME).exists():
        return
    with committing(base_path):
        make_folder(folder)
        if not (folder / NAME).exists():
            replace_manifest(folder, Manifest())


class FreeNames:
    """Finds names for new files of a day, while nobody else may name any.

    The number of a topic's part is above all that the manifest names, and a merged file's is above those it is made of.
    So no name is given again, and a reader who knows an older manifest never takes another file for the one it wants.

    Args:
        folder: The day's.
        manifest: The day's.
        origin: What the files are made of.

    Raises:
        OSError: The folder cannot be read.
    """

    def __init__(self, folder: Path, manifest: Manifest, origin: Origin) -> None:
        self._folder = folder
        self._origin = origin
        self._there = {path.name for path in list_parts(folder)}
        self._last = Counter[PartName]()
        for name in filter(None, (read_part_name(file.name) for file in manifest.files)):
            topic = name._replace(number=1)
            self._last[topic] = max(self._last[topic], name.number)

    def find(self, name: PartName) -> str:
        """The name of a topic's next part: one that is not there, or is what an attempt at the same has left."""
        numbers = count(self._last[name._replace(number=1)] + 1)
        names = (str(name._replace(number=number)) for number in numbers)
        return next(free for free in names if free not in self._there or is_leftover(self._folder / free, self._origin))


def _write(base_path: Path, topic: TopicTable, origin: Origin) -> Iterator[_NewFile]:
    """One file, or none if none of the rows is an event."""
    folder = day_folder(base_path, topic.day)
    chunks = topic.chunks()
    first = next(chunks, None)
    if first is None:
        return
    whole = chain([first], chunks)
    del first  # so that it is freed when it has been written
    name = name_part(topic.schema.event_type, topic.exchange, topic.symbol)
    temp = folder / f".{name}{UNFINISHED}"
    _open_day(base_path, folder)
    metadata = topic.schema.describe(topic.exchange, topic.symbol) | origin.to_metadata()
    schema = topic.schema.arrow.with_metadata(metadata)
    yield _NewFile(temp, name, write_part(whole, temp, name=str(name), schema=schema))


def _commit(base_path: Path, origin: Origin, written: dict[Path, list[_NewFile]]) -> None:
    if not written:
        return
    with committing(base_path):
        made: list[Path] = []
        for folder, files in written.items():
            manifest = read_manifest(folder)
            free = FreeNames(folder, manifest, origin)
            named: list[SealedFile] = []
            for file in files:
                name = free.find(file.name)
                made.append(folder / name)
                file.temp.rename(made[-1])
                named.append(file.sealed.model_copy(update={"name": name}))
            prepare_manifest(folder, manifest.with_segments(sorted(origin.segments), named))
            made.append(folder / (NAME + UNFINISHED))
        sync_files(made, base_path)
        for folder in written:
            commit_manifest(folder)
