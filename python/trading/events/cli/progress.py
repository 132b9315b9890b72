"""A line of progress on the standard error, drawn over itself."""

import shutil
import sys
import time
from contextlib import ExitStack
from types import TracebackType
from typing import Self, TextIO

from trading.events.cli.signals import wiped_by_signal

_BAR_CHARS = 24
_REDRAW_S = 0.1


class ProgressLine:
    """One line that says how far something is; nothing at all where nobody watches.

    Args:
        label: What is going on, in a word or two.
        unit: What is counted, in the plural.
        shown: True or False to show the line or not, None to show it where the stream is a terminal.
        stream: Where to draw; by default the standard error.
    """

    def __init__(self, label: str, unit: str, *, shown: bool | None = None, stream: TextIO | None = None) -> None:
        self._label = label
        self._unit = unit
        self._stream = sys.stderr if stream is None else stream
        self._shown = self._stream.isatty() if shown is None else shown
        self._began_s = time.monotonic()
        self._drawn_s = 0.0
        self._drawn_chars = 0
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
            self._draw(self._text(count, fraction, note, now_s))

    def _text(self, count: int, fraction: float | None, note: str, now_s: float) -> str:
        rate = count / max(now_s - self._began_s, 1e-6)
        parts = [self._label]
        if fraction is not None:
            filled = round(fraction * _BAR_CHARS)
            parts.append(f"[{'#' * filled}{'.' * (_BAR_CHARS - filled)}] {fraction:4.0%}")
        parts.append(f"{count:,} {self._unit}  {rate:,.0f}/s")
        return "  ".join([*parts, note] if note else parts)

    def _draw(self, text: str) -> None:
        width = shutil.get_terminal_size().columns - 1
        text = text[:width]
        self._stream.write("\r" + text.ljust(min(self._drawn_chars, width)))
        self._stream.flush()
        self._drawn_chars = len(text)

    def clear(self) -> None:
        """Wipes the line, so that something else can be printed."""
        if self._drawn_chars:
            self._stream.write(self._wipe())
            self._stream.flush()
            self._drawn_chars = 0

    def _wipe(self) -> str:
        return f"\r{' ' * self._drawn_chars}\r" if self._drawn_chars else ""

    def __enter__(self) -> Self:
        self._stack.enter_context(wiped_by_signal(self._wipe))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, at: TracebackType | None
    ) -> None:
        self.clear()
        self._stack.close()
