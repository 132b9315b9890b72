"""A folder that is no store is refused by everything that reads or changes stores, and nothing is written into it."""

from collections import deque
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from tests.support.recording import read, record, ticks
from trading.events.cli import EXIT_FAILED, main
from trading.events.errors import StorePathError
from trading.events.persistence import EventReader, compact, remove_days, verify

OPENED: dict[str, Callable[[Path], object]] = {
    "EventReader": EventReader,
    "verify": lambda path: deque(verify(path), maxlen=0),
    "compact": compact,
    "remove_days": lambda path: remove_days(path, before=date(2024, 1, 1)),
}
COMMANDS = {
    "inspect": [],
    "query": [],
    "verify": [],
    "compact": [],
    "prune": ["--keep-days", "1"],
    "replay": ["redis://127.0.0.1:1"],
}


def nothing(path: Path) -> None:
    """There is no such folder."""


def a_file(path: Path) -> None:
    path.touch()


def an_empty_folder(path: Path) -> None:
    path.mkdir()


def other_files(path: Path) -> None:
    (path / "hostname").parent.mkdir()
    (path / "hostname").touch()


def folders_of_days_without_events(path: Path) -> None:
    (path / "2024" / "01" / "01").mkdir(parents=True)


NO_STORES = [nothing, a_file, an_empty_folder, other_files, folders_of_days_without_events]


@pytest.fixture(params=NO_STORES, ids=lambda make: make.__name__)
def no_store(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "place"
    request.param(path)
    return path


def contents(path: Path) -> list[Path]:
    return sorted(path.parent.rglob("*"))


@pytest.mark.parametrize("opened", OPENED)
def test_a_path_without_a_store_is_refused_and_left_as_it_is(no_store: Path, opened: str) -> None:
    before = contents(no_store)
    with pytest.raises(StorePathError, match=str(no_store)):
        OPENED[opened](no_store)
    assert contents(no_store) == before


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_says_that_there_is_no_store_and_fails(
    no_store: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(no_store)
    assert main([command, str(no_store), *COMMANDS[command]]) == EXIT_FAILED
    captured = capsys.readouterr()
    assert captured.out == ""
    [line] = captured.err.splitlines()
    assert line.startswith(f"trading-events: error: {no_store} ")
    assert contents(no_store) == before


def test_a_store_in_which_nothing_is_recorded_is_a_store(tmp_path: Path) -> None:
    record(tmp_path, [])
    for opened in OPENED.values():
        opened(tmp_path)
    assert read(tmp_path) == []


def test_days_that_were_copied_without_their_journal_are_a_store(tmp_path: Path) -> None:
    record(tmp_path / "whole", ticks(3))
    (tmp_path / "copy").mkdir()
    (tmp_path / "whole" / "2024").rename(tmp_path / "copy" / "2024")
    assert read(tmp_path / "copy") == ticks(3)
