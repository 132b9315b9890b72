"""A user's code under strict type checking: what is right passes, what is wrong is refused, by two checkers."""

import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.support.places import DATA

EXAMPLE = DATA / "typed_use.py"
CHECKERS = {
    "mypy": ["--strict", "--config-file="],
    "basedpyright": [f"--pythonpath={sys.executable}", "--level=error"],
}


@pytest.mark.parametrize("checker", CHECKERS)
def test_the_wrong_lines_of_a_users_code_are_refused_and_no_other(checker: str, tmp_path: Path) -> None:
    if find_spec(checker) is None:
        pytest.skip(f"{checker} is in the extra dev, which `make test` installs")
    shutil.copy(EXAMPLE, tmp_path / "example.py")
    (tmp_path / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}', encoding="utf-8")
    command = [sys.executable, "-m", checker, *CHECKERS[checker], "example.py"]
    printed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False).stdout
    refused = {int(line) for line in re.findall(r"example\.py:(\d+):.*?\berror\b", printed)}
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    assert refused == {number for number, line in enumerate(lines, start=1) if line.endswith("# refused")}, printed
