"""Columns of times in UTC, of whatever a table holds as times."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Literal, get_args

import pyarrow as pa
import pyarrow.compute as pc

from trading.events._codec.columns import TIMESTAMP
from trading.events._codec.exactness import show
from trading.events._codec.micros import from_micros, to_micros
from trading.events._models.decimals import WIDE
from trading.events.errors import EventTableError

TimeUnit = Literal["s", "ms", "us", "ns"]
"""The unit of times that are numbers since 1970."""

_US_PER = {"us": 1, "ms": 1_000, "s": 1_000_000}
_MOST_MICROS = 2**63 - 1
_NAIVE = 'it is in no time zone; tz="UTC", or that of another place, says in which'
_UNITLESS = 'it is a number; time_unit="ms", or another, says of what'
_NO_TIME = "it is no time between the years 1 and 9999"


class Times:
    """Turns columns of times into UTC.

    Args:
        tz: The zone of times that are in none; None refuses them.
        unit: The unit of times that are numbers; None refuses them.

    Raises:
        ValueError: There is no such zone or unit.
    """

    def __init__(self, tz: str | None, unit: TimeUnit | None) -> None:
        if unit is not None and unit not in get_args(TimeUnit):
            raise ValueError(f"time_unit must be one of {', '.join(get_args(TimeUnit))}, not {unit!r}")
        self._tz = tz
        self._unit: TimeUnit | None = unit
        if tz is not None:
            try:
                self._localize(pa.array([0], pa.int64()).cast(pa.timestamp("us")))
            except (pa.ArrowException, TypeError) as wrong:
                raise ValueError(f"tz is {tz!r}, which is no time zone: {wrong}") from wrong

    def to_utc(self, name: str, column: pa.Array) -> pa.Array | None:
        """The column in UTC, in microseconds: what is finer is cut off. None if its type is none of times.

        Raises:
            EventTableError: A time is in no zone or is a number, and nothing says in which zone or what unit.
        """
        type_ = column.type
        if pa.types.is_timestamp(type_):
            micros = _to_micros(name, column.view(pa.int64()), type_.unit)
            return micros.cast(TIMESTAMP) if type_.tz is not None else self._from_naive(name, micros)
        if pa.types.is_date(type_):
            return self._from_naive(name, column.cast(pa.timestamp("us")).view(pa.int64()))
        if pa.types.is_string(type_):
            return self._from_texts(name, column.to_pylist())
        if pa.types.is_integer(type_):
            return _to_micros(name, column.cast(pa.int64()), self._unit_of(name, column)).cast(TIMESTAMP)
        if pa.types.is_floating(type_):
            return self._from_floats(name, column)
        return None

    def _unit_of(self, name: str, column: pa.Array) -> str:
        if self._unit is None and column.null_count < len(column):
            raise _first_of(name, column, _UNITLESS)
        return self._unit or "us"

    def _from_floats(self, name: str, column: pa.Array) -> pa.Array:
        """Numbers with a point, by their shortest text."""
        unit = self._unit_of(name, column)
        factor = Decimal(_US_PER[unit]) if unit in _US_PER else Decimal("0.001")
        micros: list[int | None] = []
        for row, value in enumerate(column.to_pylist()):
            try:
                micros.append(None if value is None else int(WIDE.multiply(Decimal(repr(value)), factor) // 1))
            except (ArithmeticError, ValueError) as wrong:
                raise EventTableError(_NO_TIME, row=row, field=name, value=repr(value)) from wrong
        return _utc(name, micros)

    def _from_texts(self, name: str, texts: Sequence[str | None]) -> pa.Array:
        moments: list[datetime | None] = []
        for row, text in enumerate(texts):
            try:
                moments.append(None if text is None else datetime.fromisoformat(text))
            except ValueError as wrong:
                raise EventTableError(
                    "it is no time as ISO 8601 writes it", row=row, field=name, value=show(text)
                ) from wrong
        naive = [moment if moment is not None and moment.tzinfo is None else None for moment in moments]
        if any(moment is not None for moment in naive):
            placed = self._from_naive(name, pa.array(naive, pa.timestamp("us")).view(pa.int64())).to_pylist()
            moments = [moment or other for moment, other in zip(placed, moments, strict=True)]
        return _utc(name, [None if moment is None else to_micros(moment) for moment in moments])

    def _from_naive(self, name: str, micros: pa.Array) -> pa.Array:
        naive = micros.cast(pa.timestamp("us"))
        if naive.null_count == len(naive):
            return micros.cast(TIMESTAMP)
        if self._tz is None:
            raise _first_of(name, naive, _NAIVE)
        try:
            return self._localize(naive).cast(TIMESTAMP)
        except pa.ArrowException:
            raise self._unplaced(name, naive) from None

    def _localize(self, naive: pa.Array) -> pa.Array:
        return pc.assume_timezone(naive, self._tz or "UTC", ambiguous="raise", nonexistent="raise")

    def _unplaced(self, name: str, naive: pa.Array) -> EventTableError:
        """The error of the first time that a zone does not have, or has twice."""
        for row in range(len(naive)):
            try:
                self._localize(naive.slice(row, 1))
            except pa.ArrowException:
                reason = f"the clocks of {self._tz} show this time twice or never; make it one in UTC"
                return EventTableError(reason, row=row, field=name, value=_shown(naive, row))
        return EventTableError(_NO_TIME, field=name)


def to_moments(name: str, column: pa.Array) -> list[datetime | None]:
    """The values of a column in UTC.

    Raises:
        EventTableError: One is no datetime.
    """
    moments: list[datetime | None] = []
    for row, micros in enumerate(column.view(pa.int64()).to_pylist()):
        try:
            moments.append(None if micros is None else from_micros(micros))
        except OverflowError as wrong:
            raise EventTableError(_NO_TIME, row=row, field=name, value=f"{micros} us since 1970") from wrong
    return moments


def _to_micros(name: str, numbers: pa.Array, unit: str) -> pa.Array:
    if unit == "us":
        return numbers
    if unit == "ns":
        floored = pc.if_else(pc.less(numbers, 0), pc.subtract(numbers, pa.scalar(999)), numbers)
        return pc.divide(floored, pa.scalar(1_000))
    limit = _MOST_MICROS // _US_PER[unit]
    beyond = pc.indices_nonzero(pc.greater(pc.abs(numbers), limit)).to_pylist()
    if beyond:
        raise EventTableError(
            _NO_TIME, row=beyond[0], field=name, value=f"{numbers[beyond[0]].as_py()} {unit} since 1970"
        )
    return pc.multiply(numbers, pa.scalar(_US_PER[unit]))


def _utc(name: str, micros: Sequence[int | None]) -> pa.Array:
    for row, value in enumerate(micros):
        if value is not None and abs(value) > _MOST_MICROS:
            raise EventTableError(_NO_TIME, row=row, field=name, value=f"{value} us since 1970")
    return pa.array(micros, pa.int64()).cast(TIMESTAMP)


def _first_of(name: str, column: pa.Array, reason: str) -> EventTableError:
    """The error of the first value of a column."""
    row: int = pc.indices_nonzero(column.is_valid())[0].as_py()
    return EventTableError(reason, row=row, field=name, value=_shown(column, row))


def _shown(column: pa.Array, row: int) -> str:
    return str(column.slice(row, 1).cast(pa.string())[0].as_py())
