"""Entry point of the program `trading-events`: until all is imported, Ctrl-C ends it at once and without a word.

It stands outside `trading.events` and imports nothing that takes time, since Python's own answer to Ctrl-C, a
traceback, holds until the first line of it has run.
"""

import _signal
import atexit

_HANG_UP, _INTERRUPT, _TERMINATE = 1, 2, 15


def main() -> int:
    """Runs the command that the process was started with, and returns its exit code."""
    die_of_interrupts()
    # What is registered first runs last: all is done, and too little of Python is left to say a word.
    atexit.register(_ignore_signals)
    from trading.events.cli.program import run_program  # noqa: PLC0415 - takes time

    return run_program()


def die_of_interrupts() -> None:
    """Has Ctrl-C end the process by the signal itself, unless it is ignored, as in the background of a shell."""
    if _signal.getsignal(_INTERRUPT) is _signal.default_int_handler:
        _signal.signal(_INTERRUPT, _signal.SIG_DFL)


def _ignore_signals() -> None:
    for number in (_TERMINATE, _INTERRUPT, _HANG_UP):
        _signal.signal(number, _signal.SIG_IGN)
