"""Streams: what `publish` has returned for is handled, none twice without a flag, whichever process is killed."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.places import ROOT
from tests.support.server.process import Server
from tests.system.chaos.test_chaos_streams import FAULTS

_STRIDE = 1_000_000
"""Between the first numbers of publishers: none publishes so many."""


@pytest.fixture
def hang_limit_s() -> float:
    return 120.0 + 5 * FAULTS


class Program:
    """A process, with what it prints in a file."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        with (folder / "confirmed").open("ab") as output, (folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.system.chaos.program", *arguments],
                stdout=output,
                stderr=log,
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])},
            )

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


def lines_of(path: Path) -> list[tuple[int, ...]]:
    """The whole lines of a file, as numbers."""
    text = path.read_text() if path.exists() else ""
    return [tuple(map(int, line.split())) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def wait_until(condition: Callable[[], object]) -> None:
    while not condition():
        time.sleep(0.01)  # other processes: there is nothing to wait on


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """Runs the program, and kills what runs when the test ends."""
    running: list[Program] = []

    def start(*arguments: str) -> Program:
        running.append(Program(tmp_path, *arguments))
        return running[-1]

    yield start
    for program in running:
        program.kill()


def test_publishers_and_consumers_may_be_killed(
    tmp_path: Path, start_server: Callable[..., Server], run: Callable[..., Program]
) -> None:
    """Turned red by: acknowledging before the handler; printing before `publish` has returned."""
    chance = random.Random(23)
    server = start_server(appendonly="yes", appendfsync="always")
    handled, confirmed = tmp_path / "handled", tmp_path / "confirmed"
    consumer = run("consumer", server.url, str(handled))
    publisher = run("publisher", server.url, "0")
    struck = {"publisher": 0, "consumer": 0, "server": 0}
    for fault in range(1, max(4, FAULTS // 4) + 1):
        before = [size_of(path) for path in (handled, confirmed)]
        wait_until(lambda before=before: size_of(handled) > before[0] and size_of(confirmed) > before[1])
        time.sleep(chance.uniform(0, 0.05))  # in the middle of whatever they do
        kind = ("publisher", "consumer", "server")[fault % 3]
        struck[kind] += 1
        if kind == "publisher":
            publisher.kill()
            publisher = run("publisher", server.url, str(fault * _STRIDE))
        elif kind == "consumer":
            consumer.kill()
            consumer = run("consumer", server.url, str(handled))
        else:
            server.kill()
            server.start()
    publisher.kill()
    promised = {number for (number,) in lines_of(confirmed)}
    wait_until(lambda: promised <= {number for number, _ in lines_of(handled)})
    consumer.kill()

    known, unflagged, last = set[int](), list[int](), dict[int, int]()
    for number, is_flagged in lines_of(handled):
        if number in known and not is_flagged:
            unflagged.append(number)
        if not is_flagged:
            assert number > last.get(number // _STRIDE, -1), "out of order"
            last[number // _STRIDE] = number
        known.add(number)
    twice = len(lines_of(handled)) - len(known)
    print(f"{struck} killed: {len(promised)} confirmed, {len(known)} handled, {twice} of them again and flagged")
    assert unflagged == []
