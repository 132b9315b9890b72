"""Rows of the journal as Arrow tables, one for each day and topic."""

import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from itertools import groupby
from typing import NamedTuple

import pyarrow as pa

from trading.events._core import SegmentRows
from trading.events.base import BaseEvent
from trading.events.errors import EventDecodeError, EventEncodeError
from trading.events.persistence.row import decode_row
from trading.events.persistence.schema import EventSchema, event_schema
from trading.events.persistence.stored_schema import SEQ

_CHUNK_ROWS = 1_000
_TURN_ROWS = 100
"""So many rows are decoded before other threads are given their turn: else they would wait 5 ms for it each time."""

_BY_TOPIC = [(name, "ascending") for name in ("exchange", "symbol", "timestamp", SEQ)]


class TopicTable(NamedTuple):
    """The rows of one day and topic, by time and order of recording."""

    schema: EventSchema
    day: date
    exchange: str | None
    symbol: str | None
    table: pa.Table


class BadRow(NamedTuple):
    """A row that is no event of its class."""

    seq: int
    reason: str


class Tabulation:
    """The rows of a segment as tables.

    Attributes:
        bad: The rows that are in none of them.

    Raises:
        UnknownRowError: A row is of a type that no class here is for.
    """

    def __init__(self, rows: SegmentRows) -> None:
        self.bad: list[BadRow] = []
        self._groups = defaultdict[tuple[type[BaseEvent], date], list[pa.Table]](list)
        for start in range(0, len(rows), _CHUNK_ROWS):
            self._add(rows.slice(start, min(start + _CHUNK_ROWS, len(rows))))

    def tables(self) -> Iterator[TopicTable]:
        """One for each class, day and topic; they are forgotten here as they are taken."""
        while self._groups:
            (cls, day), tables = self._groups.popitem()
            ordered = pa.concat_tables(tables).sort_by(_BY_TOPIC)
            for exchange, symbol, table in _split(ordered):
                yield TopicTable(event_schema(cls), day, exchange, symbol, table)

    def _add(self, rows: list[tuple[int, bytes]]) -> None:
        groups = defaultdict[tuple[type[BaseEvent], date], tuple[list[BaseEvent], list[int]]](lambda: ([], []))
        for number, (seq, row) in enumerate(rows):
            if number % _TURN_ROWS == 0:
                time.sleep(0)
            try:
                event = decode_row(row)
            except EventDecodeError as error:
                self.bad.append(BadRow(seq, str(error)))
            else:
                events, seqs = groups[type(event), event.timestamp.date()]
                events.append(event)
                seqs.append(seq)
        for (cls, day), (events, seqs) in groups.items():
            self._groups[cls, day] += self._encode(event_schema(cls), events, seqs)

    def _encode(self, schema: EventSchema, events: list[BaseEvent], seqs: list[int]) -> Iterator[pa.Table]:
        """The events as tables, without those that no column can hold, which are looked for by halving."""
        try:
            yield schema.encode(events, seqs)
        except EventEncodeError as error:
            if len(events) == 1:
                self.bad.append(BadRow(seqs[0], str(error)))
                return
            middle = len(events) // 2
            yield from self._encode(schema, events[:middle], seqs[:middle])
            yield from self._encode(schema, events[middle:], seqs[middle:])


def _split(table: pa.Table) -> Iterator[tuple[str | None, str | None, pa.Table]]:
    """The rows of each exchange and symbol, of a table sorted by these."""
    topics = zip(table.column("exchange").to_pylist(), table.column("symbol").to_pylist(), strict=True)
    start = 0
    for (exchange, symbol), rows in groupby(topics):
        count = sum(1 for _ in rows)
        yield exchange, symbol, table.slice(start, count)
        start += count
