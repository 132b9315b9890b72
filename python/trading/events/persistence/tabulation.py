"""Rows of the journal as Arrow tables, one for each day and topic."""

import time
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import NamedTuple

import pyarrow as pa

from trading.events._core import SegmentRows, TopicRows
from trading.events.base import BaseEvent, event_class
from trading.events.errors import EventDecodeError, EventEncodeError
from trading.events.persistence.row import UnknownRowError, decode_row
from trading.events.persistence.schema import EventSchema, event_schema
from trading.events.persistence.stored_schema import SEQ, FileTopic

CHUNK_ROWS = 65_536
"""So many rows become columns at once, which bounds the memory for them."""

_TURN_ROWS = 100
"""So many rows are decoded before other threads are given their turn: else they would wait 5 ms for it each time."""

_IN_ORDER = [("timestamp", "ascending"), (SEQ, "ascending")]
_EPOCH = date(1970, 1, 1)


class Topic(NamedTuple):
    """What the rows of one table have in common."""

    event_class: type[BaseEvent]
    day: date
    exchange: str | None
    symbol: str | None

    @classmethod
    def of(cls, event: BaseEvent) -> "Topic":
        """The topic of an event."""
        return cls(type(event), event.timestamp.date(), event.exchange, event.symbol)


class RowDecoder:
    """Rows of a segment as events, where columns cannot be made without them.

    Attributes:
        faults: What is wrong with the segment.
    """

    def __init__(self, rows: SegmentRows) -> None:
        self.faults = [f"bytes {start} to {end} are damaged" for start, end in rows.damaged]
        self._rows = rows

    def decode(self, indices: Sequence[int]) -> Iterator[tuple[int, BaseEvent]]:
        """The events of some rows, each after its sequence number; what is no event is a fault."""
        for number, index in enumerate(indices):
            if number % _TURN_ROWS == 0:
                time.sleep(0)
            [(seq, row)] = self._rows.slice(index, index + 1)
            try:
                yield seq, decode_row(row)
            except EventDecodeError as error:
                self.refuse(seq, str(error))

    def refuse(self, seq: int, reason: str) -> None:
        """Takes note of a row that is no event of its class."""
        self.faults.append(f"row {seq}: {reason}")


class Tabulation:
    """The rows of a segment as tables.

    Attributes:
        topics: One for each class, day, exchange and symbol. None of them leads back here: a segment is large, and is
            forgotten with the last of its tables, not when the garbage is collected.
        faults: What is wrong with the segment: none of that is in the tables. Of the rows of a topic it is known when
            its chunks have been taken.

    Raises:
        UnknownRowError: A row is of a type that no class here is for.
    """

    def __init__(self, rows: SegmentRows) -> None:
        decoder = RowDecoder(rows)
        self.faults = decoder.faults
        sorted_rows, unread = rows.sort()
        found: dict[Topic, TopicTable] = {}
        for topic_rows in sorted_rows:
            topic = _topic_of(topic_rows)
            found[topic] = TopicTable(decoder, topic, topic_rows)
        for seq, event in decoder.decode(unread):
            topic = Topic.of(event)
            found.setdefault(topic, TopicTable(decoder, topic)).add(seq, event)
        self.topics = list(found.values())


class TopicTable:
    """The rows of one day and topic, by time and order of recording.

    Attributes:
        schema: Of the table.
        day: The day, in UTC.
        exchange: The exchange, if there is one.
        symbol: The symbol, if there is one.
    """

    def __init__(self, decoder: RowDecoder, topic: Topic, rows: TopicRows | None = None) -> None:
        self.schema: EventSchema = event_schema(topic.event_class)
        self.day, self.exchange, self.symbol = topic.day, topic.exchange, topic.symbol
        self._decoder = decoder
        self._topic = topic
        self._rows = rows
        self._added: list[tuple[int, BaseEvent]] = []

    @property
    def file_topic(self) -> FileTopic:
        """The topic as a file of these rows would name it."""
        return FileTopic(event_type=self.schema.event_type, exchange=self.exchange, symbol=self.symbol)

    @property
    def table(self) -> pa.Table:
        """All rows, made anew each time."""
        return pa.concat_tables([self.schema.arrow.empty_table(), *self.chunks()])

    def add(self, seq: int, event: BaseEvent) -> None:
        """Adds an event that its row does not say the topic of."""
        self._added.append((seq, event))

    def chunks(self) -> Iterator[pa.Table]:
        """The rows in tables of at most CHUNK_ROWS rows, mostly as many; none is empty."""
        if not self._added:
            yield from self._take()
            return
        whole = pa.concat_tables([*self._take(), *self._encode(self._added)]).sort_by(_IN_ORDER)
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
        """How many rows from one on were looked at, and their tables."""
        taken, count, columns, refused = rows.columns(self._topic.event_class, start, CHUNK_ROWS)
        tables = [self.schema.wrap(count, columns)] if count else []
        return taken, self._with_refused(tables, refused) if refused else tables

    def _with_refused(self, tables: list[pa.Table], refused: Sequence[int]) -> list[pa.Table]:
        """The table with the rows of which columns could not be made without their events."""
        events: list[tuple[int, BaseEvent]] = []
        for seq, event in self._decoder.decode(refused):
            if Topic.of(event) == self._topic:
                events.append((seq, event))
            else:
                self._decoder.refuse(seq, f"it says that its topic is {self._topic}, and its event {event!r}")
        tables += self._encode(events)
        return [pa.concat_tables(tables).sort_by(_IN_ORDER)] if tables else []

    def _encode(self, events: list[tuple[int, BaseEvent]]) -> Iterator[pa.Table]:
        """The events as tables, without those that no column can hold, which are looked for by halving."""
        if not events:
            return
        try:
            yield self.schema.encode([event for _, event in events], [seq for seq, _ in events])
        except EventEncodeError as error:
            if len(events) == 1:
                self._decoder.refuse(events[0][0], str(error))
                return
            middle = len(events) // 2
            yield from self._encode(events[:middle])
            yield from self._encode(events[middle:])


def _topic_of(rows: TopicRows) -> Topic:
    cls = event_class(rows.event_type)
    if cls is None:
        raise UnknownRowError(
            f"no class here has the event type {rows.event_type!r}: import the module that defines it"
        )
    return Topic(cls, _EPOCH + timedelta(days=rows.day), rows.exchange, rows.symbol)
