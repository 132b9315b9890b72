"""The power goes: what was synced is there, and of the rest anything that a file system may have kept.

A recording process runs below the shim, which logs its calls. Every beginning of that log is a moment at which the
power may have gone. Each is made into a folder, and a new process must find there what the old one had been promised.
"""

import os
import random
import shutil
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tests.support.children import ask, fork
from tests.system.crash import shim
from tests.system.crash.program import check, read_promises, record


class Call(NamedTuple):
    """One call: a kind as in `shim.c`, a path, another path or bytes, and a number."""

    kind: str
    path: str
    more: bytes
    number: int


@dataclass
class Content:
    """What a file holds, in the cache and on the disk."""

    cached: bytes = b""
    durable: bytes = b""


@dataclass
class Disk:
    """A file system after some calls."""

    cached: dict[str, Content | None] = field(default_factory=dict[str, Content | None])
    durable: dict[str, Content | None] = field(default_factory=dict[str, Content | None])
    waiting: list[tuple[str, str, Content | None]] = field(default_factory=list[tuple[str, str, Content | None]])
    """Changes of names that are not durable: the path that goes, the path that comes, and what it leads to."""

    def apply(self, call: Call) -> None:
        """Does what a call does."""
        content = self.cached.get(call.path)
        match call.kind:
            case "c" | "d":
                self._change("", call.path, Content() if call.kind == "c" else None)
            case "r":
                self._change(call.path, call.more.decode(), content)
            case "u":
                self._change(call.path, "", None)
            case "w" if content is not None:
                content.cached += call.more
            case "t" if content is not None:
                content.cached = content.cached[: call.number]
            case "s" if content is not None:
                content.durable = content.cached
            case "s":
                self._sync_names(call.path)
            case "S":
                for each in self.cached.values():
                    if each is not None:
                        each.durable = each.cached
                self._sync_names(None)

    def left(self, chance: random.Random | None) -> Iterator[tuple[str, bytes | None]]:
        """The files, with what they hold, and folders, after the power has gone; without a chance only what must be."""
        names = dict(self.durable)
        for going, coming, content in self.waiting[: chance.randint(0, len(self.waiting)) if chance else 0]:
            names.pop(going, None)
            if coming:
                names[coming] = content
        for path, content in names.items():
            if content is None:
                yield path, None
            elif chance is None or not content.cached.startswith(content.durable):
                yield path, content.durable
            else:
                yield path, content.cached[: chance.randint(len(content.durable), len(content.cached))]

    def _change(self, going: str, coming: str, content: Content | None) -> None:
        self.cached.pop(going, None)
        if coming:
            self.cached[coming] = content
        self.waiting.append((going, coming, content))

    def _sync_names(self, folder: str | None) -> None:
        waiting, self.waiting = self.waiting, []
        for change in waiting:
            going, coming, content = change
            if folder is not None and str(Path(coming or going).parent) != folder:
                self.waiting.append(change)
                continue
            self.durable.pop(going, None)
            if coming:
                self.durable[coming] = content


def lose_power(folder: Path, *, steps: int, states: int, seed: int) -> list[str]:
    """Records below the shim, and checks what is left at moments of it.

    Args:
        folder: To work in.
        steps: Of the recording process.
        states: How many moments are checked; 0 for each.
        seed: Decides everything.
    """
    chance = random.Random(seed)
    calls = _log_calls(folder, steps=steps, seed=seed)
    moments = range(1, len(calls) + 1)
    chosen = set(moments) if not states else set(chance.sample(moments, min(states, len(calls))))
    disk, faults = Disk(), list[str]()
    for moment, call in enumerate(calls, 1):
        disk.apply(call)
        if moment in chosen:
            for luck in (None, chance):
                found = _check(folder, disk, luck)
                how = "all luck" if luck is None else "some luck"
                faults += [f"power gone after call {moment} of seed {seed}, {how}: {fault}" for fault in found]
    return faults


def _log_calls(folder: Path, *, steps: int, seed: int) -> list[Call]:
    world = folder / "world"
    shutil.rmtree(world, ignore_errors=True)
    world.mkdir(parents=True)
    path = folder / "calls"
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644)

    def work() -> None:
        shim.arm(world, log=log)
        record(world / "store", world / "notes", seed=seed, steps=steps)

    _, status = os.waitpid(fork(work), 0)
    os.close(log)
    assert status == 0, f"the recording process failed with {status}"
    return list(_read_calls(path.read_bytes()))


def _read_calls(data: bytes) -> Iterator[Call]:
    at = 0
    while at < len(data):
        (length,) = struct.unpack_from("<I", data, at + 1)
        (more,) = struct.unpack_from("<I", data, middle := at + 5 + length)
        (number,) = struct.unpack_from("<q", data, middle + 4 + more)
        path = data[at + 5 : middle].decode().removesuffix("/")
        yield Call(chr(data[at]), path, data[middle + 4 : middle + 4 + more], number)
        at = middle + 12 + more


def _check(folder: Path, disk: Disk, chance: random.Random | None) -> list[str]:
    world, after = folder / "world", folder / "after"
    shutil.rmtree(after, ignore_errors=True)
    after.mkdir()
    for path, data in sorted(disk.left(chance)):
        place = after / Path(path).relative_to(world)
        if not place.parent.is_dir():
            continue
        if data is None:
            place.mkdir()
        else:
            place.write_bytes(data)
    notes = disk.cached.get(str(world / "notes"))
    promises = read_promises(notes.cached if notes else b"")
    return ask(lambda: check(after / "store", promises.durable, promises.begun))
