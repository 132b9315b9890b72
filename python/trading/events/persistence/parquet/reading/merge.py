"""Several files merged: their events by timestamp, ties in the order of recording, in bounded memory.

Each file is a stream of batches of rows. A step takes batches from the streams that come first until there are enough,
and hands out what is before all that is still to come: in one piece for each kind of rows, decoded some at a time.

However many files overlap, about `_ROWS` of their rows wait. At most `_MAX_OPEN` files stay open between two of their
batches; any more are opened again for each. Where so many overlap that their batches would be too small to be worth
that, larger ones are taken, and wait in temporary files; then none stays open.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Generator, Sequence
from heapq import heapify, heappop, heappush
from math import inf
from operator import lt
from typing import NamedTuple

import pyarrow as pa

from trading.events.base import BaseEvent, event_class
from trading.events.errors import StoredEventError, StoreError, UnknownEventTypeError, VanishedFileError
from trading.events.persistence.parquet.reading.merge_buffer import Arrival, Key, MergeBuffer, integers, micros_of
from trading.events.persistence.parquet.reading.part import OpenFiles, Part
from trading.events.persistence.parquet.reading.spill import Spill
from trading.events.persistence.parquet.reading.table import is_ordered
from trading.events.persistence.parquet.store.checked_file import naming
from trading.events.persistence.refusal import explain
from trading.events.persistence.schema.decoding import Kind, is_native
from trading.events.persistence.schema.stored_schema import SEQ
from trading.events.persistence.selection import Selection

_MAX_OPEN = 24
_ROWS = 2**18
_STEP_ROWS = 2**16
_LEAST_BATCH_ROWS, _MOST_BATCH_ROWS = 8_192, 32_768
_LEAST_SPILLED_ROWS = 64
_FEW_ROWS = 1_024
"""Up to this number of rows, comparing them here is faster than calling Arrow."""


class Chunk(NamedTuple):
    """Some events in order, and the key of the last of them."""

    events: Sequence[BaseEvent]
    last: Key


def merge(
    parts: list[Part], selection: Selection, report: Callable[[StoreError], None], *, after: Key | None = None
) -> Generator[Chunk]:
    """The selected events in some files, in order.

    Args:
        parts: The files.
        selection: The selection; the topics of the files are not checked again.
        report: Called with the error of each file that cannot be read to its end; the others go on.
        after: The key to begin after, if not at the beginning.

    Raises:
        VanishedFileError: One of them has gone. The events go on, after the last key, in what has replaced it.
    """
    spill = Spill()
    pace = _Pace.sharing(parts, spill)
    streams = [_Stream(part, selection, pace, after) for part in parts]
    buffer = MergeBuffer(parts)
    waiting = [(stream.bound, number) for number, stream in enumerate(streams)]
    heapify(waiting)
    try:
        while waiting or buffer.first < inf:
            _load(streams, waiting, buffer, report)
            pa.default_memory_pool().release_unused()  # what decoding took, which the pool would keep
            horizon = waiting[0][0] if waiting else None
            is_decided = all(stream.is_decided for stream in streams)
            for events, last in buffer.release(horizon, report):
                yield Chunk(events if is_decided else selection.keep(events), last)
    finally:
        for stream in streams:
            stream.close()
        spill.close()


def _load(
    streams: list["_Stream"], waiting: list[tuple[int, int]], buffer: MergeBuffer, report: Callable[[StoreError], None]
) -> None:
    """Takes batches until enough can be handed out."""
    loaded = 0
    while waiting and (loaded < _STEP_ROWS or buffer.first >= waiting[0][0]):
        _, number = heappop(waiting)
        try:
            arrival = streams[number].load()
        except VanishedFileError:
            raise
        except StoreError as error:
            report(error)
            continue
        if arrival is not None:
            loaded += arrival.rows.num_rows
            buffer.add(number, arrival)
            heappush(waiting, (streams[number].bound, number))


class _Pace(NamedTuple):
    """The read-ahead of each stream."""

    open_files: OpenFiles
    spill: Spill
    batch_rows: int
    spilled_rows: int

    @classmethod
    def sharing(cls, parts: list[Part], spill: Spill) -> "_Pace":
        overlapping = _most_overlapping(parts)
        each = _ROWS // max(overlapping // _LEAST_BATCH_ROWS, 1)
        batch_rows = min(max(each, _LEAST_BATCH_ROWS), _MOST_BATCH_ROWS)
        # Among so many files that they spill, those few that stayed open would gain little, and keep what they decode.
        open_files = OpenFiles(_MAX_OPEN if each >= _LEAST_BATCH_ROWS else 0)
        if each < _LEAST_BATCH_ROWS:
            each //= 2  # as much again is in what is spilled meanwhile
        return cls(open_files, spill, batch_rows, max(each, _LEAST_SPILLED_ROWS))


def _most_overlapping(parts: list[Part]) -> int:
    """The largest number of rows in the smallest batches of all files that overlap at one moment."""
    changes = [(part.first, min(part.rows, _LEAST_BATCH_ROWS)) for part in parts]
    changes += [(part.last + 1, -min(part.rows, _LEAST_BATCH_ROWS)) for part in parts]
    most = now = 0
    for _, change in sorted(changes):
        now += change
        most = max(most, now)
    return most


class _Stream:
    """The selected rows of one file."""

    def __init__(self, part: Part, selection: Selection, pace: _Pace, after: Key | None) -> None:
        self.bound = part.first
        """No row to come is before this moment."""
        self.is_decided = True
        """True if the filter passes all of them."""
        self._part = part
        self._selection = selection
        self._pace = pace
        self._after = after
        self._reached = (part.first, -1)
        self._arrivals = self._read()

    def load(self) -> Arrival | None:
        """The next rows; None if there are no more.

        Raises:
            StoreError: The file cannot be read.
        """
        return next(self._arrivals, None)

    def close(self) -> None:
        """Closes the file."""
        self._arrivals.close()

    def _read(self) -> Generator[Arrival]:
        part, pace = self._part, self._pace
        is_spilling = pace.spilled_rows < _LEAST_BATCH_ROWS
        for batch in part.batches(self._selection, rows=pace.batch_rows, open_files=pace.open_files):
            kind = self._kind()
            rows = self._cut(batch)
            del batch
            if not rows.num_rows:
                continue
            several = iter([rows])
            if is_spilling and rows.num_rows > pace.spilled_rows:
                several = pace.spill.batches(rows, rows=pace.spilled_rows)
            del rows
            for some in several:
                handed = [Arrival(kind, some)]
                self.bound = handed[0].last
                del some
                yield handed.pop()  # what was handed over is not kept here until more is wanted

    def _kind(self) -> Kind:
        footer = self._part.footer()
        found = event_class(footer.topic.event_type)
        if found is None and self._selection.unknown == "raise":
            raise UnknownEventTypeError(self._part.path, footer.topic.event_type)
        self.is_decided = self._selection.decide(footer.topic, self._part.first, self._part.last) is True
        kind = Kind.of(found, footer.columns)
        try:
            is_native(kind)
        except Exception as error:
            name = "its class" if found is None else found.__qualname__
            reason = f"{name} cannot be described: {explain(error).text}"
            raise StoredEventError(self._part.path, reason, event_type=footer.topic.event_type) from error
        return kind

    def _cut(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The selected rows of a batch, after checking that it is in order."""
        with naming(self._part.path):
            batch.validate(full=True)
            times, seqs = read_keys(batch, after=self._reached, last=self._part.last)
        self._reached = times[-1], seqs[-1]
        start, end = self._selection.start, self._selection.end
        low = 0 if start is None else bisect_left(times, start)
        high = len(times) if end is None else bisect_left(times, end)
        if self._after is not None:
            low = max(low, bisect_right(range(len(times)), self._after, key=lambda row: (times[row], seqs[row])))
        return batch if high - low == len(times) else batch.slice(low, max(high - low, 0))


def read_keys(batch: pa.RecordBatch, *, after: Key, last: int) -> tuple[Sequence[int], Sequence[int]]:
    """The timestamps and sequence numbers of rows.

    Raises:
        ValueError: They are not in order, or not between the two limits.
    """
    if batch.column("timestamp").null_count or batch.column(SEQ).null_count:
        raise ValueError(f"a row has no timestamp or no {SEQ}")
    times, seqs = micros_of(batch), integers(batch.column(SEQ))
    rise = len(times) <= _FEW_ROWS and all(map(lt, times, times[1:]))
    are_ordered = rise or is_ordered(batch.column("timestamp"), batch.column(SEQ))
    if (times[0], seqs[0]) < after or times[-1] > last or not are_ordered:
        raise ValueError("its rows are not in the order of time, or not of the times that its footer says")
    return times, seqs
