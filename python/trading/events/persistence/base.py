"""The interfaces of every store's writer and reader."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable
from datetime import datetime
from typing import Any, TypeVar, Unpack, overload

from trading.events._codec.from_table.table_reader import TableOptions, TableReader
from trading.events.base import BaseEvent
from trading.events.codec import ArrowStream
from trading.events.persistence.feeds import Feed
from trading.events.persistence.frame_reader import FrameReader
from trading.events.persistence.replay.event_range import EventRange
from trading.events.persistence.replay.own_store import refuse_own_store, refusing_own_store
from trading.events.persistence.replay.replay import Publisher, Replay
from trading.events.persistence.selection import Criteria, OtherCriteria, select
from trading.events.persistence.topics import StoredTopic

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


class IEventReader(FrameReader):
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
