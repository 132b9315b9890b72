"""Where the program `trading-events` begins: until all is imported, Ctrl-C ends it at once and without a word.

It stands outside `trading.events` and imports nothing that takes time, since Python's own answer to Ctrl-C, a
traceback, holds until the first line of it has run.
"""

import _signal
import atexit

_INTERRUPT = 2


def main() -> int:
    """Runs the command that the process was started with, and returns its exit code."""
    die_of_interrupts()
    # What is registered first runs last: nothing is left to be done, and too little of Python to say a word.
    atexit.register(_ignore_interrupts)
    from trading.events.cli.program import run_program  # noqa: PLC0415 - takes time

    return run_program()


def die_of_interrupts() -> None:
    """Has Ctrl-C end the process by the signal itself, unless it is ignored, as in the background of a shell."""
    if _signal.getsignal(_INTERRUPT) is _signal.default_int_handler:
        _signal.signal(_INTERRUPT, _signal.SIG_DFL)


def _ignore_interrupts() -> None:
    _signal.signal(_INTERRUPT, _signal.SIG_IGN)
