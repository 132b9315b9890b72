"""The interfaces of every store's writer and reader."""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Hashable, Iterable
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar, Unpack, overload

import pyarrow as pa

from trading.events._codec.event_table import empty_table
from trading.events._codec.frames import check_columns, pandas_frames, polars_frames, present_table, with_index
from trading.events._codec.from_table.table_reader import TableOptions, TableReader
from trading.events.base import BaseEvent
from trading.events.codec import ArrowStream, events_to_table
from trading.events.persistence.feeds import Feed
from trading.events.persistence.replay.event_range import EventChunks, EventRange
from trading.events.persistence.replay.own_store import refuse_own_store, refusing_own_store
from trading.events.persistence.replay.replay import Publisher, Replay
from trading.events.persistence.selection import Criteria, OtherCriteria, Selection, select
from trading.events.persistence.topics import StoredTopic, count_topics

if TYPE_CHECKING:
    import pandas
    import polars

CLOSED = (
    "the writer is closed, or belongs to the process that this one was forked from; where it records what is on a bus, "
    "enter the writer before the bus, so that the bus is closed first"
)

EventT = TypeVar("EventT", bound=BaseEvent)
SecondT = TypeVar("SecondT", bound=BaseEvent)
ThirdT = TypeVar("ThirdT", bound=BaseEvent)


class IEventWriter(ABC):
    """Records events. Its `write_event` is a handler: `await bus.subscribe("*", writer.write_event)` records them all.

    A writer keeps what it is given, in the order in which it is given: the same event written twice is two records.
    """

    @property
    def store_id(self) -> Hashable:
        """Identifies the store that it writes to; None where that is not known."""
        return None

    def note_feed(self, feed: Feed) -> None:  # noqa: B027 - a writer need not keep it
        """Called by a bus when `write_event` is the handler of a new subscription of its.

        The writers of this package keep it, and have the bus drained before they close, so that what it has accepted
        is recorded even if the writer is left first. By default a writer keeps none.
        """

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

    async def write_table(
        self, table: ArrowStream, event_class: type[BaseEvent], **options: Unpack[TableOptions]
    ) -> int:
        """Takes the rows of a table, of pyarrow, pandas, polars or others, as events of a class.

        The columns are named like the fields; `trading.events.codec.events_from_table` says what is made of them. Every
        row is judged before the first is written. A table that is written twice is recorded twice.

        Args:
            table: The table.
            event_class: The class of the events.
            options: `exchange`, `symbol`, `tz`, `time_unit` and `unknown`, as in `events_from_table`.

        Returns:
            The number of events.

        Raises:
            EventTableError: A column is missing or unknown, or a row is no event. Nothing of the table has been taken.
            UnstorableEventError, StoreError: As in `write_batch`. Whatever is raised while rows are written, its
                attribute `written` is the count of those, from the first on, that had been taken.
        """
        reader = TableReader(table, event_class, **options)
        for _ in reader.chunks():
            await asyncio.sleep(0)
        written = 0
        try:
            for events in reader.chunks():
                await self.write_batch(events)
                written += len(events)
                await asyncio.sleep(0)
        except BaseException as error:
            vars(error)["written"] = written
            error.add_note(
                f"{written} of the {reader.rows} rows of the table had been written before, from the first on"
            )
            raise
        return written

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

    @overload
    def read_range(
        self,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        event_type: tuple[type[EventT], type[SecondT]],
        speed: float | None = None,
        **criteria: Unpack[OtherCriteria],
    ) -> EventRange[EventT | SecondT]: ...

    @overload
    def read_range(
        self,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        event_type: tuple[type[EventT], type[SecondT], type[ThirdT]],
        speed: float | None = None,
        **criteria: Unpack[OtherCriteria],
    ) -> EventRange[EventT | SecondT | ThirdT]: ...

    @overload
    def read_range(
        self,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        event_type: type[EventT] | Iterable[type[EventT]],
        speed: float | None = None,
        **criteria: Unpack[OtherCriteria],
    ) -> EventRange[EventT]: ...

    @overload
    def read_range(
        self,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        speed: float | None = None,
        **criteria: Unpack[Criteria],
    ) -> EventRange: ...

    def read_range(
        self,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        speed: float | None = None,
        **criteria: Unpack[Criteria],
    ) -> EventRange[Any]:
        """The selected events by timestamp, ties in the order in which they were recorded.

        To type checkers they are of the class that `event_type` names, or of one of several.

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
        self,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        columns: Iterable[str] | None = None,
        exact: bool = False,
        floats: bool = False,
        **criteria: Unpack[Criteria],
    ) -> pa.Table:
        """The selected events as one Arrow table, sorted as in `read_range`.

        The columns have the fields' names; decimals are of the type decimal128(38, 18). For several event types the
        table has the columns of all, null where a type does not have one.

        Args:
            start: First moment.
            end: First moment that is too late.
            columns: The fields that are wanted, in this order; by default all. What others hold is not read.
            exact: Whether columns beside them are wanted that hold what they cannot say: the exponent of a decimal in
                `price_exp`, as text in `price_exact` what the type of `price` cannot hold, and in `_seq` the order of
                recording, where the store has it. `table_to_events` makes the same events of such a table.
            floats: Whether decimals are wanted as the nearest floats.
            criteria: The events to select.

        Raises:
            ValueError: The selected events have no field of such a name, or the type of a column cannot hold a value,
                which `exact=True` gives as text.
        """
        names = check_columns(columns)
        selection = replace(select(start, end, **criteria), fields=None if names is None else frozenset(names))
        table = self._read_table(selection)
        return present_table(table, selection.possible_classes, columns=names, exact=exact, floats=floats)

    def to_polars(
        self,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        columns: Iterable[str] | None = None,
        exact: bool = False,
        floats: bool = False,
        **criteria: Unpack[Criteria],
    ) -> "polars.DataFrame":
        """The same table as a DataFrame of polars, mostly without a copy.

        Args:
            start: First moment.
            end: First moment that is too late.
            columns: As in `read_table`.
            exact: As in `read_table`.
            floats: As in `read_table`.
            criteria: The events to select.

        Raises:
            ImportError: polars is not installed.
            ValueError: As in `read_table`.
        """
        frame_of = polars_frames()
        return frame_of(self.read_table(start, end, columns=columns, exact=exact, floats=floats, **criteria))

    def to_pandas(
        self,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        columns: Iterable[str] | None = None,
        exact: bool = False,
        floats: bool = False,
        index: str | None = None,
        **criteria: Unpack[Criteria],
    ) -> "pandas.DataFrame":
        """The same table as a DataFrame of pandas, whose columns keep Arrow's types, so that decimals stay exact.

        With `floats=True` those of numbers with a point are of NumPy's float64, on which all that pandas and NumPy
        calculate works: `pct_change`, `resample("1min").ohlc()`, `numpy.log`.

        Args:
            start: First moment.
            end: First moment that is too late.
            columns: As in `read_table`.
            exact: As in `read_table`.
            floats: As in `read_table`.
            index: The field that becomes the index; a time makes a DatetimeIndex, which `resample` needs.
            criteria: The events to select.

        Raises:
            ImportError: pandas is not installed.
            ValueError: As in `read_table`.
        """
        frame_of = pandas_frames(index=index, floats=floats)
        columns = with_index(columns, index)
        return frame_of(self.read_table(start, end, columns=columns, exact=exact, floats=floats, **criteria))

    @overload
    def replay(
        self,
        bus: Publisher,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        event_type: type[EventT] | Iterable[type[EventT]],
        speed: float | None = 1.0,
        lockstep: bool = False,
        **criteria: Unpack[OtherCriteria],
    ) -> Replay[EventT]: ...

    @overload
    def replay(
        self,
        bus: Publisher,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        speed: float | None = 1.0,
        lockstep: bool = False,
        **criteria: Unpack[Criteria],
    ) -> Replay: ...

    def replay(
        self,
        bus: Publisher,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        speed: float | None = 1.0,
        lockstep: bool = False,
        into_itself: bool = False,
        **criteria: Unpack[Criteria],
    ) -> Replay[Any]:
        """A replay of the selected events; `await` it to run it.

        Args:
            bus: The bus to publish on.
            start: First moment.
            end: First moment that is too late.
            speed: 1.0 keeps the original timing, any other factor shortens or stretches it, and None publishes as fast
                as the bus takes the events.
            lockstep: Whether all that an event has set off is handled before the next is published. The bus must have
                a `join`.
            into_itself: Whether events may be published although a writer's own `write_event` is a handler of this bus
                that records into this store, where each would then be twice. That is noticed at once, and while the
                replay runs.
            criteria: The events to select.

        Raises:
            ReplayIntoItselfError: There is such a writer, and `into_itself` is not said.
        """
        selection = select(start, end, **criteria)
        if into_itself:
            return Replay(
                EventRange(lambda since: self._read(selection.since(since))), bus, speed=speed, lockstep=lockstep
            )
        refuse_own_store(self.store_id, bus)
        events = EventRange(lambda since: refusing_own_store(self._read(selection.since(since)), self.store_id, bus))
        return Replay(events, bus, speed=speed, lockstep=lockstep)

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

    @overload
    def last_before(
        self, moment: datetime, *, event_type: type[EventT] | Iterable[type[EventT]], **criteria: Unpack[OtherCriteria]
    ) -> EventT | None: ...

    @overload
    def last_before(self, moment: datetime, **criteria: Unpack[Criteria]) -> BaseEvent | None: ...

    def last_before(self, moment: datetime, **criteria: Unpack[Criteria]) -> Any:
        """The last of the selected events whose timestamp is before a moment; among ties the one recorded last.

        Args:
            moment: First moment that is too late.
            criteria: The events to select.

        Returns:
            The event, or None where there is none.
        """
        return self._last(select(None, moment, **criteria))
