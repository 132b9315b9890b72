"""The native part: topics and patterns, filters, the bus itself."""

import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterable
from datetime import datetime
from typing import Any, Self, final

from typing_extensions import disjoint_base

from trading.events.base import BaseEvent

_Times = tuple[int, int, int, int, int]

DEBUG_BUILD: bool
"""Whether this is a debug build, on which nothing may be measured."""

def new_event_id() -> str:
    """A new identity: a version 7 UUID (RFC 9562) as 32 hex digits, which sort by time of creation."""

def utc_now() -> datetime:
    """The time now, aware and in UTC."""

def to_utc(value: datetime, /) -> datetime:
    """A moment in UTC; a naive datetime is taken as UTC. One that is plain and in UTC is returned as it is.

    Raises:
        ValueError: It has no UTC time between the years 1 and 9999.
    """

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
    """Whether the topic is one of those that the pattern stands for. A text that is no topic matches nothing.

    Raises:
        PatternError: The first text is no pattern.
    """

def encode_event(event: BaseEvent, /) -> bytes:
    """The event as one msgpack map.

    Raises:
        NotAnEventError: It is no event.
        EventEncodeError: A field holds what would not come back as it is.
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
        EventEncodeError: A field of one holds what would not come back as it is.
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
    """How many events there are; the columns of each field; the places among them of the fields of each event type.

    A field is its name, its form, and its columns, each with its number of nulls and its buffers as in Arrow.

    Raises:
        NotAnEventError: One of them is no event.
        EventEncodeError: A field of one holds what would not come back as it is.
    """

def decode_columns(
    rows: int,
    fields: list[tuple[str, list[tuple[int, list[Any]]]]],
    places: dict[str, dict[str, int]],
    type_place: int,
    /,
) -> list[BaseEvent]:
    """The events of rows.

    Args:
        rows: How many.
        fields: The form and the columns of each field, a column being the offset of its first row and its buffers.
        places: The place of each field of an event type.
        type_place: The place of the event type.

    Raises:
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
            EventEncodeError: A field holds what would not come back as it is.
        """

    def unpack(self, row: bytes, /) -> BaseEvent:
        """The event of a row.

        Raises:
            EventDecodeError: It is no row of a table with these texts.
        """

    @property
    def texts(self) -> list[str]:
        """What the rows so far need to be read; it only grows."""

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
    def __call__(self, event: BaseEvent, /) -> bool: ...
    def __and__(self, other: Callable[[Any], object], /) -> Filter: ...
    def __rand__(self, other: Callable[[Any], object], /) -> Filter: ...
    def __or__(self, other: Callable[[Any], object], /) -> Filter: ...
    def __ror__(self, other: Callable[[Any], object], /) -> Filter: ...
    def __invert__(self) -> Filter: ...

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
    ) -> str: ...
    def _unsubscribe(self, sid: str, /, *, drain: bool) -> asyncio.Future[None] | None: ...
    def _bind(self) -> None: ...
    @property
    def _in_handler(self) -> bool: ...
    @property
    def _unfinished(self) -> int: ...
    @property
    def _lost_if_forgotten(self) -> int: ...
    @property
    def _is_local(self) -> bool: ...
    @property
    def _phase(self) -> str: ...
    def _idle(self) -> asyncio.Future[None]: ...
    def _close(self) -> None: ...
    def _abandon(self) -> list[asyncio.Task[None]]: ...
    def _workers(self) -> list[asyncio.Task[None]]: ...
    def _seal(self) -> None: ...
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
    def _in_handlers(self) -> list[tuple[str, str, int]]: ...
