"""Several files merged: their events by timestamp, ties in the order of recording, in bounded memory.

Files are opened when the merge gets to their first event. At most `_MAX_OPEN` are kept open between two batches of
rows; any more are opened again for every batch. However many files there are, about `_ROWS` rows wait as columns and
`_EVENTS` as events.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Generator, Iterator
from heapq import heapify, heappop, heapreplace
from typing import NamedTuple

import pyarrow as pa

from trading.events.base import BaseEvent, event_class
from trading.events.errors import StoreError, UnknownEventTypeError, VanishedFileError
from trading.events.persistence.part import OpenFiles, Part, naming
from trading.events.persistence.schema import event_schema
from trading.events.persistence.selection import Selection
from trading.events.persistence.stored_schema import SEQ

_MAX_OPEN = 200
_ROWS = 2**19
_LEAST_BATCH_ROWS, _MOST_BATCH_ROWS = 256, 65_536
_EVENTS = 2**15
_LEAST_CHUNK_ROWS, _MOST_CHUNK_ROWS = 8, 1_024


class _Entry(NamedTuple):
    """The next event of a stream; without an event it is only known not to come before `micros`."""

    micros: int
    seq: int
    stream: int
    event: BaseEvent | None


Key = tuple[int, int]
"""The place of an event in the order: its timestamp, in microseconds since 1970, and its `_seq`."""


def merge(
    parts: list[Part], selection: Selection, report: Callable[[StoreError], None], *, after: Key | None = None
) -> Iterator[tuple[Key, BaseEvent]]:
    """The events of a range of time in some files, in order.

    Args:
        parts: The files.
        selection: The range.
        report: Told of each file that cannot be read to its end; the others go on.
        after: Where to begin, if not at the beginning.

    Raises:
        VanishedFileError: One of them has gone. The events go on, after the last key, in what has replaced it.
    """
    pace = _Pace.sharing(len(parts))
    streams = [_read(part, selection, pace, after) for part in parts]
    heap = [
        _Entry(groups[0].first, -1, i, None) for i, part in enumerate(parts) if (groups := part.groups_in(selection))
    ]
    heapify(heap)
    try:
        while heap:
            entry = heap[0]
            if entry.event is not None:
                yield (entry.micros, entry.seq), entry.event
            try:
                micros, seq, event = next(streams[entry.stream])
            except StopIteration:
                heappop(heap)
            except VanishedFileError:
                raise
            except StoreError as error:
                report(error)
                heappop(heap)
            else:
                heapreplace(heap, _Entry(micros, seq, entry.stream, event))
    finally:
        for stream in streams:
            stream.close()


class _Pace(NamedTuple):
    """How far each stream reads ahead."""

    open_files: OpenFiles
    batch_rows: int
    chunk_rows: int

    @classmethod
    def sharing(cls, streams: int) -> "_Pace":
        each = max(streams, 1)
        return cls(
            OpenFiles(_MAX_OPEN),
            batch_rows=min(max(_ROWS // each, _LEAST_BATCH_ROWS), _MOST_BATCH_ROWS),
            chunk_rows=min(max(_EVENTS // each, _LEAST_CHUNK_ROWS), _MOST_CHUNK_ROWS),
        )


def _read(part: Part, selection: Selection, pace: _Pace, after: Key | None) -> Generator[tuple[int, int, BaseEvent]]:
    """The events of one file, each after its timestamp and place in the order of recording."""
    found = event_class(part.topic.event_type)
    if found is None:
        raise UnknownEventTypeError(part.path, part.topic.event_type)
    schema = event_schema(found)
    groups = part.groups_in(selection)
    before = (groups[0].first, -1)
    for batch in part.batches(groups, rows=pace.batch_rows, open_files=pace.open_files):
        with naming(part.path):
            keys = _read_keys(batch, before=before, last=groups[-1].last)
        before = keys[-1]
        low = 0 if selection.start is None else bisect_left(keys, (selection.start,))
        low = low if after is None else max(low, bisect_right(keys, after))
        high = len(keys) if selection.end is None else bisect_left(keys, (selection.end,))
        for start in range(low, high, pace.chunk_rows):
            end = min(start + pace.chunk_rows, high)
            with naming(part.path):
                events = schema.decode(batch.slice(start, end - start), part.columns)
            for (micros, seq), event in zip(keys[start:end], events, strict=True):
                yield micros, seq, event


def _read_keys(batch: pa.RecordBatch, *, before: tuple[int, int], last: int) -> list[tuple[int, int]]:
    times, seqs = batch.column("timestamp"), batch.column(SEQ)
    if times.null_count or seqs.null_count:
        raise ValueError(f"a row has no timestamp or no {SEQ}")
    keys = list(zip(times.cast(pa.int64()).to_pylist(), seqs.to_pylist(), strict=True))
    if keys[0] < before or keys != sorted(keys) or keys[-1][0] > last:
        raise ValueError("its rows are not in the order of time, or not of the times that its footer says")
    return keys
