"""Tables of any library as tables of Arrow."""

import math
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from trading.events._codec.exactness import show
from trading.events._codec.micros import to_micros
from trading.events.errors import EventTableError

_UNNAMED_INDEX = "__index_level_"


def to_arrow(source: Any) -> pa.Table:
    """A table of Arrow, pandas, polars, or of whatever hands one over by Arrow's PyCapsule interface.

    Raises:
        TypeError: It is no table.
        EventTableError: A column of it has no type of Arrow, or two have one name.
    """
    pandas: Any = sys.modules.get("pandas")
    if pandas is not None and isinstance(source, pandas.DataFrame):
        table = _from_pandas(source)
    elif isinstance(source, pa.Table):
        table = source
    elif hasattr(source, "__arrow_c_stream__") or hasattr(source, "__arrow_c_array__"):
        try:
            table = pa.table(source)
        except (pa.ArrowException, TypeError) as wrong:
            raise EventTableError(f"it is no table: {wrong}") from wrong
    else:
        raise TypeError(
            f"{show(source)} is no table: one of pyarrow, pandas or polars is, and whatever has `__arrow_c_stream__`"
        )
    for name in table.column_names:
        if table.column_names.count(name) > 1:
            raise EventTableError("there are several columns of this name", field=name)
    return table


def is_unnamed_index(name: str) -> bool:
    """True for the column that holds an index of pandas that has no name."""
    return name.startswith(_UNNAMED_INDEX)


def _from_pandas(frame: Any) -> pa.Table:
    """A frame of pandas with its index. What it holds as objects keeps its digits and its zone."""
    if not all(isinstance(name, str) for name in frame.columns):
        frame = frame.rename(columns=str)
    if not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise EventTableError("there are several columns of this name", field=twice)
    names = [name for name in frame.columns if frame[name].dtype == object]
    table = _typed(frame, [name for name in frame.columns if name not in names])
    for name in names:
        table = table.append_column(name, _from_objects(name, frame[name].tolist()))
    return table


def _typed(frame: Any, names: list[str]) -> pa.Table:
    """The index of a frame, and some of its columns."""
    try:
        return pa.Table.from_pandas(frame, columns=names)
    except (pa.ArrowException, TypeError, ValueError) as wrong:
        raise EventTableError(f"it has a column that Arrow has no type for: {wrong}") from wrong


def _from_objects(name: str, values: Sequence[Any]) -> pa.Array:
    present: list[Any] = [None if _is_missing(value) else value for value in values]
    kinds: set[type[Any]] = {type(value) for value in present if value is not None}
    if any(issubclass(kind, Decimal) for kind in kinds):
        return pa.array([None if value is None else _digits(name, row, value) for row, value in enumerate(present)])
    if kinds and all(issubclass(kind, datetime) for kind in kinds):
        return _from_moments(name, present)
    try:
        return pa.array(present)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as wrong:
        row, value = _first_other(present)
        raise EventTableError(
            f"Arrow has no type for all of the column: {wrong}", row=row, field=name, value=value
        ) from wrong


def _is_missing(value: Any) -> bool:
    """True for None, NaN, and the signs of pandas for what is missing."""
    is_nan = isinstance(value, float) and math.isnan(value)
    return value is None or is_nan or type(value).__name__ in {"NAType", "NaTType"}


def _digits(name: str, row: int, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (Decimal, int, float, str)):
        raise EventTableError("it is no number, as others of its column are", row=row, field=name, value=show(value))
    return str(value)


def _from_moments(name: str, moments: Sequence[datetime | None]) -> pa.Array:
    first = next(moment for moment in moments if moment is not None)
    for row, moment in enumerate(moments):
        if moment is not None and (moment.tzinfo is None) != (first.tzinfo is None):
            reason = "some times of the column are in a zone, and others in none"
            raise EventTableError(reason, row=row, field=name, value=str(moment))
    if first.tzinfo is None:
        return pa.array(moments, pa.timestamp("us"))
    micros = [None if moment is None else to_micros(moment) for moment in moments]
    return pa.array(micros, pa.int64()).cast(pa.timestamp("us", tz="UTC"))


def _first_other(values: Iterable[Any]) -> tuple[int | None, str | None]:
    """The first value of another type than those before it."""
    first: type | None = None
    for row, value in enumerate(values):
        first = first or (None if value is None else type(value))
        if value is not None and type(value) is not first:
            return row, show(value)
    return None, None
