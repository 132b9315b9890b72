"""A user's code under strict type checking: what is right passes, what is wrong is refused, by two checkers."""

import json
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parent / "data" / "typed_use.py"


def check(checker: str, *options: str, cwd: Path) -> str:
    """What a checker prints for a copy of the example, away from this project's own settings."""
    if find_spec(checker) is None:
        pytest.skip(f"{checker} is not installed: it is in the extra dev")
    shutil.copy(EXAMPLE, cwd / "example.py")
    command = [sys.executable, "-m", checker, *options, "example.py"]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False).stdout  # noqa: S603


def refused_lines() -> list[int]:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    return [number for number, line in enumerate(lines, start=1) if line.endswith("# refused")]


def test_mypy_refuses_the_wrong_lines_and_no_other(tmp_path: Path) -> None:
    printed = check("mypy", "--strict", "--config-file=", cwd=tmp_path)
    found = {int(line) for line in re.findall(r"^example\.py:(\d+): error:", printed, re.MULTILINE)}
    assert sorted(found) == refused_lines(), printed


def test_basedpyright_refuses_the_wrong_lines_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}', encoding="utf-8")
    printed = check("basedpyright", "--outputjson", f"--pythonpath={sys.executable}", cwd=tmp_path)
    errors = [entry for entry in json.loads(printed)["generalDiagnostics"] if entry["severity"] == "error"]
    assert sorted({entry["range"]["start"]["line"] + 1 for entry in errors}) == refused_lines(), printed
