"""Values of the cells of a market data file: a number, a moment, a side, a text."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Literal, get_args

from trading.events._models.decimals import WIDE

TimeUnit = Literal["auto", "s", "ms", "us", "ns"]
"""The unit of a time that is written as a number; `auto` tells it from the number's size."""

TIME_UNITS: tuple[TimeUnit, ...] = get_args(TimeUnit)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
_MAX_NUMBER_CHARS = 100
_MAX_INTEGER_DIGITS = 30
_MAX_SHOWN_CHARS = 60
_EXACT_DOUBLE_INTEGERS = 2**53
_US_PER_UNIT: dict[TimeUnit, Decimal] = {
    "s": Decimal(1_000_000),
    "ms": Decimal(1_000),
    "us": Decimal(1),
    "ns": Decimal("0.001"),
}
# From March 1973 to the year 5138, no number is a likely time in two units.
_AUTO_UNITS: tuple[tuple[Decimal, TimeUnit], ...] = (
    (Decimal("1e8"), "auto"),
    (Decimal("1e11"), "s"),
    (Decimal("1e14"), "ms"),
    (Decimal("1e17"), "us"),
    (Decimal("1e20"), "ns"),
)

_BUYS = ("buy", "b", "bid", "bids")
_SELLS = ("sell", "s", "ask", "asks", "a")
_NAMED_SIDES = {name: side for side, names in (("buy", _BUYS), ("sell", _SELLS)) for name in names}
_TAKER_SIDE_BY_BUYER_IS_MAKER = {"true": "sell", "1": "sell", "false": "buy", "0": "buy"}

Cell = Callable[[object], object]
"""Takes a cell as the file has it and returns what the event's field wants; a ValueError says why it cannot."""

NumberReader = Callable[[object], Decimal]
"""Takes a cell and returns the decimal that it holds, or raises a ValueError."""

TimeReader = Callable[[object], datetime]
"""Takes a cell and returns the moment that it holds, or raises a ValueError."""


def read_number(cell: object) -> Decimal:
    """The decimal that a cell holds.

    Text and Arrow decimals are exact and stay as they are. A double is not: it holds 15 decimal digits and then noise,
    so 0.00031099999999999997 is 0.000311. It is therefore taken through its shortest text of at most 15 significant
    digits; whole numbers up to 2**53, which a double holds exactly, keep all of theirs.

    Raises:
        ValueError: The cell is no finite number.
    """
    if isinstance(cell, str):
        text = cell.strip()
        if len(text) > _MAX_NUMBER_CHARS or _NUMBER.fullmatch(text) is None:
            raise ValueError(f"{shown(cell)} is no number")
        return Decimal(text)
    if isinstance(cell, float):
        return read_double(cell)
    if isinstance(cell, Decimal) and cell.is_finite():
        return cell
    if isinstance(cell, int) and not isinstance(cell, bool):
        return Decimal(cell)
    raise ValueError(f"{shown(cell)} is no number")


def read_double(value: float) -> Decimal:
    """The decimal that a double was meant to be; see `read_number`.

    Raises:
        ValueError: The double is infinite or no number.
    """
    if value.is_integer() and abs(value) <= _EXACT_DOUBLE_INTEGERS:
        return Decimal(int(value))
    number = Decimal(format(value, ".15g"))
    if not number.is_finite():
        raise ValueError(f"{value} is no number")
    return number


def read_noisy_number(cell: object) -> Decimal:
    """Like `read_number`, but text too is taken as a double that somebody has printed.

    Raises:
        ValueError: The cell is no finite number.
    """
    number = read_number(cell)
    return read_double(float(number)) if isinstance(cell, str) else number


def time_reader(unit: TimeUnit) -> TimeReader:
    """A reader of times, with the unit of those that are numbers."""

    def read(cell: object) -> datetime:
        return read_time(cell, unit)

    return read


def read_time(cell: object, unit: TimeUnit = "auto") -> datetime:
    """The moment that a cell holds: ISO 8601 text or a number since 1970, in UTC where it names no zone.

    What is finer than a microsecond is cut off.

    Raises:
        ValueError: The cell is no time between the years 1 and 9999, or a number whose unit cannot be told.
    """
    if isinstance(cell, datetime):
        return cell.astimezone(UTC) if cell.tzinfo else cell.replace(tzinfo=UTC)
    if isinstance(cell, date):
        return datetime(cell.year, cell.month, cell.day, tzinfo=UTC)
    if isinstance(cell, str):
        text = cell.strip()
        if _NUMBER.fullmatch(text) is None:
            return _read_iso(text)
        cell = text
    try:
        number = read_number(str(cell) if isinstance(cell, float) else cell)
    except ValueError:
        raise ValueError(f"{shown(cell)} is no time") from None
    return _since_epoch(number, unit)


def _read_iso(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{shown(text)} is no time; ISO 8601 or a number since 1970 is expected") from None


def _since_epoch(number: Decimal, unit: TimeUnit) -> datetime:
    if unit == "auto":
        unit = _unit_by_size(number)
    if unit == "auto":
        raise ValueError(f"{shown(str(number))} could be a time in several units; give the time unit: s, ms, us or ns")
    try:
        micros = WIDE.divide_int(WIDE.multiply(number, _US_PER_UNIT[unit]), 1)
        return _EPOCH + timedelta(microseconds=int(micros))
    except (OverflowError, ArithmeticError):
        raise ValueError(f"{number} {unit} since 1970 is beyond the year 9999") from None


def read_side(cell: object) -> str:
    """`buy` or `sell`.

    Raises:
        ValueError: The cell names no side.
    """
    side = _NAMED_SIDES.get(str(cell).strip().lower())
    if side is None:
        raise ValueError(f"{shown(cell)} is no side; buy, sell, b, s, bid, ask or a is expected")
    return side


def read_side_from_buyer_is_maker(cell: object) -> str:
    """The taker's side, from whether the buyer was the maker.

    Raises:
        ValueError: The cell says neither true nor false.
    """
    side = _TAKER_SIDE_BY_BUYER_IS_MAKER.get(str(cell).strip().lower())
    if side is None:
        raise ValueError(f"{shown(cell)} is neither true nor false")
    return side


def _unit_by_size(number: Decimal) -> TimeUnit:
    for below, unit in _AUTO_UNITS:
        if number.copy_abs() < below:
            return unit
    return "auto"


def read_integer(cell: object) -> int:
    """The whole number that a cell holds.

    Raises:
        ValueError: The cell is no number, or none that is whole.
    """
    number = read_number(cell)
    if number.adjusted() > _MAX_INTEGER_DIGITS or number != int(number):
        raise ValueError(f"{shown(cell)} is no whole number")
    return int(number)


def read_text(cell: object) -> str:
    """The cell as text, without surrounding spaces."""
    return str(cell).strip()


def read_as_is(cell: object) -> object:
    """The cell as it stands, text without surrounding spaces; the event class judges it."""
    return cell.strip() if isinstance(cell, str) else cell


def shown(value: object) -> str:
    """A value from a file as a message shows it: quoted, escaped, and never long."""
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN_CHARS else f"{text[:45]}... ({len(text):,} characters)"
