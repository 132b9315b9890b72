"""A selection that nothing matches is told of, with the nearest of the names that the store has."""

import csv
import json
from pathlib import Path

import pytest

from tests.events.cli.program import store
from tests.support.classes.samples import sample
from trading.events.cli import main
from trading.events.market_data import QuoteEvent, TradeEvent

NOTHING = "trading-events: nothing matches"
COMMANDS = [
    ["inspect"],
    ["inspect", "--json"],
    ["query"],
    ["query", "--format", "csv"],
    ["query", "--format", "jsonl"],
    ["replay", "--speed", "max"],
]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return store(tmp_path_factory.mktemp("no_match"), [sample(TradeEvent), sample(QuoteEvent, symbol="ETH/USDT")])


def is_nothing(out: str) -> bool:
    """Whether no event was printed; JSON says so."""
    return not out or json.loads(out) == {"events": 0, "files": 0, "size_bytes": 0, "topics": []}


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (["--event", "trad"], [f"{NOTHING}: the store has no event type 'trad'; did you mean trade?"]),
        (["--exchange", "binanse"], [f"{NOTHING}: the store has no exchange 'binanse'; did you mean binance?"]),
        (["--symbol", "BTCUSDT"], [f"{NOTHING}: the store has no symbol 'BTCUSDT'; did you mean BTC/USDT?"]),
        (["--symbol", "AAPL"], [f"{NOTHING}: the store has no symbol 'AAPL'"]),
        (
            ["--event", "tick", "--exchange", "binanse"],
            [
                f"{NOTHING}: the store has no event type 'tick'",
                f"{NOTHING}: the store has no exchange 'binanse'; did you mean binance?",
            ],
        ),
    ],
)
def test_a_name_that_the_store_does_not_have_is_an_error_with_the_nearest_that_it_has(
    recorded: Path, command: list[str], arguments: list[str], lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    name, *options = command
    assert main([name, str(recorded), *options, *arguments]) == 1
    told = capsys.readouterr()
    assert told.err == "".join(f"{line}\n" for line in lines)
    assert is_nothing(told.out)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("arguments", [["--start", "2030-01-01"], ["--event", "trade", "--symbol", "ETH/USDT"]])
def test_names_that_the_store_has_and_nothing_matches_are_no_error(
    recorded: Path, command: list[str], arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    name, *options = command
    assert main([name, str(recorded), *options, *arguments]) == 0
    told = capsys.readouterr()
    assert told.err == f"{NOTHING}\n"
    assert is_nothing(told.out)


HOSTILE = "red \x1b[31m bell \x07 next\u0085 csi \u009b0m left \u202e del \x7f tag \U000e0041 end"


@pytest.mark.parametrize("style", ["table", "csv", "jsonl"])
def test_nothing_in_an_event_acts_on_the_terminal(
    tmp_path: Path, style: str, capsys: pytest.CaptureFixture[str]
) -> None:
    event = sample(TradeEvent, trade_id=HOSTILE, symbol="BTC\u202eUSDT", metadata={HOSTILE: [HOSTILE, "a\nb"]})
    path = store(tmp_path, [event])
    assert main(["query", str(path), "--format", style]) == 0
    assert main(["inspect", str(path)]) == 0
    out = capsys.readouterr().out
    assert not any(char in out for char in HOSTILE if not char.isprintable())
    lines = out.split("\n")
    if style == "jsonl":
        assert TradeEvent.model_validate(json.loads(lines[0])) == event


def test_a_file_of_csv_holds_the_texts_as_they_are_and_what_is_shown_keeps_all_that_is_harmless(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    harmless = "tab\t line\n no-break\xa0 wide\u3000 joined \U0001f468\u200d\U0001f469"
    path = store(tmp_path, [sample(TradeEvent, trade_id=HOSTILE), sample(TradeEvent, trade_id=harmless)])
    csv_file = tmp_path / "trades.csv"
    assert main(["query", str(path), "--format", "csv", "--output", str(csv_file)]) == 0
    with csv_file.open(encoding="utf-8", newline="") as file:
        assert [row["trade_id"] for row in csv.DictReader(file)] == [HOSTILE, harmless]
    assert main(["query", str(path), "--format", "csv"]) == 0
    assert harmless in capsys.readouterr().out
