"""An event as one row of the journal: what `encode_event` makes of it."""

import msgpack

from trading.events import _core
from trading.events.base import BaseEvent, event_class
from trading.events.codec import decode_event
from trading.events.errors import EventDecodeError, EventEncodeError, NotAnEventError, UnstorableEventError

__all__ = ["UnknownRowError", "decode_row", "encode_row"]


class UnknownRowError(Exception):
    """A row of the journal is of a type that no class here is for."""


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


def decode_row(row: bytes) -> BaseEvent:
    """The event that `encode_row` made the bytes of.

    Raises:
        UnknownRowError: No class here is for its event type.
        EventDecodeError: They hold no event.
    """
    try:
        return decode_event(row)
    except EventDecodeError as wrong:
        event_type = _peek_event_type(row)
        if event_type is not None and event_class(event_type) is None:
            raise UnknownRowError(str(wrong)) from wrong
        raise


def _peek_event_type(row: bytes) -> str | None:
    try:
        match msgpack.unpackb(row):
            case {"_t": str(event_type)}:
                return event_type
            case _:
                return None
    except (ValueError, TypeError, msgpack.UnpackException):
        return None
