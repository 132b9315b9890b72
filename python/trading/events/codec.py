"""Events as bytes and back, exactly.

The bytes are msgpack, which any msgpack library reads. Nothing that is read is trusted: whatever bytes are given, the
answer is an event or an EventDecodeError.
"""

from collections.abc import Iterable
from typing import cast

import msgpack
from pydantic import ValidationError

from trading.events.base import BaseEvent, event_class
from trading.events.errors import EventDecodeError, EventEncodeError, NotAnEventError

_VERSION = 1


def encode_event(event: BaseEvent) -> bytes:
    """The event as one msgpack map.

    Raises:
        NotAnEventError: It is no event.
        EventEncodeError: A field holds what would not come back as it is.
    """
    return msgpack.packb(_to_map(event))


def decode_event(data: bytes | bytearray | memoryview) -> BaseEvent:
    """The event that `encode_event` made these bytes of.

    Fields that its class does not have are left out, unless the class keeps them; missing ones get their defaults.

    Raises:
        EventDecodeError: They hold no event, or one of a type that no class here is for.
    """
    return _from_map(_unpack(data))


def encode_batch(events: Iterable[BaseEvent]) -> bytes:
    """The events as one msgpack array of such maps as `encode_event` makes.

    Raises:
        NotAnEventError: One of them is no event.
        EventEncodeError: A field of one holds what would not come back as it is.
    """
    return msgpack.packb([_to_map(event) for event in events])


def decode_batch(data: bytes | bytearray | memoryview) -> list[BaseEvent]:
    """The events that `encode_batch` made these bytes of, in their order.

    Raises:
        EventDecodeError: They hold no batch, or one with something else than events in it.
    """
    found = _unpack(data)
    if not isinstance(found, list):
        raise EventDecodeError("it is no array of events", 0)
    return [_from_map(each) for each in cast("list[object]", found)]


def _to_map(event: BaseEvent) -> dict[str, object]:
    if not isinstance(event, BaseEvent):
        raise NotAnEventError(f"{type(event).__qualname__} is no event: it does not derive from BaseEvent")
    try:
        text = event.model_dump_json()
    except (ValueError, TypeError) as wrong:
        raise EventEncodeError(str(wrong)) from wrong
    return {"_v": _VERSION, "_t": event.event_type, "json": text}


def _from_map(found: object) -> BaseEvent:
    match found:
        case {"_v": 1, "_t": str(event_type), "json": str(text)}:
            cls = event_class(event_type)
        case _:
            raise EventDecodeError("it is no event", 0)
    if cls is None:
        raise EventDecodeError(f"no class here has the event type {event_type!r}: import the module that defines it", 0)
    try:
        return cls.model_validate_json(text, by_alias=False, by_name=True)
    except ValidationError as wrong:
        raise EventDecodeError(str(wrong), 0) from wrong


def _unpack(data: bytes | bytearray | memoryview) -> object:
    try:
        found: object = msgpack.unpackb(data)
    except (ValueError, TypeError, msgpack.UnpackException) as wrong:
        raise EventDecodeError(f"it is no msgpack: {wrong!r}", 0) from wrong
    return found
