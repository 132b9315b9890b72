"""Exact comparison of decoded with encoded values: by type at every level, with digits, signs, zones and order."""

import math
import reprlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from functools import cached_property
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from pydantic_core import TzInfo

MOST_SHOWN = 200
"""Most characters of a value in a message."""

Pair = tuple[Any, Any]

_PLAIN = frozenset({str, bytes, bytearray, int, bool, date, timedelta, UUID, type(None)})
_FIXED = frozenset({timezone, TzInfo})
_MISSING = object()


def is_same(left: object, right: object) -> bool:
    """Returns whether two values are of one type and one content, with all that they hold.

    NaN is the same as NaN; 1.10 is not 1.1, 0.0 not -0.0, 1 not True. Zones of a fixed offset are the same if the
    offset is. Which fields of a model were given is not compared.
    """
    pairs: list[Pair] = [(left, right)]
    while pairs:
        one, other = pairs.pop()
        if type(one) is not type(other):
            return False
        inner = _compare(one, other)
        if inner is None:
            return False
        pairs.extend(inner)
    return True


def show(value: object) -> str:
    """A value for a message: short, whatever it is."""
    try:
        text = _Short().repr(value)
    except Exception:  # noqa: BLE001 - whatever a class of the user's own may do, or the limit of long numbers
        text = f"<{type(value).__qualname__}>"
    return shorten(text)


def shorten(text: str) -> str:
    """A text for a message: its beginning, if it is long."""
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}..."


class _Short(reprlib.Repr):
    """Looks only at the beginning of long values, and to a limited depth."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 6
        self.maxlist = self.maxtuple = self.maxdict = self.maxset = self.maxfrozenset = self.maxdeque = 20
        self.maxstring = self.maxlong = self.maxother = MOST_SHOWN


def _compare(one: Any, other: Any) -> Iterable[Pair] | None:
    """The parts that are still to be compared, or None where the two differ."""
    if type(one) in _PLAIN:
        return () if one == other else None
    if isinstance(one, Enum):
        return () if one is other else None
    for kind, compare in _COMPARED:
        if isinstance(one, kind):
            return compare(one, other)
    if is_dataclass(one) and not isinstance(one, type):
        return _compare_dataclasses(one, other)
    return _compare_others(one, other)


def _compare_others(one: Any, other: Any) -> Iterable[Pair] | None:
    if not bool(one == other):
        return None
    own: list[Pair] = [(vars(one), vars(other))] if hasattr(one, "__dict__") and one is not other else []
    return own


def _compare_floats(one: float, other: float) -> Iterable[Pair] | None:
    both_nan = math.isnan(one) and math.isnan(other)
    return () if both_nan or (one == other and math.copysign(1, one) == math.copysign(1, other)) else None


def _compare_complex(one: complex, other: complex) -> Iterable[Pair] | None:
    return [(one.real, other.real), (one.imag, other.imag)]


def _compare_decimals(one: Decimal, other: Decimal) -> Iterable[Pair] | None:
    return () if one.as_tuple() == other.as_tuple() else None


def _compare_times(one: datetime | time, other: datetime | time) -> Iterable[Pair] | None:
    same = one.replace(tzinfo=None) == other.replace(tzinfo=None) and one.fold == other.fold
    return () if same and _is_same_zone(one, other) else None


def _is_same_zone(one: datetime | time, other: datetime | time) -> bool:
    if one.tzinfo is other.tzinfo:
        return True
    return type(one.tzinfo) in _FIXED and type(other.tzinfo) in _FIXED and one.utcoffset() == other.utcoffset()


def _compare_items(one: Any, other: Any) -> Iterable[Pair] | None:
    if len(one) != len(other) or getattr(one, "maxlen", None) != getattr(other, "maxlen", None):
        return None
    return zip(one, other, strict=True)


def _compare_mappings(one: Mapping[Any, Any], other: Mapping[Any, Any]) -> Iterable[Pair] | None:
    if len(one) != len(other) or getattr(one, "default_factory", None) != getattr(other, "default_factory", None):
        return None
    return _pairs(one, other)


def _pairs(one: Mapping[Any, Any], other: Mapping[Any, Any]) -> Iterator[Pair]:
    for left, right in zip(one.items(), other.items(), strict=True):
        yield from zip(left, right, strict=True)


def _compare_sets(one: AbstractSet[Any], other: AbstractSet[Any]) -> Iterable[Pair] | None:
    found = {value: value for value in other}
    return [(value, found.get(value, _MISSING)) for value in one] if len(one) == len(other) else None


def _compare_dataclasses(one: Any, other: Any) -> Iterable[Pair]:
    names = [field.name for field in fields(one)]
    yield from ((getattr(one, name, _MISSING), getattr(other, name, _MISSING)) for name in names)
    yield _beside(one, names), _beside(other, names)


def _beside(instance: Any, names: list[str]) -> dict[str, Any]:
    """The attributes of an instance beside its fields, without cached properties."""
    kept: dict[str, Any] = getattr(instance, "__dict__", {})
    computed = (name for name in kept if isinstance(getattr(instance.__class__, name, None), cached_property))
    left_out = {*names, *computed}
    return {name: value for name, value in kept.items() if name not in left_out}


def _compare_models(one: BaseModel, other: BaseModel) -> Iterable[Pair]:
    for name in type(one).model_fields:
        yield vars(one).get(name, _MISSING), vars(other).get(name, _MISSING)
    yield one.__pydantic_extra__, other.__pydantic_extra__
    yield one.__pydantic_private__, other.__pydantic_private__


_COMPARED: tuple[tuple[type | tuple[type, ...], Callable[[Any, Any], Iterable[Pair] | None]], ...] = (
    (float, _compare_floats),
    (complex, _compare_complex),
    (Decimal, _compare_decimals),
    ((datetime, time), _compare_times),
    ((list, tuple, deque), _compare_items),
    (dict, _compare_mappings),
    ((set, frozenset), _compare_sets),
    (BaseModel, _compare_models),
)
