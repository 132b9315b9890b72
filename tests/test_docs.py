"""Every code block in the documents is run, or read by what it is written for; so are the examples in docstrings."""

import doctest
import importlib
import json
import os
import pkgutil
import re
import shlex
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

import trading.events
from tests.support.places import ROOT

DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob(".github/**/*.md")])
FENCE = re.compile(
    r"^ *```(?P<language>.*)\n(?P<code>(?s:.*?))^ *```$(\s*^ *```output\n(?P<output>(?s:.*?))^ *```$)?", re.MULTILINE
)
SHELL = ("console", "bash", "sh")
PROSE = ("text", "mermaid")
CHANGE = "diff"
DATA = {"toml": tomllib.loads, "json": json.loads}
SHORTER = {"demo": ["--events", "3000"]}
PROGRAMS_NOT_RUN = ("cargo", "cd", "git", "pip", "python", "source")


@dataclass(frozen=True)
class Block:
    """A fenced block, and the block of language `output` that may follow it: exactly what it prints."""

    place: str
    language: str
    code: str
    output: str | None

    def commands(self) -> list[list[str]]:
        """The words of each shell command: every line, or in a console those that follow a prompt."""
        lines = self.code.replace("\\\n", " ").splitlines()
        if self.language == "console":
            lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
        return [words for line in lines if (words := shlex.split(line, comments=True))]


def name_of(document: Path) -> str:
    """A document's path in the checkout."""
    return document.relative_to(ROOT).as_posix()


def blocks(document: Path, *languages: str) -> list[Block]:
    """A document's blocks in these languages, or in any."""
    text = document.read_text(encoding="utf-8") if document.exists() else ""
    return [
        Block(
            place=f"{name_of(document)}:{len(text[: found.start()].splitlines()) + 1}",
            language=found["language"],
            code=dedent(found["code"]),
            output=found["output"] and dedent(found["output"]),
        )
        for found in FENCE.finditer(text)
        if not languages or found["language"] in languages
    ]


def run(*command: str, cwd: Path) -> str:
    """What a command prints. This environment's programs come first, and a warning is an error."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = os.environ | {"PATH": path, "PYTHONWARNINGS": "error", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, f"{shlex.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


def each_block(*languages: str) -> pytest.MarkDecorator:
    """Runs a test once for every block in these languages, or in any."""
    found = [block for document in DOCUMENTS for block in blocks(document, *languages)]
    return pytest.mark.parametrize("block", found, ids=lambda block: block.place)


each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)


@each_document
def test_the_document_stands_and_every_fence_in_it_is_closed(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    closed = FENCE.sub("", text)
    assert text.startswith(("# ", "---\n"))
    assert "```" not in closed


def test_the_readme_has_a_python_example() -> None:
    assert blocks(ROOT / "README.md", "python")


@each_block()
def test_a_block_is_in_a_language_that_is_checked_here(block: Block) -> None:
    assert block.language in ("python", CHANGE, *SHELL, *PROSE, *DATA)


@each_block("python")
def test_a_python_example_is_a_whole_program_and_prints_what_stands_under_it(block: Block, tmp_path: Path) -> None:
    (tmp_path / "example.py").write_text(block.code, encoding="utf-8")
    printed = run(sys.executable, "example.py", cwd=tmp_path)
    assert block.output in (None, printed)


@each_document
def test_the_changes_that_a_document_shows_apply_to_the_checkout(document: Path) -> None:
    for block in blocks(document, CHANGE):
        command = ["git", "apply", "--check", "--unidiff-zero", "--recount", "-"]
        done = subprocess.run(command, cwd=ROOT, input=block.code, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{block.place}: {done.stderr}"


@each_document
def test_the_data_examples_of_a_document_are_well_formed(document: Path) -> None:
    for block in blocks(document, *DATA):
        DATA[block.language](block.code)


@each_document
def test_the_shell_commands_of_a_document_run_one_after_another(document: Path, tmp_path: Path) -> None:
    for block in blocks(document, *SHELL):
        for program, *arguments in block.commands():
            if program == "trading-events":
                run(program, *arguments, *SHORTER.get(arguments[0], []), cwd=tmp_path)
            elif program == "make":
                run("make", "--dry-run", "--directory", str(ROOT), *arguments, cwd=tmp_path)
            else:
                assert program in PROGRAMS_NOT_RUN, f"{block.place}: {program}"


def test_the_examples_in_docstrings_print_what_they_say() -> None:
    found = pkgutil.walk_packages(trading.events.__path__, "trading.events.")
    modules = [importlib.import_module(module.name) for module in found if not module.name.endswith("__main__")]
    assert [module.__name__ for module in modules if doctest.testmod(module).failed] == []
