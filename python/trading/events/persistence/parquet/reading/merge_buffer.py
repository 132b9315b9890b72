"""The buffer of a merge: rows of several files that wait to be handed out, in the order of all together."""

from array import array
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from math import inf
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from trading.events.base import BaseEvent
from trading.events.errors import EventDecodeError, StoreError
from trading.events.persistence.parquet.reading.part import Part
from trading.events.persistence.schema.decoding import Kind, Rows, decode_each, reporting
from trading.events.persistence.schema.stored_schema import SEQ

Key = tuple[int, int]
"""The sort key of an event: its timestamp, in microseconds since 1970, and its `_seq`."""

_PART = "_part"
"""The column that says which file a row is from."""

_CHUNK_EVENTS = 1_024
"""Number of events that are decoded at a time: a millisecond or two, for which other threads wait."""

_RELEASED_ROWS = 2**16
"""Number of released rows that are copied into one piece at a time, about."""

_SMALL_ROWS = 2_048
_MOST_SMALL = 256
_BY_KEY = [("timestamp", "ascending"), (SEQ, "ascending")]


class Arrival(NamedTuple):
    """Rows of one file, in order."""

    kind: Kind
    rows: pa.RecordBatch

    @property
    def last(self) -> int:
        """The timestamp of the last one."""
        return micros_of(self.rows)[-1]


class _Block:
    """Rows in order, of which those before a place have been handed out."""

    def __init__(self, rows: pa.RecordBatch) -> None:
        self._rows = rows
        self._times = micros_of(rows)
        self._place = 0

    @property
    def first(self) -> int | None:
        return self._times[self._place] if self._place < len(self._times) else None

    @property
    def last(self) -> int:
        return self._times[-1]

    def count(self, horizon: int) -> int:
        """The number of rows before a moment."""
        return bisect_left(self._times, horizon, lo=self._place) - self._place

    def take(self, horizon: int) -> pa.RecordBatch:
        """The rows before a moment."""
        start, count = self._place, self.count(horizon)
        self._place += count
        return self._rows.slice(start, count)

    def shrink(self) -> None:
        """Frees the rows that have been handed out, if they are the most of it."""
        if 2 * self._place > len(self._times):
            self._rows = self._rows.take(pa.array(range(self._place, len(self._times))))
            self._times, self._place = micros_of(self._rows), 0


class MergeBuffer:
    """Rows that have arrived and have not been handed out.

    Args:
        parts: The files, known by their place in the list.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts
        self._blocks = defaultdict[Kind, list[_Block]](list)
        self._small = defaultdict[Kind, list[tuple[int, pa.RecordBatch]]](list)
        self.first: int | float = inf
        """The least timestamp of a row in it, in microseconds since 1970; infinite if there is none."""

    def add(self, number: int, arrival: Arrival) -> None:
        """Takes rows of the file with this number."""
        kind, rows = arrival
        self.first = min(self.first, micros_of(rows)[0])
        small = self._small[kind]
        if rows.num_rows > _SMALL_ROWS:
            self._blocks[kind].append(_Block(_put_together([(number, rows)])))
            return
        small.append((number, rows))
        if len(small) == _MOST_SMALL:
            self._end_small(kind, small)

    def release(
        self, horizon: int | None, report: Callable[[StoreError], None]
    ) -> Iterator[tuple[list[BaseEvent], Key]]:
        """The events of all rows before a moment, or of all rows if it is None; each list with the key of its last.

        A row that is no event of its class is reported, and left out.
        """
        for kind, small in self._small.items():
            self._end_small(kind, small)
        if horizon is None:
            horizon = max((block.last for blocks in self._blocks.values() for block in blocks), default=0) + 1
        while self.first < horizon:
            order = _Order(
                [_Run(kind, rows, self._parts) for kind, rows in self._take(self._nearer(horizon)).items() if rows]
            )
            for start in range(0, len(order), _CHUNK_EVENTS):
                yield order.decode(start, report), order.key(min(start + _CHUNK_EVENTS, len(order)) - 1)
            del order
        for blocks in self._blocks.values():
            for block in blocks:
                block.shrink()

    def _end_small(self, kind: Kind, small: list[tuple[int, pa.RecordBatch]]) -> None:
        if small:
            self._blocks[kind].append(_Block(_put_together(small)))
            small.clear()

    def _nearer(self, horizon: int) -> int:
        """The latest moment, up to this one, before which there are few enough rows to release at once."""

        def count(moment: int) -> int:
            return sum(block.count(moment) for blocks in self._blocks.values() for block in blocks)

        if count(horizon) <= _RELEASED_ROWS:
            return horizon
        moments = range(int(self.first) + 1, horizon)
        return moments[max(bisect_right(moments, _RELEASED_ROWS, key=count) - 1, 0)] if moments else horizon

    def _take(self, horizon: int) -> dict[Kind, list[pa.RecordBatch]]:
        taken = defaultdict[Kind, list[pa.RecordBatch]](list)
        firsts: list[int] = []
        for kind, blocks in self._blocks.items():
            taken[kind] = [block.take(horizon) for block in blocks if block.count(horizon)]
            blocks[:] = [block for block in blocks if block.first is not None]
            firsts += [block.first for block in blocks if block.first is not None]
        self.first = min(firsts, default=inf)
        return taken


class _Run:
    """Rows of one kind in one piece."""

    def __init__(self, kind: Kind, batches: list[pa.RecordBatch], parts: Sequence[Part]) -> None:
        self.is_ordered = len(batches) == 1
        rows = _concat(batches)
        self.keys = pa.Table.from_batches([rows]).select(["timestamp", SEQ])
        self._batch = rows
        self._kind = kind
        self._rows = Rows(kind, rows)
        self._parts = parts

    def __len__(self) -> int:
        return self._batch.num_rows

    def decode(self, picked: Sequence[int], report: Callable[[StoreError], None]) -> list[BaseEvent | None]:
        """The events of these rows; None for those that cannot be decoded, which are reported."""

        def refuse(row: int, error: EventDecodeError) -> None:
            number: int = self._batch.column(_PART)[row].as_py()
            reporting(self._parts[number].path, self._kind, self._batch, report)(row, error)

        return decode_each(self._rows, picked, refuse)


class _Order:
    """The order of the rows of several runs, of which there is one at least."""

    def __init__(self, runs: list[_Run]) -> None:
        self._runs = runs
        self._starts = [0]
        for run in runs:
            self._starts.append(self._starts[-1] + len(run))
        [keys] = pa.concat_tables([run.keys for run in runs]).combine_chunks().to_batches()
        self._times, self._seqs = micros_of(keys), integers(keys.column(SEQ))
        self._order: Sequence[int] = range(len(self))
        if len(runs) > 1 or not runs[0].is_ordered:
            self._order = integers(pc.sort_indices(keys, sort_keys=_BY_KEY))

    def __len__(self) -> int:
        return self._starts[-1]

    def key(self, place: int) -> Key:
        """The key of the row at a place in the order."""
        row = self._order[place]
        return self._times[row], self._seqs[row]

    def decode(self, start: int, report: Callable[[StoreError], None]) -> list[BaseEvent]:
        """The next events from a place on, without the rows that cannot be decoded."""
        rows = list(self._order[start : start + _CHUNK_EVENTS])
        only = self._runs[0] if len(self._runs) == 1 else None
        events = self._decode_several(rows, report) if only is None else only.decode(rows, report)
        return [event for event in events if event is not None]

    def _decode_several(self, rows: list[int], report: Callable[[StoreError], None]) -> list[BaseEvent | None]:
        runs = [bisect_right(self._starts, row) - 1 for row in rows]
        picked = defaultdict[int, list[int]](list)
        for row, run in zip(rows, runs, strict=True):
            picked[run].append(row - self._starts[run])
        events = {run: iter(self._runs[run].decode(some, report)) for run, some in picked.items()}
        return [next(events[run]) for run in runs]


def micros_of(rows: pa.RecordBatch) -> Sequence[int]:
    """The timestamps, none of which is null, in microseconds since 1970."""
    return integers(rows.column("timestamp"))


def integers(column: pa.Array) -> Sequence[int]:
    """The values of a column of 64 bits that has no null, without a copy."""
    values = column.buffers()[1]
    return memoryview(values).cast("q")[column.offset : column.offset + len(column)] if values is not None else ()


def _concat(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    if len(batches) == 1:
        return batches[0]
    [whole] = pa.Table.from_batches(batches).combine_chunks().to_batches()
    return whole


def _put_together(parts: list[tuple[int, pa.RecordBatch]]) -> pa.RecordBatch:
    """Rows of several files in the order of all, each with the number of its file."""
    numbers = array("i")
    for number, rows in parts:
        numbers.extend(array("i", [number]) * rows.num_rows)
    column = pa.Array.from_buffers(pa.int32(), len(numbers), [None, pa.py_buffer(numbers)])
    whole = _concat([rows for _, rows in parts]).append_column(_PART, column)
    return whole if len(parts) == 1 else whole.take(pc.sort_indices(whole, sort_keys=_BY_KEY))
