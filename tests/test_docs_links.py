"""Links between documents lead somewhere, and so do the names of files and folders in them."""

import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from .test_docs import DOCUMENTS, FENCE, ROOT, blocks, each_document, name_of

LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
PATH = re.compile(r"(?<![\w./<>-])(?:\.?[\w-]+/)*[\w.~-]+\.(?:rs|pyi?|toml|md|ya?ml|svg)\b(?![/<])")
FOLDER = re.compile(r"(?<![\w./<>-])(?:[\w.-]+/)+(?![\w<{*~])")
TOP = ("rust/", "python/", "tests/", "docs/", "benchmarks/", "typings/", ".github/", ".ci/")
NOT_OURS = {".git", ".venv", ".venvs", "target", "__pycache__", "node_modules"}
FOR_DEVELOPERS = [
    document
    for document in DOCUMENTS
    if name_of(document).startswith("docs/develop/") or document.name in {"ARCHITECTURE.md", "CONTRIBUTING.md"}
]
LONGEST_README_LINES = 150


def prose(document: Path) -> str:
    """A document's text without its blocks."""
    return FENCE.sub("", document.read_text(encoding="utf-8"))


@cache
def anchors(document: Path) -> frozenset[str]:
    """What a link can name in a document: its headings, as a forge spells them."""
    spelled = [
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in HEADING.findall(prose(document))
    ]
    return frozenset(spelled)


@cache
def everything() -> frozenset[str]:
    """Every file and folder of the checkout; a folder's name ends in a slash."""
    found = set[str]()
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in NOT_OURS]
        here = Path(folder).relative_to(ROOT)
        found.update((here / name).as_posix() for name in files)
        found.update(f"{(here / name).as_posix()}/" for name in folders)
    return frozenset(found)


def is_there(name: str) -> bool:
    """Whether a file or folder ends in these steps."""
    return name.rstrip("/") in NOT_OURS or any(path == name or path.endswith(f"/{name}") for path in everything())


def code_of(document: Path) -> Iterator[str]:
    """What stands in backticks, and in blocks that are for the eye."""
    yield from CODE.findall(prose(document))
    yield from (line for block in blocks(document, "text") for line in block.code.splitlines())


@each_document
def test_every_link_leads_somewhere(document: Path) -> None:
    for target in LINK.findall(CODE.sub("", prose(document))):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        path = (document.parent / name).resolve() if name else document
        assert path.exists(), target
        assert path.is_relative_to(ROOT), target
        assert not anchor or anchor in anchors(path), target


@each_document
def test_paths_from_the_root_exist(document: Path) -> None:
    for text in CODE.findall(prose(document)):
        if text.startswith(TOP) and "<" not in text and " " not in text:
            assert (ROOT / text).exists(), text


@pytest.mark.parametrize("document", FOR_DEVELOPERS, ids=name_of)
def test_files_and_folders_that_a_page_for_developers_names_exist(document: Path) -> None:
    named = {name for text in code_of(document) for pattern in (PATH, FOLDER) for name in pattern.findall(text)}
    assert sorted(name for name in named if not is_there(name)) == []


def test_every_page_is_in_the_index() -> None:
    index = ROOT / "docs" / "README.md"
    linked = {target.partition("#")[0] for target in LINK.findall(index.read_text(encoding="utf-8"))}
    pages = {path.relative_to(index.parent).as_posix() for path in index.parent.glob("*/*.md")}
    assert pages - linked == set()


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= LONGEST_README_LINES


def test_names_of_files_are_found_in_text() -> None:
    assert PATH.findall("`queue/overflow.rs`, lib.rs and a.b; transport/<name>/bus.py") == [
        "queue/overflow.rs",
        "lib.rs",
    ]
    assert FOLDER.findall("rust/core/   what; persistence/{replay,schema}/ and publish/subscribe") == ["rust/core/"]
    assert is_there("core/src/lib.rs")
    assert not is_there("src/lib.py")


@each_document
def test_modules_that_are_run_exist(document: Path) -> None:
    """Turned red by: `python -m` with the name that a module had before it was moved."""
    for name in re.findall(r"python -m ((?:tests|benchmarks|trading)[\w.]*)", document.read_text(encoding="utf-8")):
        path = ("python/" if name.startswith("trading") else "") + name.replace(".", "/")
        assert f"{path}.py" in everything() or f"{path}/__main__.py" in everything(), name
