"""Events on their way to files: as columns in memory, by class and day, until rotation makes files of them."""

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from trading.events.base import BaseEvent
from trading.events.errors import UnstorableEventError
from trading.events.persistence.layout import day_folder, name_part
from trading.events.persistence.part_writer import make_folder, sync_folder, write_part
from trading.events.persistence.rotation import RotationPolicy
from trading.events.persistence.schema import EventSchema, Record, event_schema
from trading.events.persistence.stored_schema import SEQ

TEMP_NAME = ".unfinished"
"""The file that is being written, in the store's folder; it gets its name and place when it is whole."""

_MAX_REMEMBERED_PATHS = 10_000

_BY_TOPIC = [(name, "ascending") for name in ("exchange", "symbol", "timestamp", SEQ)]


@dataclass(slots=True)
class _Group:
    """Events of one class and day."""

    since_s: float
    tables: list[pa.Table] = field(default_factory=list[pa.Table])
    rows: int = 0
    size_bytes: int = 0


class _Job(NamedTuple):
    """A file to be written."""

    schema: EventSchema
    day: date
    exchange: str | None
    symbol: str | None
    table: pa.Table


class WaitingEvents:
    """Not safe for use by several threads at once."""

    def __init__(self, base_path: Path, rotation: RotationPolicy) -> None:
        self._base_path = base_path
        self._rotation = rotation
        self._groups: dict[tuple[type[BaseEvent], date], _Group] = {}
        self._jobs: deque[_Job] = deque()
        self._last_numbers: dict[Path, int] = {}

    @property
    def is_full(self) -> bool:
        """Whether they take as much memory as they may."""
        waiting = sum(group.size_bytes for group in self._groups.values()) + sum(job.table.nbytes for job in self._jobs)
        return waiting >= self._rotation.size_bytes

    @property
    def due_s(self) -> float | None:
        """When `write_due` has something to do, on the clock of `add`; None if nothing waits."""
        if self._jobs or self.is_full or any(group.rows >= self._rotation.rows for group in self._groups.values()):
            return 0.0
        return min((group.since_s + self._rotation.age_s for group in self._groups.values()), default=None)

    def add(self, records: Sequence[Record], *, now_s: float) -> list[UnstorableEventError]:
        """Takes events, and returns an error for each that no column can hold; those are not taken."""
        refused: list[UnstorableEventError] = []
        by_group: defaultdict[tuple[type[BaseEvent], date], list[Record]] = defaultdict(list)
        for record in records:
            moment: object = getattr(record.event, "timestamp", None)
            if isinstance(moment, datetime) and moment.tzinfo is UTC:
                by_group[type(record.event), moment.date()].append(record)
            else:
                refused.append(_refuse(record, f"its timestamp, {moment!r}, is no datetime in UTC"))
        for key, group_records in by_group.items():
            for table in _encode(event_schema(key[0]), group_records, refused):
                group = self._groups.setdefault(key, _Group(now_s))
                group.tables.append(table)
                group.rows += table.num_rows
                group.size_bytes += table.nbytes
        return refused

    def write_due(self, *, now_s: float) -> None:
        """Writes what rotation calls for.

        Raises:
            OSError, pyarrow.ArrowException, CorruptFileError: A file cannot be written. It and those after it wait on.
        """
        rotation, full = self._rotation, self.is_full
        for key, group in list(self._groups.items()):
            if full or group.rows >= rotation.rows or now_s - group.since_s >= rotation.age_s:
                self._rotate(key)
        self._write()

    def write_all(self) -> None:
        """Writes everything.

        Raises:
            OSError, pyarrow.ArrowException, CorruptFileError: A file cannot be written. It and those after it wait on.
        """
        for key in list(self._groups):
            self._rotate(key)
        self._write()

    def _rotate(self, key: tuple[type[BaseEvent], date]) -> None:
        event_class, day = key
        table = pa.concat_tables(self._groups[key].tables).sort_by(_BY_TOPIC)
        schema = event_schema(event_class)
        self._jobs += [_Job(schema, day, exchange, symbol, rows) for exchange, symbol, rows in _split(table)]
        del self._groups[key]

    def _write(self) -> None:
        while self._jobs:
            try:
                folder = self._write_file(self._jobs[0])
            except Exception:
                self._jobs.rotate(-1)  # if the fault is in this one, the others get their turn
                raise
            self._jobs.popleft()  # at once: from here on, a repetition would store the events twice
            sync_folder(folder)

    def _write_file(self, job: _Job) -> Path:
        """Makes a file of a job, and returns its folder."""
        temp = self._base_path / TEMP_NAME
        write_part(job.table.replace_schema_metadata(job.schema.describe(job.exchange, job.symbol)), temp)
        path = self._free_path(job)
        make_folder(path.parent)
        temp.rename(path)
        return path.parent

    def _free_path(self, job: _Job) -> Path:
        """Where no file is yet."""
        name = name_part(job.schema.event_type, job.exchange, job.symbol)
        first = day_folder(self._base_path, job.day) / str(name)
        number = self._last_numbers.get(first, 0) + 1
        while (path := first.with_name(str(name._replace(number=number)))).exists():
            number += 1
        if len(self._last_numbers) >= _MAX_REMEMBERED_PATHS:
            self._last_numbers.clear()
        self._last_numbers[first] = number
        return path


def _encode(schema: EventSchema, records: list[Record], refused: list[UnstorableEventError]) -> Iterator[pa.Table]:
    """The records as tables, without those that cannot be encoded, which are looked for by halving."""
    try:
        yield schema.encode(records)
    except Exception as error:  # noqa: BLE001 - whatever it is, it must not take the other events with it
        if len(records) == 1:
            refused.append(_refuse(records[0], str(error)))
            return
        middle = len(records) // 2
        yield from _encode(schema, records[:middle], refused)
        yield from _encode(schema, records[middle:], refused)


def _refuse(record: Record, reason: str) -> UnstorableEventError:
    name, event_id = type(record.event).__name__, getattr(record.event, "event_id", "without an id")
    return UnstorableEventError(f"{name} {event_id} has not been stored: {reason}")


def _split(table: pa.Table) -> Iterator[tuple[str | None, str | None, pa.Table]]:
    """The rows of each exchange and symbol, of a table sorted by these."""
    topics = zip(table.column("exchange").to_pylist(), table.column("symbol").to_pylist(), strict=True)
    start = 0
    for (exchange, symbol), rows in groupby(topics):
        count = sum(1 for _ in rows)
        yield exchange, symbol, table.slice(start, count)
        start += count
