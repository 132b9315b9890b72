"""Arguments that several commands take."""

import argparse
import math
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from trading.events import _core

if TYPE_CHECKING:
    from trading.events.persistence.selection import OnInvalid, OnUnknown


class UsageError(Exception):
    """Arguments that do not go together."""


DEFAULT_STORE = Path("data/events")
"""The store that a command uses when none is named."""


def moment(text: str) -> datetime:
    """An ISO 8601 time; without a zone it is UTC."""
    try:
        value = datetime.fromisoformat(text)
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text!r} is no ISO 8601 time, such as 2024-01-01T09:30") from None


def day(text: str) -> date:
    """An ISO 8601 date."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no ISO 8601 date, such as 2024-01-31") from None


def speed(text: str) -> float | None:
    """A factor of the original speed; None, for `max`, is without any waiting."""
    if text == "max":
        return None
    try:
        factor = float(text)
    except ValueError:
        factor = math.nan
    if not 0 < factor < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no speed; it is a factor above zero, or max")
    return factor


def count(text: str) -> int:
    """A whole number from 0 on."""
    if not (text.isascii() and text.isdigit() and len(text) < 19):  # noqa: PLR2004 - digits of a 64-bit number
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 on")
    return int(text)


def field_and_column(text: str) -> tuple[str, str]:
    """`field=column`."""
    field, equals, column = text.partition("=")
    if not (field and equals and column):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form field=column")
    return field.strip(), column


def add_store(parser: argparse.ArgumentParser) -> None:
    """Adds STORE, the folder to read."""
    parser.add_argument(
        "store", metavar="STORE", type=Path, nargs="?", default=DEFAULT_STORE,
        help="folder of the store (default: %(default)s)",
    )  # fmt: skip


def add_range(parser: argparse.ArgumentParser) -> None:
    """Adds what chooses events: a range of time, event types, exchanges, symbols."""
    group = parser.add_argument_group("which events", "Times are ISO 8601, in UTC unless they name a zone.")
    group.add_argument("--start", metavar="TIME", type=moment, help="from this time on")
    group.add_argument("--end", metavar="TIME", type=moment, help="before this time")
    for name, check, what in (
        ("event", _core.check_event_type, "event type, such as trade"),
        ("exchange", _core.check_exchange, "exchange"),
        ("symbol", _core.check_symbol, "symbol"),
    ):
        group.add_argument(
            f"--{name}", metavar=name.upper(), type=_name(check), action="append",
            help=f"only this {what}; may be given again",
        )  # fmt: skip
    group.add_argument(
        "--skip-invalid", action="store_true",
        help="leave out events that their class refuses as it is here, and say how many (default: name them, and fail)",
    )  # fmt: skip


def _name(check: Callable[[str], str]) -> Callable[[str], str]:
    """Has a name that cannot be one refused with the reason."""

    def checked(text: str) -> str:
        try:
            return check(text)
        except ValueError as wrong:
            raise argparse.ArgumentTypeError(str(wrong)) from None

    return checked


def add_days(parser: argparse.ArgumentParser) -> None:
    """Adds what chooses days."""
    parser.add_argument("--start", metavar="DAY", type=day, help="from this day on, in UTC, such as 2024-01-31")
    parser.add_argument("--end", metavar="DAY", type=day, help="before this day")


def days(args: argparse.Namespace) -> tuple[date | None, date | None]:
    """Values that were given for `add_days`.

    Raises:
        UsageError: The range ends before it starts.
    """
    if args.start is not None and args.end is not None and args.end < args.start:
        raise UsageError(f"--end {args.end} is before --start {args.start}")
    return args.start, args.end


class EventRangeArguments(TypedDict):
    """The options of `add_range`, as the methods of an EventReader take them."""

    start: datetime | None
    end: datetime | None
    event_type: list[str] | None
    exchange: list[str] | None
    symbol: list[str] | None
    invalid: "OnInvalid"
    unknown: "OnUnknown"


def event_range(args: argparse.Namespace) -> EventRangeArguments:
    """Values that were given for `add_range`.

    Raises:
        UsageError: The range ends before it starts.
    """
    if args.start is not None and args.end is not None and args.end < args.start:
        raise UsageError(f"--end {args.end.isoformat()} is before --start {args.start.isoformat()}")
    return EventRangeArguments(
        start=args.start,
        end=args.end,
        event_type=args.event,
        exchange=args.exchange,
        symbol=args.symbol,
        invalid="skip" if args.skip_invalid else "raise",
        unknown="mapping",
    )


def add_progress(parser: argparse.ArgumentParser) -> None:
    """Adds whether a line of progress is shown."""
    parser.add_argument(
        "--progress", action=argparse.BooleanOptionalAction,
        help="show a line of progress (default: when the standard error is a terminal)",
    )  # fmt: skip
