"""The newest events of a bus, kept in memory."""

import sys
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, Unpack, overload

from trading.events._bus.argument_checks import check_int
from trading.events._bus.unknown_topics import check_event_type
from trading.events._core import NativeBus, to_utc
from trading.events._models.event_kinds import is_of_kind
from trading.events.base import BaseEvent, event_class, event_classes

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow as pa

EventT = TypeVar("EventT", bound=BaseEvent)


Pattern = str | type[BaseEvent] | Iterable[type[BaseEvent]]
"""A pattern or an event class, as in `subscribe`, or several classes."""


class FrameOptions(TypedDict, total=False):
    """Options for the contents of a data frame of events."""

    columns: Iterable[str] | None
    """The fields that are wanted, in this order; by default all."""

    exact: bool
    """Whether columns beside them are wanted that hold what they cannot say."""

    floats: bool
    """Whether decimals are wanted as the nearest floats."""


def _moment(found: object, what: str) -> datetime | None:
    if found is None:
        return None
    if not isinstance(found, datetime):
        raise TypeError(f"{what} is {found!r}; it must be a datetime")
    return to_utc(found)


def _event_class(found: object) -> type[BaseEvent]:
    if not (isinstance(found, type) and issubclass(found, BaseEvent)):
        raise TypeError(f"{found!r} is no event class; several patterns are asked for one by one")
    return found


class EventHistory:
    """The newest events that a bus has accepted, in the order of acceptance. Get it from `InMemoryEventBus.history`.

    They are packed; what comes out is equal to what was published, and a new object each time. What cannot be packed is
    kept as it is.
    """

    def __init__(self, bus: NativeBus, *, strict_topics: bool = False) -> None:
        self._bus = bus
        self._strict_topics = strict_topics

    @overload
    def query(
        self,
        pattern: type[EventT],
        start: datetime | None = None,
        end: datetime | None = None,
        limit: int | None = None,
    ) -> list[EventT]: ...

    @overload
    def query(
        self,
        pattern: Iterable[type[EventT]],
        start: datetime | None = None,
        end: datetime | None = None,
        limit: int | None = None,
    ) -> list[EventT]: ...

    @overload
    def query(
        self, pattern: str = "*", start: datetime | None = None, end: datetime | None = None, limit: int | None = None
    ) -> list[Any]: ...

    def query(
        self,
        pattern: Pattern = "*",
        start: datetime | None = None,
        end: datetime | None = None,
        limit: int | None = None,
    ) -> list[Any]:
        """The events that match, in the order of acceptance.

        Looks at every event that is kept: a million take some tenths of a second.

        Args:
            pattern: A pattern or an event class, as in `subscribe`, or several classes; by default everything.
            start: The earliest `timestamp`; naive means UTC. None is open.
            end: The first `timestamp` that is too late; naive means UTC. None is open.
            limit: At most so many, the newest of them. None, the default, is all.

        Raises:
            PatternError: The text is no pattern.
            UnknownTopicError: It names an event type that no class has, and the bus has `strict_topics`.
            TypeError: `pattern` is neither text nor an event class, a bound no datetime, or `limit` no int.
            ValueError: `limit` is negative.
        """
        return self._query(pattern, start, end, limit)

    def _query(self, pattern: Pattern, start: datetime | None, end: datetime | None, limit: int | None) -> list[Any]:
        if limit is not None:
            check_int(limit, "limit", at_least=0, at_most=sys.maxsize)
        start, end = _moment(start, "start"), _moment(end, "end")
        if isinstance(pattern, (str, type)) or not isinstance(pattern, Iterable):
            check_event_type(pattern, is_strict=self._strict_topics)
            return self._bus._query_history(pattern, start, end, limit)  # noqa: SLF001 - its history
        classes = [_event_class(cls) for cls in pattern]
        events: list[BaseEvent] = self._bus._query_history("*", start, end, None)  # noqa: SLF001 - its history
        found = [event for event in events if any(is_of_kind(type(event), cls) for cls in classes)]
        return found if limit is None else found[len(found) - min(limit, len(found)) :]

    def read_table(
        self,
        pattern: Pattern = "*",
        start: datetime | None = None,
        end: datetime | None = None,
        limit: int | None = None,
        *,
        columns: Iterable[str] | None = None,
        exact: bool = False,
        floats: bool = False,
    ) -> "pa.Table":
        """The events that match as one Arrow table, in the order of acceptance; see `IEventReader.read_table`.

        Args:
            pattern: As in `query`.
            start: As in `query`.
            end: As in `query`.
            limit: As in `query`.
            columns: The fields that are wanted, in this order; by default all.
            exact: Whether columns beside them are wanted that hold what they cannot say.
            floats: Whether decimals are wanted as the nearest floats.

        Raises:
            UnstorableEventError: An event cannot be held by columns.
            ValueError: The events have no field of such a name, or the type of a column cannot hold a value.
        """
        from trading.events._codec.event_table import empty_table, to_table  # noqa: PLC0415 - takes long to import
        from trading.events._codec.frames import check_columns, present_table  # noqa: PLC0415 - takes long to import

        names = check_columns(columns)
        if isinstance(pattern, str):
            known = [event_class(pattern) or BaseEvent]
        else:
            known = [pattern] if isinstance(pattern, type) else list(pattern)
            pattern = known
        events = self._query(pattern, start, end, limit)
        table = to_table(events) if events else empty_table(known)
        return present_table(table, event_classes, columns=names, exact=exact, floats=floats)

    def to_polars(
        self,
        pattern: Pattern = "*",
        start: datetime | None = None,
        end: datetime | None = None,
        limit: int | None = None,
        **options: Unpack[FrameOptions],
    ) -> "polars.DataFrame":
        """The same table as a DataFrame of polars.

        Args:
            pattern: As in `query`.
            start: As in `query`.
            end: As in `query`.
            limit: As in `query`.
            options: `columns`, `exact` and `floats`, as in `read_table`.

        Raises:
            ImportError: polars is not installed.
            ValueError: As in `read_table`.
        """
        from trading.events._codec.frames import polars_frames  # noqa: PLC0415 - takes long to import

        frame_of = polars_frames()
        return frame_of(self.read_table(pattern, start, end, limit, **options))

    def to_pandas(
        self,
        pattern: Pattern = "*",
        start: datetime | None = None,
        end: datetime | None = None,
        limit: int | None = None,
        *,
        index: str | None = None,
        **options: Unpack[FrameOptions],
    ) -> "pandas.DataFrame":
        """The same table as a DataFrame of pandas; see `IEventReader.to_pandas`.

        Args:
            pattern: As in `query`.
            start: As in `query`.
            end: As in `query`.
            limit: As in `query`.
            index: The field that becomes the index; a time makes a DatetimeIndex.
            options: `columns`, `exact` and `floats`, as in `read_table`.

        Raises:
            ImportError: pandas is not installed.
            ValueError: As in `read_table`.
        """
        from trading.events._codec.frames import pandas_frames, with_index  # noqa: PLC0415 - takes long to import

        frame_of = pandas_frames(index=index, floats=options.get("floats", False))
        options["columns"] = with_index(options.get("columns"), index)
        return frame_of(self.read_table(pattern, start, end, limit, **options))

    def clear(self) -> None:
        """Forgets all events so far."""
        self._bus._clear_history()  # noqa: SLF001 - its history

    def __len__(self) -> int:
        return self._state()[0]

    @property
    def capacity(self) -> int:
        """Number of events that are kept at most."""
        return self._state()[1]

    @property
    def size_bytes(self) -> int:
        """Bytes that the packed events take; what could not be packed is not counted."""
        return self._bus._weigh_history()[0]  # noqa: SLF001 - its history

    @property
    def unpacked(self) -> int:
        """Number of events that are kept as objects, because they cannot be packed."""
        return self._bus._weigh_history()[1]  # noqa: SLF001 - its history

    def _state(self) -> tuple[int, int]:
        return self._bus._history or (0, 0)  # noqa: SLF001 - its history

    def __repr__(self) -> str:
        return f"<EventHistory: {len(self)} of at most {self.capacity} events, {self.size_bytes} bytes>"
