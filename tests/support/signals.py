"""Signals as a shell gives them to its programs, whatever the tests themselves were started to ignore (`nohup`)."""

import signal
from collections.abc import Generator
from contextlib import contextmanager

_NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def default_signals() -> Generator[None, None, None]:
    """Has programs that are started meanwhile ignore none of the signals that end one."""
    ignored = [number for number in _NUMBERS if signal.getsignal(number) is signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, signal.SIG_DFL)
    try:
        yield
    finally:
        for number in ignored:
            signal.signal(number, signal.SIG_IGN)
