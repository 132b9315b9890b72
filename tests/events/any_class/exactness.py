"""What tells two values apart that Python calls equal: their types at every level, digits, signs, zones, order."""

import dataclasses
import enum
import math
from collections import deque
from collections.abc import Mapping
from datetime import datetime, time
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, SecretBytes, SecretStr

_DEPTH = 50


def exact(value: Any, depth: int = 0) -> Any:
    """A value as tuples of types and plain values; two of them are equal where the values are the same in every way."""
    if depth > _DEPTH:
        return "deeper"
    return type(value), _contents(value, depth + 1)


def _contents(value: Any, depth: int) -> Any:  # noqa: PLR0911 - a table
    match value:
        case enum.Enum():
            return value.name
        case float():
            return "nan" if math.isnan(value) else float.hex(value)
        case complex():
            return exact(value.real, depth), exact(value.imag, depth)
        case Decimal():
            return value.as_tuple()
        case datetime() | time():
            return value.replace(tzinfo=None).isoformat(), value.fold, _zone(value)
        case BaseModel():
            extra = value.__pydantic_extra__ or {}
            return _items(value.__dict__, type(value).model_fields, depth), _items(extra, extra, depth)
        case SecretStr() | SecretBytes():
            return value.get_secret_value()
        case Mapping():
            return tuple((exact(key, depth), exact(each, depth)) for key, each in value.items())
        case list() | tuple() | deque():
            return tuple(exact(each, depth) for each in value)
        case set() | frozenset():
            return frozenset(exact(each, depth) for each in value)
        case _ if dataclasses.is_dataclass(value):
            return tuple(exact(getattr(value, field.name), depth) for field in dataclasses.fields(value))
        case _:
            return value if type(value).__eq__ is not object.__eq__ else repr(value)


def _items(values: Mapping[str, Any], names: Any, depth: int) -> tuple[Any, ...]:
    return tuple((name, exact(values[name], depth)) for name in names)


def _zone(value: datetime | time) -> Any:
    key = getattr(value.tzinfo, "key", None)
    return key or (value.utcoffset(), repr(value.tzinfo))
