"""How far a process of the command line is, told by what it does with signals."""

import os
import signal
from enum import Enum, auto
from pathlib import Path


class Phase(Enum):
    """A part of the life of a process."""

    STARTING = auto()
    """The interpreter starts: it has an answer of its own to Ctrl-C."""

    IMPORTING = auto()
    """A signal is the end. So it is before there is an interpreter, and of a process that has ended."""

    READY = auto()
    """Signals are handled."""

    ENDING = auto()
    """Signals are ignored: nothing is left to be done."""


def phase(pid: int) -> Phase:
    """The phase of a process that has not been waited for."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (ProcessLookupError, FileNotFoundError):
        return Phase.IMPORTING
    fields = dict(line.split(":\t") for line in lines if line.startswith("Sig"))
    if _has(fields.get("SigIgn", "0"), signal.SIGTERM):
        return Phase.ENDING
    if _has(fields.get("SigCgt", "0"), signal.SIGTERM):
        return Phase.READY
    return Phase.STARTING if _has(fields.get("SigCgt", "0"), signal.SIGINT) else Phase.IMPORTING


def _has(mask: str, number: signal.Signals) -> bool:
    return bool(int(mask, 16) >> (number - 1) & 1)


def remaining(folder: Path) -> list[int]:
    """The processes that were started to do something with this folder and are still there."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                arguments = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if str(folder).encode() in arguments:
                found.append(int(entry.name))
    return found
