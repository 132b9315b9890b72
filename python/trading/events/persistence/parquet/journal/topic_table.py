"""The rows of one topic in a segment of the journal, as an Arrow table.

A row of which no column can be made, whatever its class raises, is refused: it is in no table, and hinders no other.
"""

import time
from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple

import pyarrow as pa

from trading.events._core import SegmentRows, TopicRows
from trading.events.base import BaseEvent
from trading.events.persistence.refusal import Reason, Refusal, explain, is_refusal
from trading.events.persistence.schema.event_schema import EventSchema, event_schema
from trading.events.persistence.schema.raw_schema import RawSchema
from trading.events.persistence.schema.stored_schema import SEQ, FileTopic
from trading.events.unknown import decode_any

CHUNK_ROWS = 65_536
"""Most rows that become columns at once, which bounds the memory for them."""

_TURN_ROWS = 100
"""Number of rows that are decoded before other threads get a turn: else they would wait 5 ms for it each time."""

_IN_ORDER = [("timestamp", "ascending"), (SEQ, "ascending")]


class Topic(NamedTuple):
    """The class, day, exchange and symbol of the rows of one table."""

    event_class: type[BaseEvent]
    day: date
    exchange: str | None
    symbol: str | None

    @classmethod
    def of(cls, event: BaseEvent) -> "Topic":
        """The topic of an event."""
        return cls(type(event), event.timestamp.date(), event.exchange, event.symbol)


class Row(NamedTuple):
    """A row that has become an event."""

    row: int
    seq: int
    event: BaseEvent
    topic: Topic


class RowDecoder:
    """Decodes rows of a segment into events, if they cannot become columns directly.

    Attributes:
        faults: Descriptions of the damaged bytes of the segment.
        refused: The rows that were refused until now.
    """

    def __init__(self, rows: SegmentRows) -> None:
        self.faults = [f"bytes {start} to {end} are damaged" for start, end in rows.damaged]
        self.refused: list[Refusal] = []
        self._rows = rows

    def decode(self, indices: Sequence[int], *, expected: Topic | None = None) -> Iterator[Row]:
        """The events of some rows, if they have the expected topic; the others are refused."""
        for number, index in enumerate(indices):
            if number % _TURN_ROWS == 0:
                time.sleep(0)
            [(seq, payload)] = self._rows.slice(index, index + 1)
            try:
                event = decode_any(payload)
                topic = Topic.of(event)
                is_expected = expected is None or topic == expected
            except BaseException as error:
                if not is_refusal(error):
                    raise
                self.refuse(index, seq, explain(error))
                continue
            if is_expected:
                yield Row(index, seq, event, topic)
            else:
                self.refuse(index, seq, Reason("its event has another topic than the row says"))

    def refuse(self, index: int, seq: int, reason: Reason) -> None:
        """Notes a row that is no event of its class."""
        self.refused.append(Refusal(index, seq, reason))


class TopicTable:
    """The rows of one day and topic, by time and order of recording.

    Attributes:
        schema: The schema of the table.
        topic: The topic of the rows.
        day: The day, in UTC.
        exchange: The exchange, if there is one.
        symbol: The symbol, if there is one.
    """

    def __init__(self, decoder: RowDecoder, topic: Topic, rows: TopicRows | None = None) -> None:
        self.schema = self._make_schema(topic.event_class)
        self.topic = topic
        self.day, self.exchange, self.symbol = topic.day, topic.exchange, topic.symbol
        self._decoder = decoder
        self._rows = rows
        self._added: list[Row] = []
        if rows is not None:
            self._check(rows)

    def _make_schema(self, cls: type[BaseEvent]) -> EventSchema | RawSchema:
        return event_schema(cls)

    def _check(self, rows: TopicRows) -> None:
        """Describes the class, for its errors to come from nowhere else."""
        rows.columns(self.topic.event_class, 0, 0)

    @property
    def file_topic(self) -> FileTopic:
        """The topic in the metadata of a file of these rows."""
        return FileTopic(event_type=self.schema.event_type, exchange=self.exchange, symbol=self.symbol)

    @property
    def indices(self) -> list[int]:
        """All rows, by their indices in the segment."""
        own = [] if self._rows is None else self._rows.indices
        return [*own, *(row.row for row in self._added)]

    @property
    def table(self) -> pa.Table:
        """A table of all rows, made anew each time."""
        return pa.concat_tables([self.schema.arrow.empty_table(), *self.chunks()])

    def add(self, row: Row) -> None:
        """Adds a row whose topic is known from its event alone."""
        self._added.append(row)

    def chunks(self) -> Iterator[pa.Table]:
        """The rows in tables of at most CHUNK_ROWS rows; none is empty."""
        if not self._added:
            yield from self._take()
            return
        tables = [*self._take(), *self._encode(self._added)]
        if not tables:
            return
        whole = pa.concat_tables(tables).sort_by(_IN_ORDER)
        for start in range(0, whole.num_rows, CHUNK_ROWS):
            yield whole.slice(start, CHUNK_ROWS)

    def _take(self) -> Iterator[pa.Table]:
        start = 0
        while self._rows is not None and start < len(self._rows):
            taken, tables = self._take_chunk(self._rows, start)
            start += taken
            while tables:
                yield tables.pop(0)  # nothing is kept here while the next is made

    def _take_chunk(self, rows: TopicRows, start: int) -> tuple[int, list[pa.Table]]:
        """Makes tables of a chunk of rows from one on; also returns the number of rows in the chunk."""
        try:
            taken, count, columns, refused = rows.columns(self.topic.event_class, start, CHUNK_ROWS)
            tables = [event_schema(self.topic.event_class).wrap(count, columns)] if count else []
        except (OSError, MemoryError):
            raise  # of the disk, or of this process: worth trying again
        except Exception:  # noqa: BLE001 - the rows are then asked one by one
            refused = rows.indices[start : start + CHUNK_ROWS]
            taken, tables = len(refused), []
        return taken, self._with_refused(tables, refused) if refused else tables

    def _with_refused(self, tables: list[pa.Table], refused: Sequence[int]) -> list[pa.Table]:
        """Adds the rows that can become columns only by way of their events."""
        tables += self._encode([*self._decoder.decode(refused, expected=self.topic)])
        return [pa.concat_tables(tables).sort_by(_IN_ORDER)] if tables else []

    def _encode(self, rows: Sequence[Row]) -> Iterator[pa.Table]:
        """The events as tables, without those that no column can hold, which are found by halving."""
        if not rows:
            return
        try:
            table = self.schema.encode([row.event for row in rows], [row.seq for row in rows])
        except BaseException as error:
            if not is_refusal(error):
                raise
            if len(rows) == 1:
                self._decoder.refuse(rows[0].row, rows[0].seq, explain(error))
                return
            middle = len(rows) // 2
            yield from self._encode(rows[:middle])
            yield from self._encode(rows[middle:])
            return
        yield table
