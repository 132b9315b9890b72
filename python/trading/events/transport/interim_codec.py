"""Events as bytes and back, until `trading.events.codec` has the native codec."""

from collections.abc import Iterable
from typing import cast

from pydantic import ValidationError
from pydantic_core import from_json

from trading.events.base import BaseEvent, event_class
from trading.events.errors import EventDecodeError


def encode_event(event: BaseEvent) -> bytes:
    """One event as bytes."""
    return event.model_dump_json().encode()


def decode_event(data: bytes) -> BaseEvent:
    """The event that these bytes hold.

    Raises:
        EventDecodeError: They hold none.
    """
    return _unpack(_parse(data))


def encode_batch(events: Iterable[BaseEvent]) -> bytes:
    """Events as bytes."""
    return b"[%s]" % b",".join(map(encode_event, events))


def decode_batch(data: bytes) -> list[BaseEvent]:
    """The events that these bytes hold.

    Raises:
        EventDecodeError: They hold no events, or something besides.
    """
    found = _parse(data)
    if not isinstance(found, list):
        raise EventDecodeError("the bytes hold no list of events")
    return [_unpack(item) for item in cast("list[object]", found)]


def _parse(data: bytes) -> object:
    try:
        found: object = from_json(data)
    except ValueError as wrong:
        raise EventDecodeError(str(wrong)) from None
    return found


def _unpack(found: object) -> BaseEvent:
    match found:
        case {"event_type": str(event_type)}:
            cls = event_class(event_type)
        case _:
            raise EventDecodeError("the bytes hold no event")
    if cls is None:
        raise EventDecodeError(f"no class here has the event type {event_type!r}")
    try:
        return cls.model_validate(found)
    except ValidationError as wrong:
        raise EventDecodeError(str(wrong)) from None
