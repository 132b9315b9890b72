"""What tells two values apart that Python calls equal: their types at every level, digits, signs, zones, order."""

import dataclasses
import enum
import math
from collections import deque
from collections.abc import Mapping
from datetime import datetime, time, timezone
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, SecretBytes, SecretStr
from pydantic_core import TzInfo

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
            beside = [getattr(value, name, None) or {} for name in ("__pydantic_extra__", "__pydantic_private__")]
            fields = _items(value.__dict__, type(value).model_fields, depth)
            return fields, *(_items(values, values, depth) for values in beside)
        case SecretStr() | SecretBytes():
            return value.get_secret_value()
        case Mapping():
            items = tuple((exact(key, depth), exact(each, depth)) for key, each in value.items())
            return items, getattr(value, "default_factory", None)
        case list() | tuple() | deque():
            return tuple(exact(each, depth) for each in value), getattr(value, "maxlen", None)
        case set() | frozenset():
            return frozenset(exact(each, depth) for each in value)
        case _ if dataclasses.is_dataclass(value):
            fields = dataclasses.fields(value)
            return tuple(exact(getattr(value, field.name, ...), depth) for field in fields), _more(value, fields, depth)
        case _:
            return value if type(value).__eq__ is not object.__eq__ else repr(value)


def _items(values: Mapping[str, Any], names: Any, depth: int) -> tuple[Any, ...]:
    return tuple((name, exact(values[name], depth)) for name in names)


def _more(value: Any, fields: Any, depth: int) -> Any:
    """What a dataclass has beside its fields."""
    more = {name: each for name, each in getattr(value, "__dict__", {}).items() if name[:2] != "__"}
    return exact({name: more[name] for name in more.keys() - {field.name for field in fields}}, depth)


def tell(value: Any) -> str:
    """A value for a message, whatever it is."""
    try:
        return f"{value!r:.2000}"
    except Exception as wrong:  # noqa: BLE001 - too deep, too long, or a text of the class's own
        return f"{type(value)} without a repr: {wrong!r:.200}"


def _zone(value: datetime | time) -> Any:
    if isinstance(value.tzinfo, timezone | TzInfo):
        return value.utcoffset()  # a fixed offset is that, under whatever name
    return getattr(value.tzinfo, "key", None) or repr(value.tzinfo)
