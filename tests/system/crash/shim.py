"""The library that stands between a process and the file system; see `shim.c`."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).with_name("shim.c")
_VARIABLE = "LD_PRELOAD"


def run_below_shim(folder: Path) -> int | None:
    """Runs this program again below the library, and returns how it ended; None if it already is below it.

    The library is compiled into the folder.
    """
    library = folder / "shim.so"
    if os.environ.get(_VARIABLE, "").endswith(library.name):
        return None
    compile_shim(library)
    arguments = [sys.executable, "-m", "tests.system.crash", *sys.argv[1:], "--work", str(folder)]
    return subprocess.run(arguments, env=os.environ | {_VARIABLE: str(library)}, check=False).returncode


def compile_shim(library: Path) -> None:
    """Compiles the library."""
    command = ["gcc", "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"]
    subprocess.run(command, check=True)


def arm(folder: Path, *, log: int = -1, at: int = -1, error: int = 0) -> None:
    """Counts the calls that change something below a folder; logs them to a descriptor; lets one fail.

    Args:
        folder: Where calls count.
        log: Where they are logged.
        at: Number of the call that fails, from 1.
        error: What it fails with; 0 lets a write write only half, and leaves others alone.
    """
    ctypes.CDLL(None).shim_arm(os.fsencode(folder), log, ctypes.c_long(at), error)


def calls() -> int:
    """How many calls there were."""
    return int(ctypes.CDLL(None).shim_calls())
