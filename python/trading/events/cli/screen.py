"""Output for a terminal, by rich: colours, tables with lines, a line of progress. Elsewhere it is plain text."""

import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TextIO

from trading.events.cli.formats import table

if TYPE_CHECKING:
    from rich.console import Console

_is_plain = False

_GAP_CELLS = 2
"""The space between two columns; a half of it stands after the last."""


def use_plain_text(is_plain: bool) -> None:  # noqa: FBT001 - what it is named for
    """Sets whether terminals too are given plain text, as asked for with --plain."""
    global _is_plain  # noqa: PLW0603 - of the process, as its streams are
    _is_plain = is_plain


def is_styled(stream: TextIO) -> bool:
    """True if a stream is a terminal that may be given more than plain text."""
    return not _is_plain and stream.isatty()


def console_for(stream: TextIO) -> "Console":
    """A console that writes text as it is: no markup, no emoji codes, no highlighting; no styles under NO_COLOR."""
    from rich.console import Console  # noqa: PLC0415 - takes time

    is_coloured = is_styled(stream) and not os.environ.get("NO_COLOR")
    return Console(
        file=stream, markup=False, emoji=False, highlight=False, color_system="auto" if is_coloured else None
    )


def print_table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    right: Iterable[int] = (),
    wrapped: Iterable[int] = (),
    expendable: Iterable[int] = (),
    stream: TextIO | None = None,
) -> None:
    """Prints rows in columns, on a terminal with a line below the header and fitted to its width.

    Args:
        header: The names of the columns.
        rows: The cells, as many a row as the header has, without what a terminal would act on.
        right: The indices of the columns that stand to the right.
        wrapped: The indices of the columns whose words may stand below each other in a narrow terminal.
        expendable: The indices of the columns that a narrow terminal may leave out, in this order; a note names them.
        stream: Where to print; by default the standard output.
    """
    out = sys.stdout if stream is None else stream
    if is_styled(out):
        _print_fitted(console_for(out), [header, *rows], frozenset(right), frozenset(wrapped), list(expendable))
    else:
        out.write(f"{table(header, rows, right=right)}\n")


def _print_fitted(
    console: "Console",
    cells: Sequence[Sequence[str]],
    right: frozenset[int],
    wrapped: frozenset[int],
    expendable: list[int],
) -> None:
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415 - takes time
    from rich.table import Table  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415 - as above

    widths = {at: _least_width([row[at] for row in cells], at in wrapped) for at in range(len(cells[0]))}
    left_out: list[int] = []
    while expendable and _total(widths) > console.width:
        left_out.append(expendable.pop(0))
        del widths[left_out[-1]]
    has_room = _total(widths) <= console.width
    drawn = Table(box=SIMPLE_HEAD, header_style="bold", show_edge=False, padding=(0, 1, 0, 0))
    for at, width in widths.items():
        drawn.add_column(
            Text(cells[0][at]),
            justify="right" if at in right else "left",
            overflow="fold",
            min_width=width if has_room else None,
        )
    for row in cells[1:]:
        drawn.add_row(*(Text(row[at]) for at in widths))
    console.print(drawn)
    if left_out:
        names = ", ".join(cells[0][at] for at in sorted(left_out))
        console.print(Text(f"(a wider terminal, or --plain, also shows: {names})", style="dim"))


def _least_width(column: Sequence[str], is_wrapped: bool) -> int:  # noqa: FBT001 - private
    from rich.cells import cell_len  # noqa: PLC0415 - takes time

    return max(cell_len(piece) for cell in column for piece in (cell.split(" ") if is_wrapped else [cell]))


def _total(widths: dict[int, int]) -> int:
    return sum(widths.values()) + _GAP_CELLS * len(widths) - 1
