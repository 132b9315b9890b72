"""Columns of numbers as texts, of which exact decimals are made."""

import pyarrow as pa
import pyarrow.compute as pc

_SHORT = pa.scalar(1e16)
"""From here on Python writes whole floats with an exponent."""

_STORED = pa.decimal128(38, 18)
"""The type of decimals in tables of events, which says nothing of trailing zeros."""

_STRIPS = ((r"^0E-[0-9]+$", "0"), (r"(\.[0-9]*?)0+(E|$)", r"\1\2"), (r"\.(E|$)", r"\1"))
"""What is replaced in the text of a decimal, and by what, so that no zeros trail."""


def to_digits(column: pa.Array) -> pa.Array | None:
    """The numbers of a column as texts of decimals; None if its type is none of numbers.

    Floats are written as Python writes them: the shortest text that means them. Decimals of the type that decimals have
    in tables of events are written without trailing zeros, those of other types as they are.
    """
    type_ = column.type
    if pa.types.is_string(type_):
        return column
    if pa.types.is_integer(type_):
        return column.cast(pa.string())
    if pa.types.is_floating(type_):
        return _of_floats(column)
    if type_ == _STORED:
        return _stripped(column.cast(pa.string()))
    return column.cast(pa.string()) if pa.types.is_decimal(type_) else None


def _of_floats(column: pa.Array) -> pa.Array:
    if pa.types.is_float16(column.type):
        column = column.cast(pa.float32())
    texts, floats = column.cast(pa.string()), column.cast(pa.float64())
    is_whole = pc.and_(pc.equal(pc.floor(floats), floats), pc.less(pc.abs(floats), _SHORT))
    whole = pc.if_else(is_whole, floats, pa.scalar(0.0)).cast(pa.int64()).cast(pa.string())
    whole = pc.if_else(pc.equal(floats, pa.scalar(0.0)), texts, whole)  # 0 or -0
    return pc.if_else(is_whole, pc.binary_join_element_wise(whole, ".0", ""), texts)


def _stripped(texts: pa.Array) -> pa.Array:
    """Texts of decimals with 18 digits after the point, without trailing zeros."""
    for pattern, stays in _STRIPS:
        texts = pc.replace_substring_regex(texts, pattern=pattern, replacement=stays)
    return texts
