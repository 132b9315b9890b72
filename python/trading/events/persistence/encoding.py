"""Events as rows of the journal, encoded as by `encode_event`."""

from typing import Any, NamedTuple, cast

import msgpack

from trading.events import _core
from trading.events.base import BaseEvent
from trading.events.errors import EventEncodeError, NotAnEventError, UnstorableEventError
from trading.events.unknown import UnknownEvent


def encode_row(event: BaseEvent) -> bytes:
    """The event as bytes.

    Raises:
        NotAnEventError: It is no event.
        UnstorableEventError: A value of it cannot be stored exactly, or its own class would refuse it.
    """
    try:
        return _core.encode_row(event)
    except EventEncodeError as wrong:
        name, event_id = type(event).__name__, getattr(event, "event_id", "without an id")
        raise UnstorableEventError(f"{name} {event_id} cannot be stored exactly: {wrong}") from wrong
    except NotAnEventError:
        raise NotAnEventError(f"only events can be recorded, not {event!r}") from None


def refuse_extra(event: BaseEvent) -> None:
    """Refuses an event with extra values, for a store that has columns for the fields of its class alone.

    Raises:
        UnstorableEventError: It has values under other names, or no class here is for it.
    """
    if isinstance(event, UnknownEvent):
        raise UnstorableEventError(
            f"{event.event_type} {event.event_id} cannot be stored here: no class here has its event type, so there "
            f"are no columns for it; import the module that defines it"
        )
    if event.__pydantic_extra__:
        name = next(iter(event.__pydantic_extra__))
        raise UnstorableEventError(
            f"{type(event).__name__} {event.event_id} cannot be stored here: {name!r:.80} is none of its fields; "
            f"make it one, or put it into metadata"
        )


class Head(NamedTuple):
    """The header of a row, as far as it has one.

    Attributes:
        event_type: The event type.
        micros: The timestamp, in microseconds since 1970.
        exchange: The exchange, if there is one.
        symbol: The symbol, if there is one.
    """

    event_type: str | None = None
    micros: int | None = None
    exchange: str | None = None
    symbol: str | None = None


def peek_row(row: bytes) -> Head:
    """The header of a row. No class is needed, and none is asked."""
    try:
        said: Any = msgpack.unpackb(row)
    except (ValueError, TypeError, RecursionError, msgpack.UnpackException):
        return Head()
    if not isinstance(said, dict):
        return Head()
    said = cast("dict[object, object]", said)
    moment, micros = said.get("_ts"), None
    if isinstance(moment, msgpack.Timestamp):
        micros = moment.seconds * 1_000_000 + moment.nanoseconds // 1_000
    return Head(_text(said.get("_t")), micros, _text(said.get("_x")), _text(said.get("_s")))


def _text(said: object) -> str | None:
    return said if isinstance(said, str) else None
