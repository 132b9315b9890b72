"""Every Python example of the README and the guide passes mypy and pyright as it stands."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec

import pytest

from tests.support.places import ROOT
from tests.test_docs import Block, blocks

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs" / "guide").glob("*.md"))]
EXAMPLES = [block for document in DOCUMENTS for block in blocks(document, "python")]
CHECKERS = {
    "mypy": ["--strict", "--config-file=", "--disable-error-code=import-untyped"],
    "basedpyright": [f"--pythonpath={sys.executable}", "--level=error"],
}
OF_OTHERS = ("MissingTypeStubs", "UnknownMemberType", "UnknownVariableType", "UnknownArgumentType")
"""What strict checking says of packages without types, such as pyarrow."""

SETTINGS = json.dumps({"typeCheckingMode": "strict"} | {f"report{name}": False for name in OF_OTHERS})


@pytest.fixture(scope="session")
def printed_by(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, list[str]]]:
    """What a checker says of each example; all examples are checked at once."""

    @cache
    def ask(checker: str) -> dict[str, list[str]]:
        folder = tmp_path_factory.mktemp(checker)
        (folder / "pyrightconfig.json").write_text(SETTINGS, encoding="utf-8")
        names = {f"example_{number}.py": block for number, block in enumerate(EXAMPLES)}
        for name, block in names.items():
            (folder / name).write_text(block.code, encoding="utf-8")
        command = [sys.executable, "-m", checker, *CHECKERS[checker], *names]
        printed = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout
        assert "example_" in printed or "no issues found" in printed or "0 errors" in printed, printed
        shutil.rmtree(folder)
        return {block.place: [line for line in printed.splitlines() if name in line] for name, block in names.items()}

    return ask


@pytest.mark.parametrize("checker", CHECKERS)
@pytest.mark.parametrize("block", EXAMPLES, ids=lambda block: block.place)
def test_an_example_passes_a_type_checker(
    block: Block, checker: str, printed_by: Callable[[str], dict[str, list[str]]]
) -> None:
    if find_spec(checker) is None:
        pytest.skip(f"{checker} is in the extra dev, which `make test` installs")
    assert printed_by(checker)[block.place] == []
