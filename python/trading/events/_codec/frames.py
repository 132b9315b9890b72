"""Tables of events for analysis: a column for each field, and nothing beside it, unless that is asked for.

What a field's own column cannot hold stands exactly in a column beside it. It is put into the own column where that is
possible, and is refused by row and value where it is not.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from trading.events._codec.columns import FORMS, TIMESTAMP
from trading.events._codec.description import describe
from trading.events._codec.event_table import Places, read_places, write_places
from trading.events._codec.exactness import shorten
from trading.events._models.decimals import WIDE
from trading.events._models.suggestion import suggest
from trading.events.base import BaseEvent

if TYPE_CHECKING:
    import pandas
    import polars

_ROWS = 65_536
"""Rows whose numbers are texts at one time."""

_EXACTLY = "; exact=True gives it as text, in a column beside it"
_NEARLY = ", and floats=True the nearest float"

Fields = Mapping[str, tuple[str, Sequence[str]]]
"""The form of each field and its columns, its own first."""


def check_columns(columns: Iterable[str] | None) -> tuple[str, ...] | None:
    """The names of wanted columns.

    Raises:
        TypeError: They are no texts.
        ValueError: One is there twice.
    """
    if columns is None:
        return None
    names = (columns,) if isinstance(columns, str) else tuple(columns)
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"columns must be names of fields, not {name!r}")
        if names.count(name) > 1:
            raise ValueError(f"columns has {name!r} more than once")
    return names


def present_table(
    table: pa.Table,
    find_classes: Callable[[], Iterable[type[BaseEvent]]],
    *,
    columns: tuple[str, ...] | None = None,
    exact: bool = False,
    floats: bool = False,
) -> pa.Table:
    """A table of events as it was asked for.

    Args:
        table: The events, in all columns of their fields.
        find_classes: Gives the classes that they may be of: a field of one may be asked for even if no event has it.
        columns: The fields that are wanted, in this order; None for all.
        exact: Whether the columns beside the fields' own are wanted too.
        floats: Whether decimals are wanted as floats.

    Raises:
        ValueError: No class has a field of such a name, `exact` excludes `floats`, or a value has no place.
    """
    if exact and floats:
        raise ValueError("exact=True excludes floats=True: floats are not exact")
    fields: Fields = _fields(read_places(table))
    if columns is not None:
        table, fields = _choose(table, fields, find_classes(), columns)
    if exact:
        return table if columns is None else _with_all_beside(table, {name: fields[name] for name in columns})
    beside = {name for _, (_, *others) in fields.values() for name in others} - set(fields)
    public = [name for name in table.column_names if name not in beside and name != "_seq"]
    names = public if columns is None else columns
    made = {name: _own_column(table, name, fields.get(name), floats=floats) for name in names}
    return pa.table(made)


def _with_all_beside(table: pa.Table, fields: Fields) -> pa.Table:
    """The columns of certain fields, with those beside them."""
    places = {
        event_type: {name: stored[name] for name in fields if name in stored}
        for event_type, stored in read_places(table).items()
    }
    names = dict.fromkeys(name for _, columns in fields.values() for name in columns if name in table.column_names)
    return table.select(list(names)).replace_schema_metadata(write_places(places))


def polars_frames() -> "Callable[[pa.Table], polars.DataFrame]":
    """What makes a DataFrame of polars of a table, mostly without a copy.

    Raises:
        ImportError: polars is not installed.
    """
    try:
        import polars  # noqa: PLC0415 - only for those who have it
    except ModuleNotFoundError:
        raise ImportError("a frame of polars needs the package polars: pip install polars", name="polars") from None
    return lambda table: polars.DataFrame(table.replace_schema_metadata())


def pandas_frames(*, index: str | None, floats: bool) -> "Callable[[pa.Table], pandas.DataFrame]":
    """What makes a DataFrame of pandas of a table. Its columns keep Arrow's types, but for floats, if those are wanted.

    Raises:
        ImportError: pandas is not installed.
    """
    try:
        import pandas  # noqa: PLC0415 - only for those who have it
    except ModuleNotFoundError:
        raise ImportError("a frame of pandas needs the package pandas: pip install pandas", name="pandas") from None

    def choose_type(type_: pa.DataType) -> Any:
        return None if floats and pa.types.is_float64(type_) else pandas.ArrowDtype(type_)

    def make(table: pa.Table) -> "pandas.DataFrame":
        frame = table.replace_schema_metadata().to_pandas(types_mapper=choose_type)
        if index is None:
            return frame
        if index not in table.column_names:
            raise ValueError(f"index is {index!r}, which is no field of the selected events{_near(index, table)}")
        if table.schema.field(index).type == TIMESTAMP:
            frame[index] = frame[index].astype("datetime64[us, UTC]")
        return frame.set_index(index)

    return make


def with_index(columns: Iterable[str] | None, index: str | None) -> tuple[str, ...] | None:
    """The wanted columns, and the index with them."""
    names = check_columns(columns)
    return names if names is None or index is None or index in names else (index, *names)


def _near(name: str, table: pa.Table) -> str:
    return suggest(name, table.column_names)


def _fields(places: Places) -> dict[str, tuple[str, Sequence[str]]]:
    """The fields of all event types; of those that differ the first."""
    found: dict[str, tuple[str, Sequence[str]]] = {}
    for stored in places.values():
        for name, (form, columns) in stored.items():
            found.setdefault(name, (form, columns))
    return found


def _choose(
    table: pa.Table, fields: Fields, classes: Iterable[type[BaseEvent]], columns: tuple[str, ...]
) -> tuple[pa.Table, Fields]:
    """The table and its fields with those that are wanted, null where no event has one."""
    known = {field.name: field.shape.form for cls in classes for field in describe(cls).fields}
    added = dict(fields)
    for name in columns:
        if name in table.column_names:
            added.setdefault(name, ("text", [name]))
            continue
        if name not in known:
            near = suggest(name, {*known, *table.column_names})
            raise ValueError(f"columns has {name!r}, which is no field of the selected events{near}")
        form = FORMS[known[name]]
        named = [name, *(f"{name}_{end}" for end in form.beside)]
        for column, type_ in zip(named, form.types, strict=True):
            if column not in table.column_names:
                table = table.append_column(column, pa.nulls(table.num_rows, type_))
        added[name] = (known[name], named)
    return table, added


def _own_column(
    table: pa.Table, name: str, place: tuple[str, Sequence[str]] | None, *, floats: bool
) -> pa.ChunkedArray:
    """The column of a field, with all that stands beside it."""
    column: pa.ChunkedArray = table.column(name)
    form, (_, *beside) = place or ("text", (name,))
    is_decimal = form == "decimal" and pa.types.is_decimal(column.type)
    exact = table.column(beside[-1]) if beside and beside[-1] in table.column_names else None
    if exact is not None and exact.null_count == len(exact):
        exact = None
    if is_decimal and floats:
        texts = [_as_floats(chunk) for chunk in _pieces(column)]
        column = pa.chunked_array(texts, pa.float64())
    if exact is None:
        return column
    if pa.types.is_string(column.type):
        return pc.coalesce(column, exact)
    return _fill(name, column, exact, _float if is_decimal and floats else _READ[form])


def _pieces(column: pa.ChunkedArray) -> list[pa.Array]:
    return [chunk.slice(start, _ROWS) for chunk in column.chunks for start in range(0, len(chunk), _ROWS)]


def _as_floats(decimals: pa.Array) -> pa.Array:
    """The nearest floats: Arrow's own conversion is not always that."""
    return decimals.cast(pa.string()).cast(pa.float64())


def _fill(name: str, column: pa.ChunkedArray, exact: pa.ChunkedArray, read: Callable[[str], Any]) -> pa.ChunkedArray:
    """The column, in which what stands in the one beside it has been put.

    Raises:
        ValueError: The column's type cannot hold a value.
    """
    rows: list[int] = pc.indices_nonzero(exact.is_valid()).to_pylist()
    values: list[Any] = []
    for row, text in zip(rows, exact.drop_null().to_pylist(), strict=True):
        try:
            values.append(pa.scalar(read(text), column.type).as_py())
        except (ValueError, OverflowError, InvalidOperation, pa.ArrowException) as wrong:
            value, way_out = shorten(text), _EXACTLY + (_NEARLY if pa.types.is_decimal(column.type) else "")
            raise ValueError(f"row {row}: {name} is {value}, which {column.type} cannot hold{way_out}") from wrong
    mask = exact.is_valid().combine_chunks()
    filled = pc.replace_with_mask(column.combine_chunks(), mask, pa.array(values, column.type))
    return pa.chunked_array([filled])


def _float(text: str) -> float:
    return float(text)


def _decimal(text: str) -> Decimal:
    number = Decimal(text, WIDE)
    if not number.is_finite():
        raise ValueError("it is no number")
    return number


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("it is in no zone")
    return moment.astimezone(UTC)


_READ: Mapping[str, Callable[[str], Any]] = {"decimal": _decimal, "int": int, "time": _moment}
"""The meaning of the texts beside a column of each form."""
