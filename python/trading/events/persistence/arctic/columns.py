"""Columns: the exact encoding of a field's values in ArcticDB, in types that have no None.

text     text; None is the empty one, and a text that is empty, or begins with NUL, has a NUL before it
bool     1, 0, or -1 for None
float    float; None is NaN, and what is not finite stands, as text, in `<name>_exact`
int      64 bits; None is the least one, and what does not fit stands, as text, in `<name>_exact`
decimal  digits in 64 bits and exponent in `<name>_exp`: 1.50 is 150 and -2; None has the least exponent, and so
has what does not fit, which stands, as text, in `<name>_exact`
utc      microseconds since 1970 in 64 bits; None is the least number
time     the same, and ISO text in `<name>_exact`
json     JSON as text: everything else
"""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, Inexact, InvalidOperation
from typing import Any, NamedTuple

import numpy as np

from trading.events._codec.micros import from_micros, to_micros
from trading.events._models.decimals import WIDE, own_context

_NO_INT = -(2**63)
_NO_EXP = -(2**15)
_EXACTLY = own_context(19, Inexact, InvalidOperation)


class Form(NamedTuple):
    """The encoding of a field's values in columns."""

    encode: Callable[[Sequence[Any]], list[np.ndarray]]
    """Turns the values into columns, the one with the field's name first."""

    decode: Callable[[Sequence[np.ndarray]], list[Any]]
    """The inverse."""

    beside: tuple[str, ...] = ()
    """The suffixes of the field's name for the columns beside its own."""


def encode_texts(values: Sequence[str | None]) -> np.ndarray:
    """Texts as a column."""
    return np.array([_hide(value) for value in values], dtype=object)


def decode_texts(column: np.ndarray) -> list[str | None]:
    """The inverse."""
    return [None if text == "" else text[1:] if text[0] == "\0" else text for text in column.tolist()]


def _hide(text: str | None) -> str:
    if text is None:
        return ""
    return "\0" + text if text[:1] in {"", "\0"} else str.__str__(text)


def _decode_ints(columns: Sequence[np.ndarray]) -> list[Any]:
    return _beside([None if number == _NO_INT else number for number in columns[0].tolist()], columns[1], int)


def _beside(values: list[Any], exact: np.ndarray, parse: Callable[[str], Any]) -> list[Any]:
    """The values, replaced by the values of the texts beside them where there are some."""
    texts = exact.tolist()
    return [parse(text) if text else value for value, text in zip(values, texts, strict=True)]


def _encode_bools(values: Sequence[bool | None]) -> list[np.ndarray]:
    return [np.array([-1 if value is None else int(value) for value in values], dtype=np.int8)]


def _decode_bools(columns: Sequence[np.ndarray]) -> list[Any]:
    return [None if number < 0 else bool(number) for number in columns[0].tolist()]


def _encode_floats(values: Sequence[float | None]) -> list[np.ndarray]:
    finite = [value if value is not None and math.isfinite(value) else math.nan for value in values]
    exact = ["" if value is None or math.isfinite(value) else repr(float(value)) for value in values]
    return [np.array(finite, dtype=np.float64), np.array(exact, dtype=object)]


def _decode_floats(columns: Sequence[np.ndarray]) -> list[Any]:
    values = [None if math.isnan(value) else value for value in columns[0].tolist()]
    return _beside(values, columns[1], float)


def _fits(number: int) -> bool:
    return _NO_INT < number < -_NO_INT


def _encode_ints(values: Sequence[int | None]) -> list[np.ndarray]:
    fitting = [_NO_INT if value is None or not _fits(value) else value for value in values]
    exact = ["" if value is None or _fits(value) else str(int(value)) for value in values]
    return [np.array(fitting, dtype=np.int64), np.array(exact, dtype=object)]


def _encode_decimals(values: Sequence[Decimal | None]) -> list[np.ndarray]:
    numbers = np.zeros(len(values), dtype=np.int64)
    exponents = np.full(len(values), _NO_EXP, dtype=np.int16)
    exact = np.full(len(values), "", dtype=object)
    for place, value in enumerate(values):
        if value is not None:
            scaled = _scale(value)
            if scaled is None:
                exact[place] = WIDE.to_sci_string(value)
            else:
                numbers[place], exponents[place] = scaled
    return [numbers, exponents, exact]


def _scale(value: Decimal) -> tuple[int, int] | None:
    """The digits and the exponent of a number, if they fit."""
    _, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int) or not -(2**15) < exponent < 2**15 or len(digits) > _EXACTLY.prec:
        return None
    number = int(_EXACTLY.scaleb(value, -exponent))
    return (number, exponent) if _fits(number) and (number or not value.is_signed()) else None


def _decode_decimals(columns: Sequence[np.ndarray]) -> list[Any]:
    numbers, exponents, exact = columns
    pairs = zip(numbers.tolist(), exponents.tolist(), strict=True)
    values = [None if exp == _NO_EXP else _EXACTLY.scaleb(Decimal(number), exp) for number, exp in pairs]
    return _beside(values, exact, Decimal)


def _encode_moments(values: Sequence[datetime | None]) -> list[np.ndarray]:
    return [np.array([_NO_INT if value is None else to_micros(value) for value in values], dtype=np.int64)]


def _decode_moments(columns: Sequence[np.ndarray]) -> list[Any]:
    return [None if micros == _NO_INT else from_micros(micros) for micros in columns[0].tolist()]


def _encode_times(values: Sequence[datetime | None]) -> list[np.ndarray]:
    aware = [None if value is None or value.utcoffset() is None else value for value in values]
    exact = ["" if value is None else value.isoformat() for value in values]
    return [*_encode_moments(aware), np.array(exact, dtype=object)]


def _decode_times(columns: Sequence[np.ndarray]) -> list[Any]:
    return _beside([None] * len(columns[0]), columns[1], datetime.fromisoformat)


def _encode_strings(values: Sequence[str | None]) -> list[np.ndarray]:
    return [encode_texts(values)]


def _decode_strings(columns: Sequence[np.ndarray]) -> list[Any]:
    return list(decode_texts(columns[0]))


_TEXT = Form(_encode_strings, _decode_strings)

FORMS: Mapping[str, Form] = {
    "text": _TEXT,
    "json": _TEXT,
    "bool": Form(_encode_bools, _decode_bools),
    "float": Form(_encode_floats, _decode_floats, ("exact",)),
    "int": Form(_encode_ints, _decode_ints, ("exact",)),
    "decimal": Form(_encode_decimals, _decode_decimals, ("exp", "exact")),
    "utc": Form(_encode_moments, _decode_moments),
    "time": Form(_encode_times, _decode_times, ("exact",)),
}
"""All forms, by their names in stores."""
