"""Every call that a recording process makes fails once: it must be loud, go on, and lose nothing."""

import errno
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from tests.support.children import ask, fork
from tests.system.crash import shim
from tests.system.crash.program import check, read_promises, record
from trading.events.persistence.parquet.journal import flusher
from trading.events.persistence.parquet.sealing import sealer

ERRORS = {"no room": errno.ENOSPC, "input or output": errno.EIO, "interrupted": errno.EINTR, "half a write": 0}


def fail_each(folder: Path, *, steps: int, every: int, seed: int) -> list[str]:
    """Lets calls fail, one in each run of the same program.

    Args:
        folder: To work in.
        steps: Of the recording process.
        every: 1 for every call, 10 for every tenth.
        seed: Decides what is recorded.
    """
    total = _run(folder, steps=steps, seed=seed, at=-1, error=0)
    return [fault for at in range(1 + seed % every, total + 1, every) for fault in _fail(folder, steps, seed, at)]


def _fail(folder: Path, steps: int, seed: int, at: int) -> Iterable[str]:
    for name, error in ERRORS.items():
        _run(folder, steps=steps, seed=seed, at=at, error=error)
        promises = read_promises((folder / "notes").read_bytes())
        found = ask(lambda: check(folder / "store", promises.kept, promises.begun))  # noqa: B023 - asked at once
        if promises.begun - promises.durable:
            found = [*found, "the process did not come to its end"]
        yield from (f"{name} at call {at} of seed {seed}: {fault}" for fault in found)


def _run(folder: Path, *, steps: int, seed: int, at: int, error: int) -> int:
    """Returns how many calls were made."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    reading, writing = os.pipe()

    def work() -> None:
        flusher._RETRY_S = sealer._RETRY_S = 0.001
        shim.arm(folder / "store", at=at, error=error)
        record(folder / "store", folder / "notes", seed=seed, steps=steps)
        os.write(writing, str(shim.calls()).encode())

    _, status = os.waitpid(fork(work), 0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        calls = int(pipe.read() or 0)
    assert status == 0, f"the recording process failed with {status} at call {at}"
    return calls
