"""A command interrupted many times, each time in a fresh folder."""

import random
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from tests.system.interrupts.commands import Command, make_template, run_whole
from tests.system.interrupts.interrupt import Moment, interrupt, wait_for_killed

_T = TypeVar("_T")

_LONGER = 1.05


@dataclass
class Runs:
    """How the runs of a command ended."""

    kinds: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    slowest_s: float = 0.0

    def __str__(self) -> str:
        kinds = ", ".join(f"{kind} {count}" for kind, count in self.kinds.most_common())
        return f"{self.kinds.total()} interrupts: {kinds}; the slowest end took {self.slowest_s:.2f} s"


def interrupt_often(command: Command, work: Path, *, times: int, seed: int) -> Runs:
    """Interrupts a command so many times, at moments spread evenly over as long as it takes on this machine.

    Args:
        command: The command.
        work: A folder to work in.
        times: How often.
        seed: Where chance begins.
    """
    template = work / "template"
    if not template.exists():
        make_template(template)
    chance = random.Random(f"{seed} {command.name}")
    runs = Runs()
    longest_s = max(_in_new_folder(template, lambda folder: run_whole(command, folder)) for _ in range(2)) * _LONGER
    for number in range(times):
        moment = Moment.draw(chance, longest_s)

        def run(folder: Path, moment: Moment = moment) -> list[str]:
            outcome = interrupt(command.arguments_in(folder), folder, moment)
            runs.kinds[outcome.kind] += 1
            runs.slowest_s = max(runs.slowest_s, outcome.took_s)
            left = [str(path) for path in (folder / "tmp").iterdir()]
            found = outcome.faults + wait_for_killed(folder) + ([f"left: {left}"] if left else [])
            return [f"{fault} ({moment})" for fault in found + command.check(folder, template)]

        runs.faults += [
            f"{command.name}, interrupt {number} of seed {seed}: {each}" for each in _in_new_folder(template, run)
        ]
    return runs


def _in_new_folder(template: Path, run: Callable[[Path], _T]) -> _T:
    folder = template.with_name("run")
    shutil.copytree(template, folder)
    try:
        return run(folder)
    finally:
        shutil.rmtree(folder)
