"""Columns: the exact encoding of a field's values in Arrow.

A form has one column of the field's own name, with a real type that any Parquet reader understands, and perhaps some
beside it for what that type cannot say:

    text     string
    bool     bool
    float    double
    int      int64; one beyond 64 bits stands whole, as text, in `<name>_exact`
    decimal  decimal128(38, 18), and its exponent in `<name>_exp`, so that 1.10 stays 1.10; a number with more than 20
             digits before the point or 18 after it, a -0 or a NaN stands whole, as text, in `<name>_exact`
    utc      timestamp in microseconds, UTC
    time     the same, for datetimes that may be in another zone or in none; those stand, as ISO text, in `<name>_exact`
    json     JSON as text: everything else

Where `_exact` says something, the field's own column is null.
"""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, Inexact, InvalidOperation
from typing import Any

import pyarrow as pa

from trading.events._codec.micros import from_micros
from trading.events._models.decimals import own_context

TIMESTAMP = pa.timestamp("us", tz="UTC")

_SCALE = 18
_WHOLE_DIGITS = 20
_DECIMAL = pa.decimal128(_SCALE + _WHOLE_DIGITS, _SCALE)
_UNITS = {exp: Decimal((0, (1,), exp)) for exp in range(-_SCALE, _WHOLE_DIGITS)}
_EXACTLY = own_context(_SCALE + _WHOLE_DIGITS, Inexact, InvalidOperation)


@dataclass(frozen=True, slots=True)
class Form:
    """The encoding of a field's values in Arrow columns; None is always null.

    Attributes:
        type: The type of the column that has the field's name.
        decode: From the columns, the one of the field's name first, to the values. It raises an ArrowException, a
            TypeError, a ValueError, an AttributeError, an ArithmeticError or a LookupError if none make such columns.
        beside: The types of the columns beside it, by what is appended to the field's name.
    """

    type: pa.DataType
    decode: Callable[[Sequence[pa.Array]], list[Any]]
    beside: Mapping[str, pa.DataType]

    @property
    def types(self) -> tuple[pa.DataType, ...]:
        """The types of all its columns, its own first."""
        return self.type, *self.beside.values()


def _plain(type_: pa.DataType) -> Form:
    """A form for values that Arrow holds as they are."""
    return Form(type_, lambda columns: columns[0].to_pylist(), {})


def _exact(form: Form, from_text: Callable[[str], Any]) -> Form:
    """A form with a column `_exact` for the values that do not fit."""

    def decode(columns: Sequence[pa.Array]) -> list[Any]:
        *fitting, exact = columns
        values = form.decode(fitting)
        if exact.null_count == len(exact):
            return values
        texts = exact.to_pylist()
        return [value if text is None else from_text(text) for value, text in zip(values, texts, strict=True)]

    return Form(form.type, decode, {**form.beside, "exact": pa.string()})


def _decode_decimals(columns: Sequence[pa.Array]) -> list[Any]:
    numbers, exponents = (column.to_pylist() for column in columns)
    return [
        None if number is None else _EXACTLY.quantize(number, _UNITS[exp])
        for number, exp in zip(numbers, exponents, strict=True)
    ]


def _decode_moments(columns: Sequence[pa.Array]) -> list[Any]:
    return [None if micros is None else from_micros(micros) for micros in columns[0].cast(pa.int64()).to_pylist()]


_INT64 = _plain(pa.int64())
_DECIMAL128 = Form(_DECIMAL, _decode_decimals, {"exp": pa.int8()})
_MOMENT = Form(TIMESTAMP, _decode_moments, {})

FORMS: Mapping[str, Form] = {
    "text": _plain(pa.string()),
    "json": _plain(pa.string()),
    "bool": _plain(pa.bool_()),
    "float": _plain(pa.float64()),
    "int": _exact(_INT64, int),
    "decimal": _exact(_DECIMAL128, Decimal),
    "utc": _MOMENT,
    "time": _exact(_MOMENT, datetime.fromisoformat),
}
"""All forms, by their names in files."""


def free_name(name: str, taken: Container[str]) -> str:
    """A free name for a column: the given one, with as many `_` appended as it takes."""
    while name in taken:
        name += "_"
    return name


def take_name(name: str, taken: set[str]) -> str:
    """A free name, which is then taken."""
    name = free_name(name, taken)
    taken.add(name)
    return name
