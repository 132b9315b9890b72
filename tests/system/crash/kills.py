"""Processes killed while they record: at random microseconds, and at named points."""

import os
import random
import shutil
import signal
import time
from pathlib import Path
from typing import Any

from tests.support.children import ask, fork
from tests.system.crash.program import check, read_promises, record
from trading.events.persistence.parquet.sealing import sealer, sealing
from trading.events.persistence.parquet.store import durable_files as folder
from trading.events.persistence.parquet.store import manifest
from trading.events.persistence.parquet.upkeep import compaction

POINTS = {
    "while a segment is sealed": (sealer, "seal_segment"),
    "while segments are sealed together": (sealer, "seal_together"),
    "at a file that is written": (sealing, "write_part"),
    "at a rename": (Path, "rename"),
    "at the manifest that is written": (sealing, "prepare_manifest"),
    "at the sync before the commit": (sealing, "sync_files"),
    "at the commit": (sealing, "commit_manifest"),
    "at a new day": (sealing, "replace_manifest"),
    "between commit and removal": (Path, "unlink"),
    "at a synced folder": (folder, "sync_folder"),
    "at a synced name": (manifest, "sync_folder"),
    "while files are merged": (compaction, "write_part"),
    "at the sync of merged files": (compaction, "sync_files"),
    "at the commit of merged files": (compaction, "commit_manifest"),
}
_STEPS = 1_000
_HEADER_BYTES = 32
_MOST_TORN_BYTES = 60
_STORE_KILLS = 10
"""So many processes are killed in one store before it is left for a new one."""


def kill_many(folder: Path, *, kills: int, seed: int) -> list[str]:
    """Kills processes and returns what was wrong with what they left."""
    chance = random.Random(seed)
    faults: list[str] = []
    for kill in range(kills):
        store, notes = folder / "store", folder / "notes"
        if kill % _STORE_KILLS == 0:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        point = chance.choice([None, None, *POINTS])
        how = _kill_one(store, notes, chance, point)
        _tear(store, chance)
        promises = read_promises(notes.read_bytes() if notes.exists() else b"")
        found = ask(lambda: check(store, promises.kept, promises.begun))  # noqa: B023 - asked at once
        faults += [f"kill {kill} of seed {seed}, {how}: {fault}" for fault in found]
    shutil.rmtree(folder, ignore_errors=True)
    return faults


def _kill_one(store: Path, notes: Path, chance: random.Random, point: str | None) -> str:
    seed = chance.randrange(2**32)
    delay_s = chance.uniform(0.0, 0.15)
    if point is None:
        child = fork(lambda: record(store, notes, seed=seed, steps=_STEPS))
        time.sleep(delay_s)
        os.kill(child, signal.SIGKILL)
        how = f"after {delay_s * 1e6:.0f} us"
    else:
        count, after = chance.randrange(1, 8), chance.random() < 0.5
        child = fork(lambda: _record_and_die(store, notes, seed, point, count, is_after=after))
        how = f"{point}, {'after' if after else 'before'} call {count}"
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or status == 0, f"the recording process failed {how}"
    return how


def _record_and_die(store: Path, notes: Path, seed: int, point: str, count: int, *, is_after: bool) -> None:
    owner, name = POINTS[point]
    real = getattr(owner, name)
    left = [count]

    def die(*args: Any, **more: Any) -> Any:
        left[0] -= 1
        if left[0] <= 0 and not is_after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*args, **more)
        if left[0] <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, die)
    record(store, notes, seed=seed, steps=60)


def _tear(store: Path, chance: random.Random) -> None:
    """Leaves now and then a part of a frame, or of a header, as a process does that dies in the middle of a write."""
    segments = sorted((store / "_journal").glob("*.segment")) if store.is_dir() else []
    if segments and chance.random() < 0.2:
        size_bytes = segments[-1].stat().st_size
        most = _MOST_TORN_BYTES if size_bytes >= _HEADER_BYTES else _HEADER_BYTES - size_bytes - 1
        with segments[-1].open("ab") as segment:
            segment.write(chance.randbytes(chance.randint(min(1, most), most)))
