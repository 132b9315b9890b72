"""StoreReader: what a store's reader has to do, and what follows from that."""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Hashable
from contextlib import closing
from datetime import datetime
from itertools import chain

import pyarrow as pa

from trading.events._codec.event_table import empty_table
from trading.events.base import BaseEvent
from trading.events.codec import events_to_table
from trading.events.persistence.replay.event_range import EventChunks
from trading.events.persistence.selection import Selection
from trading.events.persistence.topics import StoredTopic, count_topics


class StoreReader(ABC):
    """Reads what a selection selects. Only `_read` has to be written; a store with a faster way overrides the rest."""

    @property
    def store_id(self) -> Hashable:
        """Identifies its store, as the `store_id` of its writers does; None where that is not known."""
        return None

    def is_written_by(self, writer: object) -> bool:
        """Returns whether a writer may write to this store: True as well where that is not known."""
        store_id = getattr(writer, "store_id", None)
        return None in {store_id, self.store_id} or store_id == self.store_id

    @abstractmethod
    def _read(self, selection: Selection) -> EventChunks:
        """The selected events by timestamp, ties in the order in which they were recorded, in lists of any length.

        It is called when an iteration begins, in any thread, and closed when it ends.
        `selection.keep` applies the rest of the filter to a list of events.
        """

    def _read_table(self, selection: Selection) -> pa.Table:
        """The selected events as one table, by timestamp; its schema's metadata say which columns hold the fields.

        It need not hold other fields than those in `selection.fields`.
        """
        with closing(self._read(selection)) as chunks:
            table = events_to_table(chain.from_iterable(chunks))
        return table if table.num_rows else empty_table(selection.known_classes())

    def _count(self, selection: Selection) -> int:
        """The number of selected events."""
        with closing(self._read(selection)) as chunks:
            return sum(map(len, chunks))

    def _topics(self, selection: Selection) -> list[StoredTopic]:
        """The topics of the selected events, sorted by event type, exchange and symbol."""
        with closing(self._read(selection)) as chunks:
            return count_topics(chain.from_iterable(chunks))

    def _time_span(self, selection: Selection) -> tuple[datetime, datetime] | None:
        """The least and the greatest timestamp of the selected events."""
        spans = [(topic.first, topic.last) for topic in self._topics(selection)]
        return (min(first for first, _ in spans), max(last for _, last in spans)) if spans else None

    def _last(self, selection: Selection) -> BaseEvent | None:
        """The last of the selected events."""
        with closing(self._read(selection)) as chunks:
            last = deque(chain.from_iterable(chunks), maxlen=1)
        return last[0] if last else None
