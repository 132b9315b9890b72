"""Ending of a command by a signal: Ctrl-C, SIGTERM, or a terminal that goes away.

The signal is never an exception in the middle of a line. A command that has something to finish, such as a store to be
closed, runs in `run_until_signal`: the first signal cancels it at its next `await`, and it ends in its own order. Any
other signal ends the process at once: `leave` says one word, ends what was started, and removes what is unfinished. A
store that is being written needs no more, since it survives the death of its writer.
"""

import asyncio
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn, TypeVar

_T = TypeVar("_T")

_WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated", signal.SIGHUP: "hung up"}
_CODE_OF_SIGNAL = 128
_BLOCKED_OUTPUT_S = 1.0

# A process of its own, since threads of this one may still write what is to be removed; `exec` ends them all.
_REMOVER = """
import os, shutil, sys
for path in sys.argv[2:]:
    if os.path.isdir(path):
        shutil.rmtree(path, ignore_errors=True)
    elif os.path.exists(path):
        os.unlink(path)
os._exit(int(sys.argv[1]))
"""


class Interrupted(KeyboardInterrupt):
    """A command was ended by a signal, and has finished what it had to.

    `received_signal` tells which.
    """


class _Process:
    """State of this process, for the moment when a signal comes."""

    def __init__(self) -> None:
        self.received: int | None = None
        self.finish: Callable[[], object] | None = None
        self.has_spoken = False
        self.holds = 0
        self.pending: int | None = None
        self.children: list[subprocess.Popen[str]] = []
        self.unfinished: list[Path] = []
        self.wipes: list[Callable[[], str]] = []


_process = _Process()


def take_signals() -> None:
    """Has signals end this process in good order, but not those that it was started to ignore."""
    for number in _WORDS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _handle)


def _handle(number: int, _frame: FrameType | None) -> None:
    _process.received = _process.received or number
    if _process.holds:
        _process.pending = number
        return
    finish, _process.finish = _process.finish, None
    if finish is None:
        leave(_process.received)
    finish()


def leave(number: int) -> NoReturn:
    """Ends the process at once by a signal's exit code; nothing of it is left behind."""
    for each in _WORDS:
        signal.signal(each, signal.SIG_IGN)
    for child in _process.children:
        child.kill()
    say(number)
    code = exit_code(number)
    if paths := [str(path) for path in _process.unfinished]:
        with suppress(OSError, ValueError):
            os.execv(sys.executable, [sys.executable, "-P", "-S", "-c", _REMOVER, str(code), *paths])  # noqa: S606
        for path in paths:
            shutil.rmtree(path, ignore_errors=True)
    os._exit(code)


def received_signal() -> int | None:
    """The first signal that has come, if one has."""
    return _process.received


def exit_code(number: int) -> int:
    """130 for Ctrl-C, 143 for SIGTERM, as a shell tells of them."""
    return _CODE_OF_SIGNAL + number


def say(number: int) -> None:
    """Says once, on the standard error, which signal has ended the command; not where nobody reads."""
    if _process.has_spoken or sys.stderr is None:
        return
    _process.has_spoken = True
    with suppress(OSError, ValueError):
        output = sys.stderr.fileno()
        if select.select([], [output], [], _BLOCKED_OUTPUT_S)[1]:
            wiped = "".join(wipe() for wipe in _process.wipes)
            os.write(output, f"{wiped}trading-events: {_WORDS[signal.Signals(number)]}\n".encode())


def run_until_signal(work: Coroutine[Any, Any, _T]) -> _T:
    """`asyncio.run`, but the first signal cancels the work, which may then finish; the next one ends the process.

    Raises:
        Interrupted: A signal has come.
    """
    with asyncio.Runner() as runner:
        try:
            result = runner.run(_cancelled_by_signal(work))
        except asyncio.CancelledError:
            if _process.received is None:
                raise
            raise Interrupted from None
    if _process.received is not None:
        raise Interrupted
    return result


async def _cancelled_by_signal(work: Coroutine[Any, Any, _T]) -> _T:
    loop, task = asyncio.get_running_loop(), asyncio.ensure_future(work)
    _process.finish = lambda: loop.call_soon_threadsafe(task.cancel)
    try:
        return await task
    finally:
        _process.finish = None


@contextmanager
def signals_held() -> Generator[None, None, None]:
    """Has signals wait until the block, which is short, has ended."""
    _process.holds += 1
    try:
        yield
    finally:
        _process.holds -= 1
        if not _process.holds and _process.pending is not None:
            number, _process.pending = _process.pending, None
            _handle(number, None)


@contextmanager
def removed_by_signal(path: Path) -> Generator[None, None, None]:
    """This file or folder goes away when a signal ends the process within the block."""
    path = path.absolute()
    _process.unfinished.append(path)
    try:
        yield
    finally:
        _process.unfinished.remove(path)


@contextmanager
def killed_by_signal(child: subprocess.Popen[str]) -> Generator[subprocess.Popen[str], None, None]:
    """This process is killed when a signal, or an exception, ends the block; else it is waited for."""
    _process.children.append(child)
    try:
        with child:
            try:
                yield child
            except BaseException:
                child.kill()
                raise
    finally:
        _process.children.remove(child)


@contextmanager
def wiped_by_signal(wipe: Callable[[], str]) -> Generator[None, None, None]:
    """Before a word is printed, the terminal's line is wiped by the text that `wipe` returns."""
    _process.wipes.append(wipe)
    try:
        yield
    finally:
        _process.wipes.remove(wipe)
