"""One field's column of a table: natively readable where it can be, and as values for the class to judge."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pydantic_core import from_json

from trading.events._codec.columns import FORMS
from trading.events._codec.from_table.numbers import to_digits
from trading.events._codec.from_table.times import Times, to_moments
from trading.events._codec.shapes import Shape
from trading.events.errors import EventTableError

_CONTAINERS = frozenset({"list", "tuple", "tuple_of", "dict", "model", "metadata"})
_SCALARS = frozenset({"date", "time", "timedelta", "uuid", "literal", "enum", "json"})
_JSON_BEGINS = frozenset('"[{')


Constant = bool | int | float | str | None
"""A value that all rows have."""


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of one field.

    Attributes:
        native: The columns of the field's form, if it could be made of them.
        values: Gives the values as Python has them, None where there is none.
    """

    native: tuple[pa.Array, ...] | None
    values: Callable[[], Sequence[Any]]


def read_cells(name: str, shape: Shape, columns: Sequence[pa.Array], times: Times) -> Cells:
    """The cells of a field.

    Args:
        name: The field.
        shape: The shape of its values.
        columns: Its column, and those beside it if the table has them.
        times: What turns times into UTC.

    Raises:
        EventTableError: A cell, or the column's type, cannot be taken.
    """
    form = shape.form
    if len(columns) > 1:
        return _exact(name, form, columns)
    keeps_nan = shape.kind != "optional" and form in {"float", "int", "decimal"}  # which the class then judges
    return _of_one(name, shape, _plain(columns[0], keeps_nan=keeps_nan), times)


def _of_one(name: str, shape: Shape, column: pa.Array, times: Times) -> Cells:
    form = shape.form
    if column.null_count == len(column):
        return _natively(form, pa.nulls(len(column), FORMS[form].type), column.to_pylist)
    if form == "decimal":
        return _decimals(column)
    if form in {"utc", "time"}:
        return _moments(name, form, column, times)
    if form == "json":
        return _from_json(name, shape, column)
    if not _is_of(form, column.type):
        return _as_is(column)
    return _natively(form, column.cast(FORMS[form].type), column.to_pylist)


def _is_of(form: str, type_: pa.DataType) -> bool:
    """Returns whether values of a type are values of a form, all of them and as they are."""
    match form:
        case "text":
            return pa.types.is_string(type_)
        case "bool":
            return pa.types.is_boolean(type_)
        case "int":
            return pa.types.is_integer(type_) and not pa.types.is_uint64(type_)
        case _:
            return pa.types.is_float64(type_) or pa.types.is_float32(type_)


def _as_is(column: pa.Array) -> Cells:
    """Cells that the class itself must judge."""
    return Cells(None, column.to_pylist)


def same_cells(form: str, value: Constant, rows: int) -> Cells:
    """The cells of a field that has one value in all rows."""
    type_ = FORMS[form].type
    own = pa.nulls(rows, type_) if value is None else pa.repeat(pa.scalar(value, type_), rows)
    return _natively(form, own, lambda: [value] * rows)


def _plain(column: pa.Array, *, keeps_nan: bool) -> pa.Array:
    """The column without what is only another way to hold the same: dictionaries, long texts, NaN for none."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_large_string(column.type) or pa.types.is_string_view(column.type):
        column = column.cast(pa.string())
    if pa.types.is_floating(column.type) and not keeps_nan and not pa.types.is_float16(column.type):
        is_nan = pc.is_nan(column)
        if pc.any(is_nan).as_py():
            column = pc.if_else(is_nan, pa.scalar(None, column.type), column)
    return column


def _natively(form: str, own: pa.Array, values: Callable[[], Sequence[Any]]) -> Cells:
    beside = (pa.nulls(len(own), type_) for type_ in FORMS[form].beside.values())
    return Cells((own, *beside), values)


def _exact(name: str, form: str, columns: Sequence[pa.Array]) -> Cells:
    """A field of a table that has all columns of its form."""
    try:
        cast = tuple(column.cast(type_) for column, type_ in zip(columns, FORMS[form].types, strict=True))
        return Cells(cast, lambda: FORMS[form].decode(cast))
    except pa.ArrowException as wrong:
        raise EventTableError(f"its columns are not those of a table of events: {wrong}", field=name) from wrong


def _decimals(column: pa.Array) -> Cells:
    digits = to_digits(column)
    if digits is None:
        return _as_is(column)
    number, exponent, _ = FORMS["decimal"].types
    native = pa.nulls(len(column), number), pa.nulls(len(column), exponent), digits
    if pa.types.is_decimal(column.type):
        return Cells(native, lambda: [None if text is None else Decimal(text) for text in digits.to_pylist()])
    return Cells(native, column.to_pylist)


def _moments(name: str, form: str, column: pa.Array, times: Times) -> Cells:
    moments = times.to_utc(name, column)
    return (
        Cells(None, column.to_pylist)
        if moments is None
        else _natively(form, moments, lambda: to_moments(name, moments))
    )


def _from_json(name: str, shape: Shape, column: pa.Array) -> Cells:
    """Cells of a field that tables of events have as JSON; others may have them as they are."""
    if not pa.types.is_string(column.type):
        return _as_is(column)
    kind = _innermost(shape).kind
    if kind in _CONTAINERS:
        native = (column,) if kind == "metadata" else None
        return Cells(
            native,
            lambda: [None if text is None else _parse(name, row, text) for row, text in enumerate(column.to_pylist())],
        )
    if kind in _SCALARS:
        return Cells(None, lambda: [_parse_some(text) for text in column.to_pylist()])
    raise EventTableError(
        "its values may be texts and others, which a column of texts cannot tell apart: make these events one by one",
        field=name,
    )


def _innermost(shape: Shape) -> Shape:
    while shape.kind in {"optional", "checked", "proven"}:
        shape = shape.inner[0]
    return shape


def _parse(name: str, row: int, text: str) -> Any:
    try:
        return from_json(text)
    except ValueError as wrong:
        raise EventTableError(f"it is no JSON: {wrong}", row=row, field=name, value=repr(text)[:80]) from wrong


def _parse_some(text: str | None) -> Any:
    return from_json(text) if text is not None and text[:1] in _JSON_BEGINS else text
