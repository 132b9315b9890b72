"""Numbers, times and tables as text."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

_KIB = 1024
_SECOND_NS = 1_000_000_000
_ACTS_ON_A_TERMINAL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\U000e0000-\U000e007f\ud800-\udfff]"
)
"""Control characters but tabs and line ends, what turns the direction of text, and half characters."""


def as_bytes(count: int) -> str:
    """A number of bytes in its fitting unit."""
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < _KIB:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= _KIB
    return f"{size:.1f} TiB"


def as_duration(nanoseconds: int) -> str:
    """A duration in milliseconds, or in seconds where it is long."""
    return f"{nanoseconds / 1e6:.1f} ms" if nanoseconds < _SECOND_NS else f"{nanoseconds / 1e9:.1f} s"


def as_left(seconds: float) -> str:
    """The time that something still takes, as minutes and seconds, or hours before them."""
    minutes, left = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


def as_time(moment: datetime) -> str:
    """A time in UTC, to the microsecond where it has any."""
    return moment.replace(tzinfo=None).isoformat(sep=" ")


def printable(text: str) -> str:
    """A text with what a terminal would act on written as Python's escapes."""
    return _ACTS_ON_A_TERMINAL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def printable_json(text: str) -> str:
    """JSON with what a terminal would act on written as JSON's own escapes, so that its values stay."""
    return _ACTS_ON_A_TERMINAL.sub(_json_escape, text)


def _json_escape(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def counted(count: int, noun: str) -> str:
    """A count with its noun, in the plural where it must be."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, right: Iterable[int] = ()) -> str:
    """Rows in columns as wide as they must be.

    Args:
        header: The names of the columns.
        rows: The cells, as many a row as the header has.
        right: The indices of the columns that stand to the right.
    """
    cells = [header, *rows]
    widths = [max(len(row[at]) for row in cells) for at in range(len(header))]
    to_the_right = frozenset(right)

    def line(row: Sequence[str]) -> str:
        aligned = (
            cell.rjust(width) if at in to_the_right else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        return "  ".join(aligned).rstrip()

    return "\n".join(map(line, cells))
