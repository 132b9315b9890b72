"""Nothing is lost or doubled, whatever moment a crash comes at: short runs with fixed seeds; `make crash` is long."""

import shutil
import subprocess
import sys

import pytest

NO_COMPILER = "there is no gcc here to compile the shim with: apt-get install gcc libc6-dev"
needs_compiler = pytest.mark.skipif(shutil.which("gcc") is None, reason=NO_COMPILER)


def run(*arguments: str) -> None:
    command = [sys.executable, "-m", "tests.system.crash", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.splitlines()[-1:]) == (0, ["0 faults"]), done.stdout + done.stderr


def test_processes_that_are_killed_lose_nothing_and_double_nothing() -> None:
    run("--kills", "8", "--seed", "1")


@needs_compiler
def test_what_was_flushed_is_there_when_the_power_has_gone() -> None:
    run("--power", "1", "--states", "6", "--seed", "2")


@needs_compiler
def test_a_call_that_fails_is_survived_and_costs_no_event() -> None:
    run("--faults", "1", "--every", "100", "--seed", "2")
