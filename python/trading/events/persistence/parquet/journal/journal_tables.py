"""Rows of the journal as Arrow tables, one for each day and topic."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

from trading.events._core import SegmentRows, TopicRows
from trading.events.base import event_class
from trading.events.persistence.parquet.journal.raw_topic_table import RawTopicTable
from trading.events.persistence.parquet.journal.topic_table import RowDecoder, Topic, TopicTable
from trading.events.persistence.refusal import Reason, explain, is_refusal
from trading.events.persistence.schema.stored_schema import FileTopic
from trading.events.unknown import UnknownEvent, unknown_class

_EPOCH = date(1970, 1, 1)


class StuckTopic(NamedTuple):
    """Rows of one day and topic that cannot become columns, because of their class.

    Attributes:
        file_topic: The topic.
        day: The day, in UTC.
        indices: Their indices in the segment.
        reason: The reason.
    """

    file_topic: FileTopic
    day: date
    indices: Sequence[int]
    reason: Reason


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
                table = found.get(row.topic) or _new_table(decoder, row.topic)
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
        self.stuck.append(StuckTopic(table.file_topic, table.day, table.indices, reason))

    def quarantined(self) -> list[int]:
        """The rows that are in no table, by their indices, in the order of recording."""
        stuck = (index for topic in self.stuck for index in topic.indices)
        return sorted({*(refusal.row for refusal in self.refused), *stuck})


def _new_table(decoder: RowDecoder, topic: Topic, rows: TopicRows | None = None) -> TopicTable:
    make = RawTopicTable if issubclass(topic.event_class, UnknownEvent) else TopicTable
    return make(decoder, topic, rows)


def _table_of(decoder: RowDecoder, rows: TopicRows) -> TopicTable | StuckTopic | None:
    """The table of a topic, or the stuck topic; None if its day is not between the years 1 and 9999."""
    try:
        day = _EPOCH + timedelta(days=rows.day)
    except OverflowError:
        return None
    try:
        cls = event_class(rows.event_type) or unknown_class(rows.event_type)
        return _new_table(decoder, Topic(cls, day, rows.exchange, rows.symbol), rows)
    except BaseException as error:
        if not is_refusal(error):
            raise
        reason = Reason(f"the event type {rows.event_type!r} has no columns: {explain(error).text}")
    file_topic = FileTopic(event_type=rows.event_type, exchange=rows.exchange, symbol=rows.symbol)
    return StuckTopic(file_topic, day, rows.indices, reason)
