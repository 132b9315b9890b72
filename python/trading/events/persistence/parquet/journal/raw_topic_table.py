"""The rows of one topic in a segment that no class here is for, as an Arrow table of raw events."""

import pyarrow as pa

from trading.events._core import TopicRows
from trading.events.base import BaseEvent
from trading.events.persistence.parquet.journal.topic_table import CHUNK_ROWS, Row, TopicTable
from trading.events.persistence.schema.event_schema import EventSchema
from trading.events.persistence.schema.raw_schema import RawSchema
from trading.events.unknown import UnknownEvent

_MOST_BYTES = 1 << 26
"""A chunk ends with the event with which it exceeds so many bytes."""


class RawTopicTable(TopicTable):
    """The rows of one day and topic that no class here is for; each becomes a column as it is."""

    def _make_schema(self, cls: type[BaseEvent]) -> EventSchema | RawSchema:
        return RawSchema(cls.model_fields["event_type"].default)

    def _check(self, rows: TopicRows) -> None:
        """There is no class."""

    def _take_chunk(self, rows: TopicRows, start: int) -> tuple[int, list[pa.Table]]:
        """Makes tables of a chunk of rows from one on, as many as bound its bytes; also returns their number."""
        wanted = rows.indices[start : start + CHUNK_ROWS]
        taken, size_bytes, events = len(wanted), 0, list[Row]()
        for row in self._decoder.decode(wanted, expected=self.topic):
            events.append(row)
            size_bytes += len(row.event.encoded or b"") if isinstance(row.event, UnknownEvent) else 0
            if size_bytes >= _MOST_BYTES:
                taken = wanted.index(row.row) + 1
                break
        return taken, list(self._encode(events))
