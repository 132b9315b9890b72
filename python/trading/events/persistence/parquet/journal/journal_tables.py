"""Rows of the journal as Arrow tables, one for each day and topic.

A row of which no column can be made, whatever its class raises, is refused: it is in no table, and hinders no other.
"""

import time
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import NamedTuple

import pyarrow as pa

from trading.events._core import SegmentRows, TopicRows
from trading.events.base import BaseEvent, event_class
from trading.events.codec import decode_event
from trading.events.persistence.refusal import Reason, Refusal, explain, is_refusal
from trading.events.persistence.schema.event_schema import EventSchema, event_schema
from trading.events.persistence.schema.stored_schema import SEQ, FileTopic

CHUNK_ROWS = 65_536
"""Most rows that become columns at once, which bounds the memory for them."""

_TURN_ROWS = 100
"""Number of rows that are decoded before other threads get a turn: else they would wait 5 ms for it each time."""

_IN_ORDER = [("timestamp", "ascending"), (SEQ, "ascending")]
_EPOCH = date(1970, 1, 1)


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


class StuckTopic(NamedTuple):
    """Rows of one day and topic that cannot become columns, because of their class.

    Attributes:
        file_topic: The topic.
        day: The day, in UTC.
        indices: Their indices in the segment.
        reason: The reason.
        is_unknown: Whether the reason is that no class here has the event type.
    """

    file_topic: FileTopic
    day: date
    indices: Sequence[int]
    reason: Reason
    is_unknown: bool


class _Row(NamedTuple):
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

    def decode(self, indices: Sequence[int], *, expected: Topic | None = None) -> Iterator[_Row]:
        """The events of some rows, if they have the expected topic; the others are refused."""
        for number, index in enumerate(indices):
            if number % _TURN_ROWS == 0:
                time.sleep(0)
            [(seq, payload)] = self._rows.slice(index, index + 1)
            try:
                event = decode_event(payload)
                topic = Topic.of(event)
                is_expected = expected is None or topic == expected
            except BaseException as error:
                if not is_refusal(error):
                    raise
                self.refuse(index, seq, explain(error))
                continue
            if is_expected:
                yield _Row(index, seq, event, topic)
            else:
                self.refuse(index, seq, Reason("its event has another topic than the row says"))

    def refuse(self, index: int, seq: int, reason: Reason) -> None:
        """Notes a row that is no event of its class."""
        self.refused.append(Refusal(index, seq, reason))


class JournalTables:
    """The rows of a segment as tables.

    Attributes:
        rows: The rows themselves.
        topics: One for each class, day, exchange and symbol. None of them refers back here: a segment is large, and is
            freed with the last of its tables, not when the garbage is collected.
        stuck: The topics of which there can be no table.
        faults: Descriptions of the damaged bytes of the segment.
        refused: The rows that are in no table, besides those of stuck topics. Those of a topic are known when
            its chunks have been taken.
    """

    def __init__(self, rows: SegmentRows) -> None:
        self.rows = rows
        self._decoder = decoder = RowDecoder(rows)
        self.faults, self.refused = decoder.faults, decoder.refused
        self.stuck: list[StuckTopic] = []
        sorted_rows, unread = rows.sort()
        found: dict[Topic, TopicTable] = {}
        for topic_rows in sorted_rows:
            table = _table_of(decoder, topic_rows)
            if table is None:
                self._refuse(topic_rows.indices, Reason("its timestamp is not between the years 1 and 9999"))
            elif isinstance(table, StuckTopic):
                self.stuck.append(table)
            else:
                found[table.topic] = table
        for row in decoder.decode(unread):
            try:
                table = found.get(row.topic) or TopicTable(decoder, row.topic)
            except BaseException as error:
                if not is_refusal(error):
                    raise
                decoder.refuse(row.row, row.seq, explain(error))
                continue
            found[row.topic] = table
            table.add(row)
        self.topics = list(found.values())

    def _refuse(self, indices: Sequence[int], reason: Reason) -> None:
        for index in indices:
            self._decoder.refuse(index, self.rows.slice(index, index + 1)[0][0], reason)

    def give_up(self, table: "TopicTable", reason: Reason) -> None:
        """Notes that no file can be made of the rows of a topic."""
        self.stuck.append(StuckTopic(table.file_topic, table.day, table.indices, reason, is_unknown=False))

    def quarantined(self) -> list[int]:
        """The rows that are in no table, by their indices, in the order of recording."""
        stuck = (index for topic in self.stuck for index in topic.indices)
        return sorted({*(refusal.row for refusal in self.refused), *stuck})


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
        self.schema: EventSchema = event_schema(topic.event_class)
        self.topic = topic
        self.day, self.exchange, self.symbol = topic.day, topic.exchange, topic.symbol
        self._decoder = decoder
        self._rows = rows
        self._added: list[_Row] = []
        if rows is not None:
            rows.columns(topic.event_class, 0, 0)  # describes the class, for its errors to come from nowhere else

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

    def add(self, row: _Row) -> None:
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
            tables = [self.schema.wrap(count, columns)] if count else []
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

    def _encode(self, rows: Sequence[_Row]) -> Iterator[pa.Table]:
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


def _table_of(decoder: RowDecoder, rows: TopicRows) -> TopicTable | StuckTopic | None:
    """The table of a topic, or the stuck topic; None if its day is not between the years 1 and 9999."""
    try:
        day = _EPOCH + timedelta(days=rows.day)
    except OverflowError:
        return None
    cls = event_class(rows.event_type)
    if cls is None:
        reason = Reason(f"no class here has the event type {rows.event_type!r}: import the module that defines it")
    else:
        try:
            return TopicTable(decoder, Topic(cls, day, rows.exchange, rows.symbol), rows)
        except BaseException as error:
            if not is_refusal(error):
                raise
            reason = Reason(f"{cls.__qualname__} has no columns: {explain(error).text}")
    file_topic = FileTopic(event_type=rows.event_type, exchange=rows.exchange, symbol=rows.symbol)
    return StuckTopic(file_topic, day, rows.indices, reason, is_unknown=cls is None)
