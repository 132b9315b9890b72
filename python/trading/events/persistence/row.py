"""An event as one row of the journal."""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgpack

from trading.events.base import BaseEvent, event_class
from trading.events.errors import EventDecodeError, NotAnEventError, UnstorableEventError
from trading.events.persistence.columns import from_micros, to_micros
from trading.events.persistence.schema import event_schema


class UnknownRowError(Exception):
    """A row of the journal is of a type that no class here is for."""


_Convert = Callable[[Any], Any]


def _same(value: Any, kind: type) -> Any:
    if type(value) is not kind and not isinstance(value, kind):
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value


def _in_utc(value: datetime) -> int:
    micros = to_micros(value)
    if value.utcoffset():
        raise ValueError(f"{value!r} is not in UTC")
    return micros


_PLAIN: Mapping[str, tuple[_Convert, _Convert]] = {
    "text": (lambda value: str(_same(value, str)), str),
    "json": (str, str),
    "bool": (lambda value: _same(value, bool), bool),
    "float": (lambda value: _same(value, float), float),
    "int": (lambda value: str(_same(value, int)), int),
    "decimal": (lambda value: str(_same(value, Decimal)), Decimal),
    "utc": (_in_utc, from_micros),
    "time": (lambda value: _same(value, datetime).isoformat(), datetime.fromisoformat),
}
"""From a value of each form to what msgpack holds, and back."""


def encode_row(event: BaseEvent) -> bytes:
    """The event as bytes.

    Raises:
        NotAnEventError: It is no event.
        UnstorableEventError: A value of it cannot be stored exactly.
    """
    if not isinstance(event, BaseEvent):
        raise NotAnEventError(f"only events can be recorded, not {event!r}")
    schema = event_schema(type(event))
    texts = iter(schema.render(event))
    plain: dict[str, Any] = {}
    try:
        for column in schema.columns:
            value = next(texts) if column.render else getattr(event, column.name)
            plain[column.name] = None if value is None else _PLAIN[column.stored.form][0](value)
        return msgpack.packb((schema.event_type, plain))
    except (TypeError, ValueError, AttributeError, OverflowError) as wrong:
        name, event_id = type(event).__name__, getattr(event, "event_id", "without an id")
        raise UnstorableEventError(f"{name} {event_id} cannot be stored exactly: {wrong}") from wrong


def decode_row(row: bytes) -> BaseEvent:
    """The event that `encode_row` made the bytes of.

    Raises:
        UnknownRowError: No class here is for its event type.
        EventDecodeError: They hold no event.
    """
    try:
        event_type, plain = msgpack.unpackb(row)
        cls = event_class(event_type)
        if cls is None:
            raise UnknownRowError(f"no class here has the event type {event_type!r}: import the one that defines it")
        schema = event_schema(cls)
        values: dict[str, Any] = {}
        for column in schema.columns:
            if column.name in plain:
                value = plain[column.name]
                decoded = None if value is None else _PLAIN[column.stored.form][1](value)
                values[column.name] = decoded if column.parse is None or decoded is None else column.parse(decoded)
        return schema.validator.validate_python([values], by_alias=False, by_name=True)[0]
    except (ValueError, TypeError, ArithmeticError, LookupError, msgpack.UnpackException) as wrong:
        raise EventDecodeError(f"a row of the journal holds no event: {wrong}") from wrong
