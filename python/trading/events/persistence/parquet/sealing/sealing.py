"""Sealing: the rows of segments become Parquet files, exactly once, even after a crash at any moment.

1. The files are written under names that no reader looks for, and read again.
2. The rows of which no columns can be made are quarantined (`quarantine.py`): from then on they are in a segment of
   their own.
3. The files get their names. The manifests of their days do not know them yet, so no reader looks at them.
4. They and the new manifests are synced.
5. Each day's manifest is renamed. From then on that day's rows of the segments are in files, not in the journal.
6. When all days are done the segments are removed, the oldest first.

After a crash before 5, the same is done again for that day, and the files of the first attempt are overwritten.
Quarantined rows are sealed from their own segment, in the same way, as soon as their class reads them.
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
from trading.events.persistence.parquet.journal.journal_tables import JournalTables
from trading.events.persistence.parquet.journal.topic_table import TopicTable
from trading.events.persistence.parquet.sealing.quarantine import write_quarantined
from trading.events.persistence.parquet.store.checked_text import UNFINISHED
from trading.events.persistence.parquet.store.durable_files import make_folder, sync_files
from trading.events.persistence.parquet.store.layout import day_folder, list_parts
from trading.events.persistence.parquet.store.manifest import (
    NAME,
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
"""Number of rows that cost about as much to seal as one more file."""


class _NewFile(NamedTuple):
    """A file that waits for its name."""

    temp: Path
    name: PartName
    sealed: SealedFile


def is_scattered(segment: Segment) -> bool:
    """Returns whether a segment that has ended would become many small files, by a sample of its rows.

    Raises:
        OSError: It cannot be read.
    """
    _, files = segment.sample(_SAMPLE_BYTES)
    rows = segment.limit - (segment.first_seq or 0)
    return files > _FEW_FILES and rows < files * _MANY_ROWS


def seal_segment(base_path: Path, segment: Segment) -> list[str]:
    """Puts the rows of a segment into files, and quarantines those that cannot be. The segment is left where it is.

    Returns:
        Descriptions of its damaged bytes, which are in no file.

    Raises:
        OSError, MemoryError, StoreError: A file cannot be written.
    """
    tables = JournalTables(segment.read())
    _seal(base_path, tables, Origin.of_segments([segment.number]))
    return tables.faults


def seal_together(base_path: Path, segments: Sequence[Segment]) -> bool:
    """Puts the rows of several segments into files, one for each day and topic. The segments are left where they are.

    Returns:
        Whether that was possible. If one of them is damaged, or some of a day's rows are in files already, nothing has
        been sealed, and each is to be sealed on its own.

    Raises:
        OSError, MemoryError, StoreError: A file cannot be written.
    """
    tables = JournalTables(read_together(list(segments)))
    if tables.faults:
        return False
    return _seal(base_path, tables, Origin.of_segments([segment.number for segment in segments]))


def seal_quarantined(base_path: Path, segment: Segment) -> bool:
    """Puts quarantined rows into files; those that still cannot be are quarantined anew.

    Returns:
        Whether some were sealed. The segment is then to be removed; else nothing has changed.

    Raises:
        OSError, MemoryError, StoreError: A file cannot be written.
    """
    rows = segment.read()
    tables, origin = JournalTables(rows), Origin.of_segments([segment.number])
    if tables.faults:
        return False
    written = _write_all(base_path, tables, origin) or {}
    still = tables.quarantined()
    if rows and len(still) == len(rows):
        return False
    write_quarantined(base_path, still, tables.rows)
    _commit(base_path, origin, written)
    return True


def _seal(base_path: Path, tables: JournalTables, origin: Origin) -> bool:
    written = _write_all(base_path, tables, origin)
    if written is None:
        return False
    write_quarantined(base_path, tables.quarantined(), tables.rows)
    _commit(base_path, origin, written)
    return True


def _write_all(base_path: Path, tables: JournalTables, origin: Origin) -> dict[Path, list[_NewFile]] | None:
    """The files of each day that is not sealed yet; None if a day is sealed for only some of the segments."""
    written: dict[Path, list[_NewFile]] = {}
    segments = origin.segments
    for day, topics in groupby(sorted(tables.topics, key=_day_of), key=_day_of):
        folder = day_folder(base_path, day)
        manifest = _find_day(folder)
        unsealed = frozenset(number for number in segments if not manifest.has_sealed(number))
        if unsealed == segments:
            files = [file for topic in topics for file in _try_to_write(base_path, topic, origin, tables)]
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


def _try_to_write(base_path: Path, topic: TopicTable, origin: Origin, tables: JournalTables) -> list[_NewFile]:
    """The file of a topic; none if no row of it is an event, or if no file can be made of them."""
    try:
        return list(_write(base_path, topic, origin))
    except (OSError, MemoryError, StoreError):
        raise
    except Exception as error:  # noqa: BLE001 - the rows are quarantined, so that they do not stop the others
        tables.give_up(topic, explain(error))
        return []


def _day_of(topic: TopicTable) -> date:
    return topic.day


def _open_day(base_path: Path, folder: Path) -> None:
    """Makes a day's folder and manifest, if there is none: files without a manifest would be a fault.

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
    """Finds names for new files of a day, under the commit lock.

    The number of a topic's part is above all in the manifest, and a merged file's is above those of its sources.
    So no name is used again, and a reader with an older manifest never takes another file for the one it wants.

    Args:
        folder: The day's folder.
        manifest: The day's manifest.
        origin: The origin of the files.

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
        """The name of a topic's next part: a free one, or that of a leftover of an attempt at the same."""
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
