"""A line of progress on the standard error, drawn over itself."""

import shutil
import sys
import time
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from trading.events.cli.formats import as_left, printable
from trading.events.cli.screen import console_for
from trading.events.cli.signals import wiped_by_signal

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress_bar import ProgressBar
    from rich.text import Text

_BAR_CHARS = 24
_REDRAW_S = 0.1


class ProgressLine:
    """One line that says how far something is; nothing at all where nobody watches.

    rich makes its text. It is drawn without a thread and without hiding the cursor, so that a signal may end the
    process at any moment.

    Args:
        label: What is going on, in a word or two.
        unit: What is counted, in the plural.
        shown: True or False to show the line or not, None to show it where the stream is a terminal.
        stream: Where to draw; by default the standard error.
    """

    def __init__(self, label: str, unit: str, *, shown: bool | None = None, stream: TextIO | None = None) -> None:
        self._label = printable(label)
        self._unit = unit
        self._stream = sys.stderr if stream is None else stream
        self._shown = self._stream.isatty() if shown is None else shown
        self._began_s = time.monotonic()
        self._drawn_s = 0.0
        self._drawn_cells = 0
        self._console: Console | None = None
        self._stack = ExitStack()

    def update(self, count: int, *, fraction: float | None = None, note: str = "") -> None:
        """Draws the line anew, at most ten times a second.

        Args:
            count: How many have been done.
            fraction: How much that is of the whole, from 0 to 1; None where nobody knows.
            note: What else there is to say.
        """
        now_s = time.monotonic()
        if self._shown and now_s - self._drawn_s >= _REDRAW_S:
            self._drawn_s = now_s
            self._draw(count, fraction, note, now_s - self._began_s)

    def _draw(self, count: int, fraction: float | None, note: str, took_s: float) -> None:
        from rich.progress_bar import ProgressBar  # noqa: PLC0415 - takes time
        from rich.text import Text  # noqa: PLC0415 - as above

        if self._console is None:
            self._console = console_for(self._stream)
        width = shutil.get_terminal_size().columns - 1
        self._console.width = width
        line = Text(self._label)
        if fraction is not None:
            bar = ProgressBar(total=1.0, completed=fraction, width=_BAR_CHARS)
            line.append("  ").append_text(_as_text(self._console, bar)).append(f" {fraction:4.0%}")
        line.append(f"  {count:,} {self._unit}").append(f"  {count / max(took_s, 1e-6):,.0f}/s", style="dim")
        if fraction:
            line.append(f"  {as_left(took_s / fraction - took_s)} left", style="dim")
        if note:
            line.append(f"  {printable(note)}", style="cyan")
        line.truncate(width, overflow="crop")
        padding = " " * max(min(self._drawn_cells, width) - line.cell_len, 0)
        self._stream.write(f"\r{_rendered(self._console, line)}{padding}")
        self._stream.flush()
        self._drawn_cells = line.cell_len

    def clear(self) -> None:
        """Wipes the line, so that something else can be printed."""
        if self._drawn_cells:
            self._stream.write(self._wipe())
            self._stream.flush()
            self._drawn_cells = 0

    def _wipe(self) -> str:
        return f"\r{' ' * self._drawn_cells}\r" if self._drawn_cells else ""

    def __enter__(self) -> Self:
        self._stack.enter_context(wiped_by_signal(self._wipe))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, at: TracebackType | None
    ) -> None:
        self.clear()
        self._stack.close()


def _as_text(console: "Console", bar: "ProgressBar") -> "Text":
    from rich.text import Text  # noqa: PLC0415 - takes time

    pieces = ((piece.text, piece.style or "") for piece in console.render(bar))
    text = Text.assemble(*pieces)
    text.pad_right(_BAR_CHARS - text.cell_len)
    return text


def _rendered(console: "Console", line: "Text") -> str:
    with console.capture() as capture:
        console.print(line, end="", no_wrap=True, soft_wrap=True)
    return capture.get()
