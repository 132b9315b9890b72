"""Events of the rows of a table."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Generic, TypedDict, TypeVar

import pyarrow as pa
from pydantic import ValidationError
from pydantic_core import from_json

from trading.events import _core
from trading.events._codec.event_table import EXTRA
from trading.events._codec.exactness import show
from trading.events._codec.from_table.cells import Cells, read_cells, same_cells
from trading.events._codec.from_table.plan import Unknown, make_plan
from trading.events._codec.from_table.source import to_arrow
from trading.events._codec.from_table.times import Times, TimeUnit
from trading.events.base import BaseEvent
from trading.events.errors import EventDecodeError, EventTableError

EventT = TypeVar("EventT", bound=BaseEvent)

CHUNK_ROWS = 8_192
"""Most rows that become events at once, which bounds the memory for what is between."""


class TableOptions(TypedDict, total=False):
    """What is said of a table of which events are made."""

    exchange: str | None
    """The exchange of all of them, if no column says it."""

    symbol: str | None
    """The symbol of all of them, if no column says it."""

    tz: str | None
    """The zone of times that are in none; by default they are refused."""

    time_unit: TimeUnit | None
    """The unit of times that are numbers since 1970; by default they are refused."""

    unknown: Unknown
    """The handling of a column that is no field."""


class TableReader(Generic[EventT]):
    """Makes events of the rows of a table; see `trading.events.codec.events_from_table`."""

    def __init__(
        self,
        table: object,
        event_class: type[EventT],
        *,
        exchange: str | None = None,
        symbol: str | None = None,
        tz: str | None = None,
        time_unit: TimeUnit | None = None,
        unknown: Unknown = "raise",
    ) -> None:
        self._times = Times(tz, time_unit)
        self._table = to_arrow(table)
        self._event_class = event_class
        names = self._table.column_names
        self._plan = make_plan(event_class, names, exchange=exchange, symbol=symbol, unknown=unknown)
        self._event_type: str = event_class.model_fields["event_type"].default

    @property
    def rows(self) -> int:
        """The number of rows."""
        return self._table.num_rows

    def chunks(self) -> Iterator[list[EventT]]:
        """The events, in order, some at a time. They are made anew each time.

        Raises:
            EventTableError: A row is no event of the class.
        """
        for start in range(0, self.rows, CHUNK_ROWS):
            chunk = self._table.slice(start, CHUNK_ROWS)
            try:
                yield self._read(chunk)
            except EventTableError as wrong:
                if wrong.row is None:
                    raise
                row = start + wrong.row
                raise EventTableError(wrong.reason, row=row, field=wrong.field, value=wrong.value) from wrong.__cause__

    def _read(self, chunk: pa.Table) -> list[EventT]:
        cells = self._cells(chunk)
        if self._plan.is_native and all(each.native is not None for each in cells.values()):
            try:
                return self._make_natively(chunk.num_rows, cells)
            except EventDecodeError:
                pass  # the class itself says what is wrong, or that nothing is
        return self._make_by_class(chunk, cells)

    def _cells(self, chunk: pa.Table) -> dict[str, Cells]:
        found: dict[str, Cells] = {}
        for name, columns in self._plan.columns.items():
            arrays = [_one_piece(chunk.column(column)) for column in columns]
            found[name] = read_cells(name, self._plan.fields[name].shape, arrays, self._times)
        self._check_constants(found)
        for name, value in self._plan.constants.items():
            found[name] = same_cells("text", value, chunk.num_rows)
        for name, source in self._plan.copied.items():
            found[name] = found[source]
        return found

    def _check_constants(self, cells: Mapping[str, Cells]) -> None:
        """Refuses a column that says something else than what was given, or than the class has."""
        expected = {**self._plan.constants, "event_type": self._event_type}
        for name in expected.keys() & cells.keys():
            other = next((each for each in enumerate(cells[name].values()) if each[1] != expected[name]), None)
            if other is not None:
                who = f"{self._event_class.__name__} has" if name == "event_type" else "the argument says"
                raise EventTableError(f"{who} {expected[name]!r}", row=other[0], field=name, value=show(other[1]))

    def _make_natively(self, rows: int, cells: Mapping[str, Cells]) -> list[EventT]:
        fields: list[tuple[str, list[tuple[int, list[Any]]]]] = []
        places: dict[str, int] = {}
        defaults = {name: same_cells(form, value, rows) for name, (form, value) in self._plan.defaults.items()}
        for name, each in {**defaults, **cells, "event_type": same_cells("text", self._event_type, rows)}.items():
            arrays = each.native or ()
            if name == "event_id":
                arrays = tuple(map(_with_ids, arrays))
            places[name] = len(fields)
            columns = [(column.offset, column.buffers()) for column in arrays]
            fields.append((self._plan.fields[name].shape.form, columns))
        made: list[Any] = _core.decode_columns(rows, fields, {self._event_type: places}, places["event_type"])
        return made

    def _make_by_class(self, chunk: pa.Table, cells: Mapping[str, Cells]) -> list[EventT]:
        names = list(cells)
        columns: list[Sequence[Any]] = [each.values() for each in cells.values()]
        extras = self._extras(chunk)
        events: list[EventT] = []
        for row, values in enumerate(zip(*columns, strict=True)):
            fields = dict(zip(names, values, strict=True))
            if fields.get("event_id", "") is None:
                del fields["event_id"]
            if extras:
                fields = extras[row] | fields
            try:
                events.append(self._event_class.model_validate(fields, by_alias=False, by_name=True))
            except ValidationError as wrong:
                raise _explain(wrong, row) from wrong
        return events

    def _extras(self, chunk: pa.Table) -> list[dict[str, Any]]:
        """The values that a class keeps under names that it does not know, of each row."""
        found: list[dict[str, Any]] = chunk.select(self._plan.extras).to_pylist() if self._plan.extras else []
        if EXTRA in chunk.column_names and EXTRA not in self._plan.fields:
            texts = chunk.column(EXTRA).to_pylist()
            kept: list[dict[str, Any]] = [{} if text is None else from_json(text) for text in texts]
            return [one | other for one, other in zip(kept, found, strict=True)] if found else kept
        return found


def _one_piece(column: pa.ChunkedArray) -> pa.Array:
    return column.chunks[0] if len(column.chunks) == 1 else column.combine_chunks()


def _with_ids(column: pa.Array) -> pa.Array:
    """The identities, with new ones where there are none."""
    if not column.null_count:
        return column
    ids = [_core.new_event_id() if given is None else given for given in column.to_pylist()]
    return pa.array(ids, pa.string())


def _explain(wrong: ValidationError, row: int) -> EventTableError:
    first = wrong.errors(include_url=False, include_context=False)[0]
    reason = first["msg"].removeprefix("Value error, ")
    if not first["loc"]:
        return EventTableError(reason, row=row)
    place = ".".join(str(part) for part in first["loc"])
    return EventTableError(reason, row=row, field=place, value=show(first["input"]))
