"""The interfaces of every store's writer and reader."""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Hashable, Iterable
from contextlib import closing
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING, Unpack

import pyarrow as pa

from trading.events._codec.event_table import empty_table
from trading.events.base import BaseEvent
from trading.events.codec import events_to_table
from trading.events.persistence.replay.event_range import EventChunks, EventRange
from trading.events.persistence.replay.replay import Publisher, Replay
from trading.events.persistence.selection import Criteria, Selection, select
from trading.events.persistence.topics import StoredTopic, count_topics

if TYPE_CHECKING:
    import pandas
    import polars


class IEventWriter(ABC):
    """Records events. Its `write_event` is a handler: `await bus.subscribe("*", writer.write_event)` records them all.

    A writer keeps what it is given, in the order in which it is given: the same event written twice is two records.
    """

    @property
    def store_id(self) -> Hashable:
        """Identifies the store that it writes to; None where that is not known."""
        return None

    @abstractmethod
    async def write_event(self, event: BaseEvent) -> None:
        """Takes one event. It need not be durable when this returns; `flush` makes it so.

        Raises:
            NotAnEventError: It is no event.
            UnstorableEventError: A value of it cannot be stored exactly. The event has not been taken.
            StoreError: The store cannot be written.
        """

    @abstractmethod
    async def write_batch(self, events: Iterable[BaseEvent]) -> None:
        """Takes several events, all of them or, if it raises, none.

        Raises:
            NotAnEventError: One of them is no event.
            UnstorableEventError: A value of one of them cannot be stored exactly.
            StoreError: The store cannot be written.
        """

    @abstractmethod
    async def flush(self) -> None:
        """Returns when every event taken so far is in the store, durably.

        Raises:
            StoreError: Some could not be written. They are kept and tried again.
        """


EventWriter = IEventWriter
"""Another name of the interface."""


class IEventReader(ABC):
    """Finds recorded events again. It needs no writer, and disturbs none.

    Every method selects alike:

    - `start`, `end`: events with `start <= timestamp < end`; a naive datetime is in UTC, None is no limit.
    - `event_type`: a pattern as `subscribe` takes it (`tick`, `order_*`, `events.*.binance`), an event class, which
      stands for all its subclasses too, or several of these.
    - `exchange`, `symbol`: a text, in which `*` stands for any run of characters and `?` for one, or several.
    - `filter`: any filter that `subscribe` takes. The topics and times of a predefined filter decide which files
      are read at all; the rest is evaluated for each event.

    An argument that is left out selects everything. Wrong arguments raise TypeError or ValueError at once.

    Another store's reader must have `_read`. The other methods with an underscore call it; a reader with a faster
    way overrides them.
    """

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
        """The selected events as one table."""
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

    def read_range(
        self,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        speed: float | None = None,
        **criteria: Unpack[Criteria],
    ) -> EventRange:
        """The selected events by timestamp, ties in the order in which they were recorded.

        Args:
            start: First moment.
            end: First moment that is too late.
            speed: None gives them as fast as possible; 1.0 at the intervals at which they happened, 10.0 ten times as
                fast. A plain `for` then sleeps, which blocks its thread.
            criteria: The events to select.

        Returns:
            An iterable for `for` and `async for`, in memory that does not depend on the range's length.
        """
        selection = select(start, end, **criteria)
        span = (
            f"{'the first' if start is None else start.isoformat()} to {'the last' if end is None else end.isoformat()}"
        )
        chosen = "".join(f", {name}={value!r}" for name, value in criteria.items() if value is not None)
        described = f"{self!r}, {span}{chosen}"
        return EventRange(lambda since: self._read(selection.since(since)), speed=speed, described=described)

    def read_table(
        self, start: datetime | None = None, end: datetime | None = None, **criteria: Unpack[Criteria]
    ) -> pa.Table:
        """The selected events as one Arrow table in the same order.

        The columns have the fields' names; columns beside them hold what they cannot say exactly. For several event
        types the table has the columns of all, null where a type does not have one.

        Args:
            start: First moment.
            end: First moment that is too late.
            criteria: The events to select.
        """
        return self._read_table(select(start, end, **criteria))

    def to_polars(
        self, start: datetime | None = None, end: datetime | None = None, **criteria: Unpack[Criteria]
    ) -> "polars.DataFrame":
        """The same table as a DataFrame of polars, mostly without a copy.

        Args:
            start: First moment.
            end: First moment that is too late.
            criteria: The events to select.

        Raises:
            ImportError: polars is not installed.
        """
        import polars  # noqa: PLC0415 - only for those who have it

        return polars.DataFrame(self.read_table(start, end, **criteria))

    def to_pandas(
        self, start: datetime | None = None, end: datetime | None = None, **criteria: Unpack[Criteria]
    ) -> "pandas.DataFrame":
        """The same table as a DataFrame of pandas, whose columns keep Arrow's types, so that decimals stay exact.

        Args:
            start: First moment.
            end: First moment that is too late.
            criteria: The events to select.

        Raises:
            ImportError: pandas is not installed.
        """
        import pandas  # noqa: PLC0415 - only for those who have it

        return self.read_table(start, end, **criteria).to_pandas(types_mapper=pandas.ArrowDtype)

    def replay(
        self,
        bus: Publisher,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        speed: float | None = 1.0,
        lockstep: bool = False,
        **criteria: Unpack[Criteria],
    ) -> Replay:
        """A replay of the selected events; `await` it to run it.

        Args:
            bus: The bus to publish on.
            start: First moment.
            end: First moment that is too late.
            speed: 1.0 keeps the original timing, any other factor shortens or stretches it, and None publishes as fast
                as the bus takes the events.
            lockstep: Whether all that an event has set off is handled before the next is published. The bus must have
                a `join`.
            criteria: The events to select.
        """
        return Replay(self.read_range(start, end, **criteria), bus, speed=speed, lockstep=lockstep)

    def topics(
        self, start: datetime | None = None, end: datetime | None = None, **criteria: Unpack[Criteria]
    ) -> list[StoredTopic]:
        """The selected topics of the store, sorted by event type, exchange and symbol.

        Args:
            start: First moment.
            end: First moment that is too late.
            criteria: The events to select.
        """
        return self._topics(select(start, end, **criteria))

    def count(self, start: datetime | None = None, end: datetime | None = None, **criteria: Unpack[Criteria]) -> int:
        """The number of selected events.

        Args:
            start: First moment.
            end: First moment that is too late.
            criteria: The events to select.
        """
        return self._count(select(start, end, **criteria))

    def time_span(self, **criteria: Unpack[Criteria]) -> tuple[datetime, datetime] | None:
        """The least and the greatest timestamp of the selected events, or None where there are none."""
        return self._time_span(select(None, None, **criteria))

    def last_before(self, moment: datetime, **criteria: Unpack[Criteria]) -> BaseEvent | None:
        """The last of the selected events whose timestamp is before a moment; among ties the one recorded last.

        Args:
            moment: First moment that is too late.
            criteria: The events to select.

        Returns:
            The event, or None where there is none.
        """
        return self._last(select(None, moment, **criteria))
