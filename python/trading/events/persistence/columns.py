"""Columns: how the values of one field stand in Arrow, exactly.

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

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Any

import pyarrow as pa

TIMESTAMP = pa.timestamp("us", tz="UTC")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_SCALE = 18
_WHOLE_DIGITS = 20
_DECIMAL = pa.decimal128(_SCALE + _WHOLE_DIGITS, _SCALE)
_UNITS = {exp: Decimal((0, (1,), exp)) for exp in range(-_SCALE, _WHOLE_DIGITS)}
_EXACTLY = Context(prec=_SCALE + _WHOLE_DIGITS, traps=[Inexact, InvalidOperation])


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970 of an aware datetime, exactly."""
    return (moment - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """The aware datetime in UTC.

    Raises:
        OverflowError: It is not between the years 1 and 9999.
    """
    return _EPOCH + timedelta(microseconds=micros)


@dataclass(frozen=True, slots=True)
class Form:
    """A way to put the values of a field into Arrow columns and back; None is always null.

    Attributes:
        type: Of the column that bears the field's name.
        encode: From values to the columns, the one of the field's name first. It raises a pyarrow.ArrowException, a
            TypeError, a ValueError, an AttributeError or an ArithmeticError if a value is not of the form's type.
        decode: From the columns to the values. It raises the same or a LookupError if no values make such columns.
        beside: The types of the columns beside it, by what is appended to the field's name.
    """

    type: pa.DataType
    encode: Callable[[Sequence[Any]], list[pa.Array]]
    decode: Callable[[Sequence[pa.Array]], list[Any]]
    beside: Mapping[str, pa.DataType]


def _plain(type_: pa.DataType) -> Form:
    """A form for values that Arrow holds as they are."""
    return Form(type_, lambda values: [pa.array(values, type_)], lambda columns: columns[0].to_pylist(), {})


def _exact(
    form: Form, *, fits: Callable[[Any], bool], to_text: Callable[[Any], str], from_text: Callable[[str], Any]
) -> Form:
    """A form with a column `_exact` for the values that do not fit."""

    def encode(values: Sequence[Any]) -> list[pa.Array]:
        fitting = [value if value is None or fits(value) else None for value in values]
        texts = [
            to_text(value) if fit is None and value is not None else None
            for value, fit in zip(values, fitting, strict=True)
        ]
        return [*form.encode(fitting), pa.array(texts, pa.string())]

    def decode(columns: Sequence[pa.Array]) -> list[Any]:
        *fitting, exact = columns
        values = form.decode(fitting)
        if exact.null_count == len(exact):
            return values
        texts = exact.to_pylist()
        return [value if text is None else from_text(text) for value, text in zip(values, texts, strict=True)]

    return Form(form.type, encode, decode, {**form.beside, "exact": pa.string()})


def _fits_int64(value: int) -> bool:
    return -(2**63) <= value < 2**63


def _fits_decimal(value: Decimal) -> bool:
    sign, digits, exp = value.as_tuple()
    return isinstance(exp, int) and exp in _UNITS and len(digits) + exp <= _WHOLE_DIGITS and bool(not sign or value)


def _encode_decimals(values: Sequence[Any]) -> list[pa.Array]:
    exponents = [None if value is None else value.as_tuple().exponent for value in values]
    return [pa.array(values, _DECIMAL), pa.array(exponents, pa.int8())]


def _decode_decimals(columns: Sequence[pa.Array]) -> list[Any]:
    numbers, exponents = (column.to_pylist() for column in columns)
    return [
        None if number is None else _EXACTLY.quantize(number, _UNITS[exp])
        for number, exp in zip(numbers, exponents, strict=True)
    ]


def _decode_moments(columns: Sequence[pa.Array]) -> list[Any]:
    return [None if micros is None else from_micros(micros) for micros in columns[0].cast(pa.int64()).to_pylist()]


def _is_utc(value: datetime) -> bool:
    return value.utcoffset() == timedelta(0)


_INT64 = _plain(pa.int64())
_DECIMAL128 = Form(_DECIMAL, _encode_decimals, _decode_decimals, {"exp": pa.int8()})
_MOMENT = Form(TIMESTAMP, lambda values: [pa.array(values, TIMESTAMP)], _decode_moments, {})

FORMS: Mapping[str, Form] = {
    "text": _plain(pa.string()),
    "json": _plain(pa.string()),
    "bool": _plain(pa.bool_()),
    "float": _plain(pa.float64()),
    "int": _exact(_INT64, fits=_fits_int64, to_text=str, from_text=int),
    "decimal": _exact(_DECIMAL128, fits=_fits_decimal, to_text=str, from_text=Decimal),
    "utc": _MOMENT,
    "time": _exact(_MOMENT, fits=_is_utc, to_text=datetime.isoformat, from_text=datetime.fromisoformat),
}
"""Every form, by the name that it has in files."""
