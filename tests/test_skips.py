"""What is not run is told of, and fails the run where nothing may be missing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.places import ROOT
from tests.support.skips import REQUIRE_ALL

SERVER = "there is no influxd here: apt-get install influxdb"
YOUNG = "eager tasks came with Python 3.12"


def run(folder: Path, reasons: tuple[str, ...], **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs tests, one of which passes."""
    tests = ["def test_that_passes():\n    pass\n"]
    tests += [f"@pytest.mark.skip({reason!r})\ndef test_{n}():\n    pass\n" for n, reason in enumerate(reasons)]
    (folder / "test_few.py").write_text("\n".join(["import pytest\n", *tests]))
    inherited = {name: value for name, value in os.environ.items() if name != REQUIRE_ALL}
    root = str(ROOT)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.support.skips", "-p", "no:cacheprovider", str(folder)],
        cwd=folder,
        env=inherited | {"PYTHONPATH": root, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("reasons", "environment", "status"),
    [
        ((YOUNG, SERVER, SERVER), {}, 0),
        ((YOUNG, SERVER, SERVER), {REQUIRE_ALL: "1"}, 1),
        ((YOUNG,), {REQUIRE_ALL: "1"}, 0),
    ],
    ids=["some", "some where nothing may be missing", "those that may"],
)
def test_the_last_lines_say_what_was_not_run_and_why(
    tmp_path: Path, reasons: tuple[str, ...], environment: dict[str, str], status: int
) -> None:
    """Turned red by: leaving the exit status as it is; an empty `ALLOWED`."""
    done = run(tmp_path, reasons, **environment)
    assert done.returncode == status, done.stdout + done.stderr
    *_, told = done.stdout.partition("tests that were not run")
    assert f"    1  {YOUNG}\n" in told
    assert (f"    2  {SERVER}" in told) == (SERVER in reasons)
    assert (REQUIRE_ALL in told) == bool(status)


def test_a_run_that_skips_nothing_says_nothing(tmp_path: Path) -> None:
    """Turned red by: a heading without lines under it."""
    done = run(tmp_path, (), **{REQUIRE_ALL: "1"})
    assert done.returncode == 0
    assert "not run" not in done.stdout
