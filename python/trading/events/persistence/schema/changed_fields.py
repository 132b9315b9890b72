"""Fields that have another type in their class than they were stored with."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

import msgpack

from trading.events._codec.description import describe
from trading.events._codec.shapes import Shape
from trading.events.base import BaseEvent

_INT = (int, msgpack.ExtType)
_TAKEN: Mapping[str, tuple[type, ...]] = {
    "bool": (bool,),
    "int": _INT,
    "float": (float, *_INT),
    "text": (str,),
    "decimal": (str,),
    "date": (str,),
    "time": (str,),
    "datetime": (str, msgpack.Timestamp),
    "moment": (str, msgpack.Timestamp),
    "timedelta": _INT,
    "bytes": (bytes,),
    "uuid": (bytes,),
    "list": (list,),
    "tuple": (list,),
    "tuple_of": (list,),
    "dict": (dict, list),
}
"""The values of a row that a field of each kind may be encoded as; other kinds may be anything."""

_NAMES: Mapping[type, str] = {msgpack.ExtType: "int", msgpack.Timestamp: "datetime", str: "text", type(None): "none"}


def changed_fields(event_class: type[BaseEvent], stored: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The fields whose type in the class differs from the stored one, with a text about both.

    Args:
        event_class: The class.
        stored: The names of stored fields, each with its form.
    """
    forms = {field.name: field.shape.form for field in describe(event_class).fields}
    return {name: _say(event_class, name, form) for name, form in stored if forms.get(name, form) != form}


def changed_in_row(event_class: type[BaseEvent], row: bytes, name: str | None) -> dict[str, str]:
    """The same of one field in a row of the journal, as far as the row tells: a decimal, say, is a text there."""
    shape = next((field.shape for field in describe(event_class).fields if field.name == name), None)
    try:
        said: Any = msgpack.unpackb(row)
    except (ValueError, TypeError, RecursionError, msgpack.UnpackException):
        return {}
    if shape is None or name is None or not isinstance(said, dict) or name not in said:
        return {}
    value = cast("dict[object, Any]", said)[name]
    kind, is_optional = _unwrap(shape)
    taken = _TAKEN.get(kind)
    if taken is None or type(value) in taken or (value is None and is_optional):
        return {}
    stored = next((said for cls, said in _NAMES.items() if isinstance(value, cls)), str(type(value).__name__))
    return {name: _say(event_class, name, stored)}


def _unwrap(shape: Shape) -> tuple[str, bool]:
    """The kind of a field's values, and whether it may be None as well."""
    is_optional = False
    while shape.kind in {"optional", "checked", "proven"}:
        is_optional = is_optional or shape.kind == "optional"
        [shape] = shape.inner
    return shape.kind, is_optional


def _say(event_class: type[BaseEvent], name: str, stored: str) -> str:
    annotation: Any = event_class.model_fields[name].annotation
    here = annotation.__name__ if type(annotation) is type else str(annotation)
    return f"the field {name!r} is stored as {stored}, and has the type {here} here"
