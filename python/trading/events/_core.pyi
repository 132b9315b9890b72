"""The native part: topics and patterns, filters, the journal, the bus itself."""

import asyncio
import sys
from collections.abc import Callable, Coroutine, Generator, Iterable
from datetime import datetime
from os import PathLike
from pathlib import Path
from typing import Any, Self, final

from typing_extensions import disjoint_base

from trading.events._models.frozen import FrozenDict
from trading.events.base import BaseEvent

_Times = tuple[int, int, int, int, int, list[tuple[int, int]]]

DEBUG_BUILD: bool
"""True for a debug build, on which nothing may be measured."""

VERSION: str
"""The version of the package."""

def new_event_id() -> str:
    """A new identity: a version 7 UUID (RFC 9562) as 32 hex digits, which sort by time of creation."""

def fast_paths() -> dict[str, bool]:
    """The ways that rely on how CPython lays out its objects, and whether this process takes them.

    On a version whose layouts are not known, or where a trial of one fails, the interpreter's own functions are called
    instead.
    """

def to_await(handler: object, result: object, /) -> Generator[Any, Any, object] | Coroutine[Any, Any, object] | None:
    """The awaitable iterator of what a handler has returned; None if that is a plain value.

    Raises:
        HandlerTypeError: It is something whose body has not run, and which cannot be awaited.
    """

def end_calls() -> None:
    """Refuses what other threads call from now on, and lets end what they have called, for a second at most.

    What has taken longer is not waited for at another call.

    The interpreter calls it when it exits.
    """

def utc_now() -> datetime:
    """The time now, aware and in UTC, by the clock that is set or else by the system's.

    Raises:
        TypeError: The clock that is set returned no datetime.
    """

def to_utc(value: datetime, /) -> datetime:
    """A moment in UTC; a naive datetime is taken as UTC. One that is plain and in UTC is returned as it is.

    Raises:
        ValueError: It has no UTC time between the years 1 and 9999.
    """

def set_clock(clock: Callable[[], datetime] | None, /) -> Callable[[], datetime] | None:
    """Has `utc_now` ask a clock, or with None the system's; returns what it asked before."""

def freeze(value: Any, /) -> Any:
    """A value whose plain dictionaries and lists, at every level, are read-only ones. Others stay as they are.

    Raises:
        ValueError: It is nested too deep, or within itself.
    """

def freeze_json(value: dict[str, Any], /) -> FrozenDict | None:
    """The same of a dictionary that is JSON as it stands; None for one that has to be made so, or cannot be."""

def no_metadata() -> FrozenDict:
    """The empty dictionary that events without metadata share."""

def compose_topic(event_type: str, exchange: str | None, symbol: str | None, /) -> str:
    """`events.{event_type}.{exchange}.{symbol}`, with `_` for None. The parts are taken as valid."""

def check_event_type(name: str, /) -> str:
    """Returns the name if it is `[a-z][a-z0-9_]*`.

    Raises:
        ValueError: It is not.
    """

def check_exchange(name: str, /) -> str:
    """Returns the name if it can be an exchange: not blank or `_`; no dot, `*`, `?` or control character.

    Raises:
        ValueError: It cannot.
    """

def check_symbol(name: str, /) -> str:
    """Returns the name if it can be a symbol: not blank or `_`; no `*`, `?` or control character.

    Raises:
        ValueError: It cannot.
    """

def normalize_pattern(pattern: str, /) -> str:
    """The pattern with its shorthands written out: `tick` is `events.tick.*.*`.

    Raises:
        PatternError: The text is no pattern.
    """

def matches(pattern: str, topic: str, /) -> bool:
    """True if the pattern matches the topic. A text that is no topic matches nothing.

    Raises:
        PatternError: The first text is no pattern.
    """

def encode_event(event: BaseEvent, /) -> bytes:
    """The event as one msgpack map.

    Raises:
        NotAnEventError: It is no event.
        UnstorableEventError: It would not come back equal.
    """

def encode_row(event: BaseEvent, /) -> bytes:
    """The same as `encode_event` for an event that its class would take as it is.

    Raises:
        NotAnEventError: It is no event.
        UnstorableEventError: It would not come back equal, or a validator of the model refuses it.
    """

def decode_event(data: bytes | bytearray | memoryview, /) -> BaseEvent:
    """The event that `encode_event` made these bytes of.

    Fields that its class does not have are left out, unless the class keeps them; missing ones get their defaults.

    Raises:
        EventDecodeError: They hold no event, or one of a type that no class here is for.
    """

def encode_batch(events: Iterable[BaseEvent], /) -> bytes:
    """The events as one msgpack array of such maps as `encode_event` makes.

    Raises:
        NotAnEventError: One of them is no event.
        UnstorableEventError: One of them would not come back equal.
    """

def decode_batch(data: bytes | bytearray | memoryview, /) -> list[BaseEvent]:
    """The events that `encode_batch` made these bytes of, in their order.

    Raises:
        EventDecodeError: They hold no batch, or one with something else than events in it.
    """

@final
class ColumnBuffer:
    """Memory of a column, through the buffer protocol."""

    if sys.version_info >= (3, 12):
        def __buffer__(self, flags: int, /) -> memoryview: ...

def encode_columns(
    events: list[BaseEvent], /
) -> tuple[int, list[tuple[str, str, list[tuple[int, list[ColumnBuffer | None]]]]], dict[str, list[int]]]:
    """The number of events, the columns of each field, and for each event type the indexes of its fields among them.

    A field is its name, its form, and its columns, each with its number of nulls and its buffers as in Arrow.

    Raises:
        NotAnEventError: One of them is no event.
        UnstorableEventError: One of them would not come back equal.
    """

def decode_columns(
    rows: int,
    fields: list[tuple[str, list[tuple[int, list[Any]]]]],
    places: dict[str, dict[str, int]],
    type_place: int,
    picked: list[int] | None = None,
    /,
) -> list[BaseEvent]:
    """The events of rows.

    Args:
        rows: How many.
        fields: The form and the columns of each field, a column being the offset of its first row and its buffers.
        places: The place of each field of an event type.
        type_place: The place of the event type.
        picked: Which rows, in which order; by default all.

    Raises:
        IndexError: There is no such row.
        EventDecodeError: They hold no events.
    """

@final
class RowTable:
    """Packs events into compact rows, which only a table with the same texts unpacks."""

    def __new__(cls, texts: list[str] = ..., /) -> Self:
        """A table that has these texts, those of the table that packed."""

    def pack(self, event: BaseEvent, /) -> bytes:
        """The event's row.

        Raises:
            NotAnEventError: It is no event.
            UnstorableEventError: It would not come back equal.
        """

    def unpack(self, row: bytes, /) -> BaseEvent:
        """The event of a row.

        Raises:
            EventDecodeError: It is no row of a table with these texts.
        """

    @property
    def texts(self) -> list[str]:
        """The texts needed to read the rows so far; the list only grows."""

@final
class Filter:
    """A condition on events, evaluated natively. Made by `trading.events.filters`."""

    @staticmethod
    def symbols(names: list[str], /) -> Filter: ...
    @staticmethod
    def exchanges(names: list[str], /) -> Filter: ...
    @staticmethod
    def event_types(names: list[str], classes: list[type[BaseEvent]], /) -> Filter: ...
    @staticmethod
    def time_range(start: datetime | None, end: datetime | None, /) -> Filter: ...
    @staticmethod
    def all(filters: list[Callable[[Any], object]], /) -> Filter: ...
    @staticmethod
    def any(filters: list[Callable[[Any], object]], /) -> Filter: ...
    @staticmethod
    def negation(condition: Callable[[Any], object], /) -> Filter: ...
    def decide(
        self,
        event_type: str,
        class_: type[BaseEvent] | None,
        exchange: str | None,
        symbol: str | None,
        span_us: tuple[int, int],
        /,
    ) -> bool | None:
        """True if all events of a topic between two timestamps pass, False if none does, None if each must be tested.

        Args:
            event_type: Theirs.
            class_: The class for it, if there is one.
            exchange: Theirs.
            symbol: Theirs.
            span_us: Their least and their greatest timestamp, in microseconds since 1970.
        """

    @property
    def name_bounds(self) -> tuple[list[str] | None, list[str] | None, list[str] | None]:
        """The event types, exchanges and symbols that may pass; None where the filter does not say."""

    @property
    def time_bounds_us(self) -> tuple[int | None, int | None]:
        """The first moment that may pass, and the first after those, in microseconds since 1970; None is open."""

    def __call__(self, event: BaseEvent, /) -> bool: ...
    def __and__(self, other: Callable[[Any], object], /) -> Filter: ...
    def __rand__(self, other: Callable[[Any], object], /) -> Filter: ...
    def __or__(self, other: Callable[[Any], object], /) -> Filter: ...
    def __ror__(self, other: Callable[[Any], object], /) -> Filter: ...
    def __invert__(self) -> Filter: ...

@final
class Histogram:
    """Durations by size, in little memory: what is read from it is at most 3.2 % too high."""

    def __new__(cls) -> Self: ...
    def record(self, duration_ns: int, /) -> None:
        """Counts a duration.

        Raises:
            OverflowError: It is negative, or beyond 64 bits.
        """

    def summary(self) -> tuple[int, int, int, int, int]:
        """Their number, median, 99th and 99.9th percentile, and maximum, in nanoseconds."""

@final
class Journal:
    """The writing end of a journal: a folder of numbered segments to which rows are appended.

    A place in it is how many bytes it had taken then. All methods may be called from any thread.

    Args:
        folder: Where the segments are.
        number: Of the first segment, above that of any other.
        seq: The sequence number of the first row.
        most_rows, most_bytes: Of one segment; when there are so many, `append` begins another, and tells.
        most_unsynced_bytes: Of what is kept in memory because it has not been synced; `append` tells when it is a
            quarter of that, and refuses more beyond it.
        is_deferred: Whether rows are kept in memory until `sync` or `rotate`.

    Raises:
        OSError: The first segment cannot be made.
    """

    def __new__(
        cls,
        folder: str | PathLike[str],
        number: int,
        seq: int,
        *,
        most_rows: int,
        most_bytes: int,
        most_unsynced_bytes: int,
        is_deferred: bool,
    ) -> Self: ...
    def append(self, payload: bytes, /) -> bool:
        """Takes a row and writes it, with one system call.

        Returns:
            Whether this was the first row that is not synced, or has reached one of the limits.

        Raises:
            OSError: It cannot be written, or, a BlockingIOError, not before a sync. It has not been taken.
            ValueError: It is longer than a row can be.
        """

    def take_event(self, event: BaseEvent, /) -> bool:
        """Takes an event as a row and writes it, where all is plain.

        Returns:
            Whether it has. Where not, nothing has changed, and `append(encode_row(event))` does what is to be done: it
            may raise, or its news be due to somebody, or this be a forked child, where nothing is to be appended.
        """

    def append_batch(self, payloads: list[bytes], /) -> bool:
        """Takes rows, all or none, and writes them with one system call. As `append` otherwise."""

    def sync(self) -> int:
        """Returns, as a place, up to where all is on the disk: at least up to where it was when this was called.

        Raises:
            OSError: It is not. It is in memory, and will be, or has been, written to a new segment for the next sync.
        """

    def prepare(self) -> None:
        """Makes the file of the next segment, if there is none and the newest segment is half full.

        Raises:
            OSError: It cannot be made; it will be when it is needed.
        """

    def discard_prepared(self) -> None:
        """Removes the file that was made ahead, if there is one."""

    def rotate(self) -> int | None:
        """Ends the segment and begins another. Returns the number of the one that has ended; an empty one stays.

        Raises:
            OSError: The new segment cannot be made. Nothing has changed.
        """

    @property
    def rows(self) -> int: ...
    @property
    def size_bytes(self) -> int: ...
    @property
    def number(self) -> int: ...
    @property
    def next_seq(self) -> int: ...
    @property
    def place(self) -> int: ...
    @property
    def synced(self) -> int: ...
    @property
    def set_aside(self) -> int: ...

@final
class Segment:
    """A segment that is held open: it can be read even when it has been removed."""

    @property
    def path(self) -> Path: ...
    @property
    def number(self) -> int: ...
    @property
    def first_seq(self) -> int | None:
        """The sequence number that its first row has or would have; None where nothing says so."""

    @property
    def limit(self) -> int:
        """The sequence number from which on a later segment holds what this one may hold too."""

    @property
    def is_apart(self) -> bool:
        """True if it holds quarantined rows. No earlier segment holds these too."""

    def read(self) -> SegmentRows:
        """Its rows below the limit, without those that have been quarantined since.

        Raises:
            OSError: It cannot be read.
        """

    def sample(self, most_bytes: int, /) -> tuple[int, int]:
        """The number of rows in so many bytes at its beginning, and of their classes, days and topics.

        Raises:
            OSError: It cannot be read.
        """

@final
class SegmentRows:
    """The rows of a segment, or of several, and what is wrong with them.

    The rows of several are on the disk: whatever asks for them raises OSError where they cannot be read.
    """

    def __len__(self) -> int: ...
    @property
    def torn_bytes(self) -> int:
        """The number of bytes at its end that are no row: a dying process had not finished it."""

    @property
    def damaged(self) -> list[tuple[int, int]]:
        """The offsets between which there are no rows, though a whole row follows: what was there is lost."""

    @property
    def next_seq(self) -> int | None:
        """The sequence number after its last row; None where nothing says so."""

    def slice(self, start: int, stop: int, /) -> list[tuple[int, bytes]]:
        """Rows by index: each its sequence number and its payload.

        Raises:
            IndexError: There are not so many.
        """

    def sort(self) -> tuple[list[TopicRows], list[int]]:
        """The rows of each class, day and topic; and the indices of those rows that do not say theirs."""

@final
class TopicRows:
    """The rows of one class, day and topic in a segment: by time, then in the order of recording."""

    @property
    def event_type(self) -> str: ...
    @property
    def day(self) -> int:
        """Days since 1970 in UTC."""

    @property
    def exchange(self) -> str | None: ...
    @property
    def symbol(self) -> str | None: ...
    @property
    def indices(self) -> list[int]:
        """Their indexes in the segment."""

    def __len__(self) -> int: ...
    def columns(
        self, event_class: type[BaseEvent], start: int, most: int, /
    ) -> tuple[int, int, list[tuple[int, list[ColumnBuffer | None]]], list[int]]:
        """Some of the rows as columns of the class, without the interpreter.

        Args:
            event_class: The class of the event type.
            start: The first row.
            most: How many rows at most; there are fewer where they hold much text.

        Returns:
            How many rows were looked at; how many are in the columns; the columns, each with its number of nulls and
            its buffers as in Arrow, the sequence numbers being the last; and the indices in the segment of the other
            rows, which the class itself must read.
        """

def read_together(segments: list[Segment], /) -> SegmentRows:
    """The rows of segments that nobody appends to any more, as if they were one. They are kept on the disk.

    Raises:
        OSError: One cannot be read.
    """

def begin_apart(number: int, first_seq: int, /) -> tuple[str, bytes]:
    """Name and first bytes of a new segment for quarantined rows.

    Args:
        number: Above that of every such segment before it.
        first_seq: The sequence number of its first row.
    """

def frame_rows(rows: list[tuple[int, bytes]], /) -> bytes:
    """Rows as they stand in a segment: each its sequence number, which rises, and its payload.

    Raises:
        ValueError: A payload is longer than one can be.
    """

def open_segments(folder: str | PathLike[str], /) -> list[Segment]:
    """Opens every segment of a journal, the oldest first; one that is removed meanwhile is left out.

    Raises:
        OSError: The folder or a segment cannot be read.
        ValueError: A later release has written a segment.
    """

def crc32c(data: bytes, before: int = 0, /) -> int:
    """The CRC32C of some bytes, or of all that had the checksum `before`, and these."""

def sync_file_system(folder: str | PathLike[str], /) -> None:
    """Makes everything durable that was written to the file system which holds a folder.

    Raises:
        OSError: That failed.
    """

@disjoint_base
class NativeBus:
    """The state of a bus: subscriptions, queues, workers, counts. InMemoryEventBus is its face.

    What begins with an underscore is for that class alone. It runs handlers in tasks of its own, each driven by a
    native coroutine, and calls `_report_failure` when one raises.
    """

    def __new__(cls, *arguments: Any, **options: Any) -> Self: ...
    def publish(self, event: BaseEvent) -> Coroutine[Any, Any, None]:
        """Hands an event to every matching subscription, at once where there is room. See `IEventBus.publish`."""

    def publish_nowait(self, event: BaseEvent) -> None:
        """Hands an event to every matching subscription, from any thread, without waiting.

        Raises:
            NotAnEventError: It is no event.
            QueueFullError: A queue that blocks or raises is full; the event has reached nobody.
            BusClosedError: The bus is closed or closing.
            WrongLoopError: The bus has not been used in a loop yet, or its loop is closed.
        """

    def publish_batch(self, events: Iterable[BaseEvent]) -> Coroutine[Any, Any, None]:
        """Publishes events one after the other. See `IEventBus.publish_batch`."""

    def _publish_own(self, event: BaseEvent, /) -> None: ...
    def _subscribe(
        self,
        what: str | type[BaseEvent],
        handler: Callable[[Any], object],
        condition: Callable[[Any], object] | None,
        /,
        *,
        capacity: int,
        overflow: str,
        delivery: str,
        on_gap: Callable[[Any], object] | None,
        name: str | None,
        start: str | datetime | None = None,
        held: bool = False,
    ) -> str: ...
    def _unsubscribe(self, sid: str, /, *, drain: bool) -> asyncio.Future[None] | None: ...
    def _bind(self) -> None: ...
    @property
    def _in_handler(self) -> bool: ...
    @property
    def _unfinished(self) -> int: ...
    @property
    def _publishers_waiting(self) -> int: ...
    @property
    def _lost_if_forgotten(self) -> int: ...
    @property
    def _published(self) -> int: ...
    @property
    def _is_local(self) -> bool: ...
    @property
    def _phase(self) -> str: ...
    def _idle(self, few: int = 0) -> asyncio.Future[None]: ...
    def _close(self) -> None: ...
    def _abandon(self) -> list[asyncio.Task[None]]: ...
    def _workers(self) -> list[asyncio.Task[None]]: ...
    def _refuse(self) -> None: ...
    def _send_for(self, patron: NativeBus) -> None: ...
    def _seal(self) -> bool: ...
    def _refill(self) -> None: ...
    def _attend(self, hired: int) -> None: ...
    def _counts(
        self,
    ) -> tuple[
        dict[str, int],
        dict[str, Any],
        list[tuple[str, str, str, dict[str, Any], int, int, int, tuple[_Times, _Times] | None]],
    ]: ...
    def _time_one_in(self, events: int) -> None: ...
    def _pack_beyond(self, events: int) -> int: ...
    def _yield_after(self, stretch_ns: int) -> None: ...
    def _keep_history(self, events: int) -> None: ...
    @property
    def _history(self) -> tuple[int, int] | None: ...
    def _weigh_history(self) -> tuple[int, int]: ...
    def _clear_history(self) -> None: ...
    def _query_history(
        self, what: str | type[BaseEvent], start: datetime | None, end: datetime | None, limit: int | None
    ) -> list[Any]: ...
    def _put_ahead(self, sid: str, events: Iterable[BaseEvent]) -> int: ...
    def _held_ids(self, sid: str, skipped: int, limit: int) -> list[str]: ...
    def _until_handled(self, sid: str, left: int) -> asyncio.Future[None] | None: ...
    def _let_go(self, sid: str) -> None: ...
    def _take_along(self, sid: str, most: int, /) -> list[Any]: ...
    def _unfinished_of(self, sid: str, /) -> int: ...
    def _publish_past(self, event: BaseEvent, sid: str, /) -> Coroutine[Any, Any, None]: ...
    def _publish_nowait_past(self, event: BaseEvent, sid: str, /) -> None: ...
    def _in_handlers(self) -> list[tuple[str, str, int]]: ...
    @property
    def _handling(self) -> tuple[str, int] | None: ...
    def _only_left_in(self, handlings: set[tuple[str, int]], /) -> bool: ...
