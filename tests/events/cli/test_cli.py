"""The command `trading-events` as a whole: help, exit codes, errors, and the end of its reader's patience."""

import os
import pkgutil
import re
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.events.cli.program import run_program, store
from tests.support.classes.samples import sample
from trading.events import cli
from trading.events.cli import commands, main
from trading.events.cli.commands import inspect_store
from trading.events.errors import StorePathError
from trading.events.market_data import TradeEvent

COMMANDS = ("demo", "import", "inspect", "query", "replay")


def exit_code(*arguments: str) -> object:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    return caught.value.code


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("--help") == 0
    text = capsys.readouterr().out
    assert all(re.search(rf"^ +{command} +\w", text, re.MULTILINE) for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_has_examples_that_it_understands(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(command, "--help") == 0
    text = capsys.readouterr().out.replace("\\\n", "")
    examples = re.findall(rf"^  trading-events {command}(.*?)(?:  +\w.*)?$", text, re.MULTILINE)
    assert len(examples) >= 2
    for example in examples:
        cli._parser().parse_args([command, *example.split()])


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("--version") == 0
    assert re.fullmatch(r"trading-events \d+\.\d+\.\d+\n", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["fly"], "invalid choice: 'fly'"),
        (["inspect", "--start", "today"], "'today' is no ISO 8601 time, such as 2024-01-01T09:30"),
        (["inspect", "--end", "0001-01-01T00:00+23:00"], "is no ISO 8601 time"),
        (["query", "--limit", "-1"], "'-1' is no whole number from 0 on"),
        (["query", "--limit", "9" * 30], "is no whole number"),
        (["query", "--event", "Bad.type"], "argument --event: "),
        (["query", "--exchange", "a.b"], "argument --exchange: "),
        (["query", "--symbol", "*"], "argument --symbol: "),
        (["query", "--format", "xml"], "invalid choice: 'xml'"),
        (["replay", "--speed", "0"], "'0' is no speed; it is a factor above zero, or max"),
        (["replay", "--speed", "inf"], "'inf' is no speed"),
        (["replay", "--speed", "fast"], "'fast' is no speed"),
        (["import"], "the following arguments are required: FILE"),
        (["import", "f", "--map", "price"], "'price' is not of the form field=column"),
        (["import", "f", "--map", "=x"], "'=x' is not of the form field=column"),
        (["import", "f", "--event", "order_filled"], "invalid choice: 'order_filled'"),
    ],
)
def test_wrong_arguments_end_with_2_and_say_why(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(*arguments) == 2
    assert reason in capsys.readouterr().err


def test_a_range_that_ends_before_it_starts_is_a_wrong_argument(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "--start", "2024-01-02", "--end", "2024-01-01"]) == 2
    assert "--end 2024-01-01T00:00:00+00:00 is before --start" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["inspect", "query", "replay"])
def test_an_error_is_one_line_and_ends_with_1(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, str(tmp_path / "none")]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert re.fullmatch(r"trading-events: error: .*none does not exist[^\n]*\n", captured.err)


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    with pytest.raises(StorePathError):
        main(["inspect", str(tmp_path / "none"), "--debug"])


def test_ctrl_c_ends_with_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(inspect_store, "run", interrupt)
    assert main(["inspect"]) == 130
    assert capsys.readouterr().err == "trading-events: interrupted\n"


def test_a_reader_who_goes_away_ends_it_quietly(tmp_path: Path) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    with os.fdopen(write_end, "wb") as nobody:
        code, _, complaints = run_program("query", store(tmp_path, [sample(TradeEvent)]), stdout=nobody)
    assert (code, complaints) == (141, "")


def test_what_the_terminal_cannot_say_is_escaped(tmp_path: Path) -> None:
    store(tmp_path, [sample(TradeEvent, symbol="日本")])
    code, text, _ = run_program("inspect", tmp_path, env=os.environ | {"PYTHONIOENCODING": "ascii:strict"})
    assert code == 0
    assert r"\u65e5\u672c" in text


def test_the_module_runs_as_a_program() -> None:
    assert run_program("--version")[:2] == (0, f"trading-events {version('trading-events')}\n")


def test_every_module_of_the_commands_folder_is_in_the_table() -> None:
    """Turned red by: leaving a command out of the table."""
    modules = {f"commands.{each.name}" for each in pkgutil.iter_modules(commands.__path__)}
    assert modules == set(cli._COMMANDS) - {"demo"}
