"""One run of a command, interrupted at one moment, and what is wrong with how it ended."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.places import ROOT
from tests.system.interrupts.phase import Phase, phase, remaining

PROGRAMS = (
    (str(Path(sys.executable).with_name("trading-events")),),
    (sys.executable, "-m", "trading.events.cli"),
)
_WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated", signal.SIGHUP: "hung up"}
_WEIGHTS = (10, 2, 1)
_OUR_LINE = re.compile(rf'File "{re.escape(str(ROOT / "python"))}[^"]*", line (\d+)')
_TAKEN_BY_LINE = 16
"""The line of our first module by which it has an answer to Ctrl-C."""

_STARTS = re.compile(r"KeyboardInterrupt|\AFatal Python error: init_|\ACould not import runpy")
"""What the interpreter says of a Ctrl-C before it has come to our first line."""

_DRAWN_OVER = re.compile(r"[^\n]*\r")
_READER = (sys.executable, "-S", "-c", "import sys; [each for each in sys.stdin.buffer]")
_HUNG_S = 120.0
_KILLED_S = 10.0


@dataclass(frozen=True)
class Moment:
    """When and how a run is interrupted."""

    delay_s: float
    program: tuple[str, ...] = PROGRAMS[1]
    numbers: tuple[signal.Signals, ...] = (signal.SIGINT,)
    gaps_s: tuple[float, ...] = (0.0,)
    is_for_group: bool = False
    reader_goes: bool = False

    @classmethod
    def draw(cls, chance: random.Random, longest_s: float) -> "Moment":
        """Any moment of a run that takes so long: mostly one Ctrl-C, to the process or to its group."""
        count = chance.choice((1, 1, 1, 2, 3))
        return cls(
            delay_s=chance.uniform(0.0, longest_s),
            program=chance.choice(PROGRAMS),
            numbers=tuple(chance.choices(tuple(_WORDS), _WEIGHTS, k=count)),
            gaps_s=tuple(chance.choice((0.0, chance.uniform(0.0, 0.05))) for _ in range(count)),
            is_for_group=chance.choice((True, False)),
            reader_goes=chance.choice((True, False, False, False)),
        )


@dataclass
class Outcome:
    """How a run ended, what is wrong with that, and how long after the first signal it was."""

    kind: str
    faults: list[str] = field(default_factory=list)
    took_s: float = 0.0


def interrupt(arguments: Sequence[str], folder: Path, moment: Moment) -> Outcome:
    """Runs a command, interrupts it, and judges how it ended. What it left in its files is for others to judge."""
    with ExitStack() as stack:
        reader = stack.enter_context(subprocess.Popen([*_READER], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL))
        assert reader.stdin is not None
        process = start(moment.program, arguments, folder, stdout=reader.stdin.fileno())
        reader.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            process.wait(moment.delay_s)
        if moment.reader_goes:
            reader.kill()
        began_s = time.monotonic()
        before = phase(process.pid)
        _send(process, moment)
        after = phase(process.pid)
        code = _end(process)
        took_s = time.monotonic() - began_s
    outcome = _judge(code, (folder / "stderr").read_bytes().decode(), moment, before, after)
    outcome.took_s = took_s
    return outcome


def start(program: Sequence[str], arguments: Sequence[str], folder: Path, *, stdout: int) -> subprocess.Popen[bytes]:
    """Starts the command in a session of its own. Its temporary files and complaints go to the folder."""
    (folder / "tmp").mkdir(exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    with (folder / "stderr").open("wb") as stderr:
        return subprocess.Popen(
            [*program, *arguments], stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr,
            env=environment | {"TMPDIR": str(folder / "tmp")}, cwd=folder, start_new_session=True,
        )  # fmt: skip


def _send(process: subprocess.Popen[bytes], moment: Moment) -> None:
    for number, gap_s in zip(moment.numbers, moment.gaps_s, strict=True):
        if process.returncode is None:
            with suppress(ProcessLookupError):
                (os.killpg if moment.is_for_group else os.kill)(process.pid, number)
        if number is not moment.numbers[-1] and gap_s:
            with suppress(subprocess.TimeoutExpired):
                process.wait(gap_s)


def _end(process: subprocess.Popen[bytes]) -> int | None:
    try:
        return process.wait(_HUNG_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return None


def _judge(code: int | None, complaints: str, moment: Moment, before: Phase, after: Phase) -> Outcome:
    said = [line for line in _DRAWN_OVER.sub("", complaints).splitlines() if line.strip()]
    words = {128 + number: [f"trading-events: {_WORDS[number]}"] for number in moment.numbers}
    if code in words and said == words[code]:
        return Outcome("one word")
    if before is not Phase.READY and code in [-number for number in moment.numbers] and not said:
        return Outcome("by the signal")
    is_ours = any(int(line) > _TAKEN_BY_LINE for line in _OUR_LINE.findall(complaints))
    if before in (Phase.STARTING, Phase.IMPORTING) and _STARTS.search(complaints) and not is_ours:
        return Outcome("in the interpreter's start")
    if code == 0 and after is not Phase.READY and not said:
        return Outcome("too late")
    if code == 141 and moment.reader_goes and not said:
        return Outcome("no reader")
    return Outcome("WRONG", [f"exit code {code}, {before.name} and then {after.name}, said {complaints!r}"])


def wait_for_killed(folder: Path) -> list[str]:
    """Processes that still do something with the folder, some time after they should have been killed."""
    until_s = time.monotonic() + _KILLED_S
    while found := remaining(folder):
        if time.monotonic() > until_s:
            return [f"processes remain: {found}"]
        time.sleep(0.01)
    return []
