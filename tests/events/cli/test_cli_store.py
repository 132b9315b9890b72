"""`trading-events inspect`, `query` and `replay`: what they say of a store."""

import csv
import io
import json
import re
import signal
import time
from datetime import timedelta
from pathlib import Path

import pytest

from tests.events.cli.program import run_program, start_program, store
from tests.support.classes.samples import MOMENT, SAMPLES, sample
from tests.support.recording import record
from trading.events.base import BaseEvent
from trading.events.cli import main
from trading.events.market_data import OrderBookEvent, QuoteEvent, TradeEvent
from trading.events.system import HeartbeatEvent

TRADES = [sample(TradeEvent, timestamp=MOMENT + timedelta(seconds=n), price=n + 1) for n in range(100)]
QUOTES = [sample(QuoteEvent, timestamp=MOMENT + timedelta(seconds=n), symbol="ETH/USDT") for n in range(3)]
HEARTBEAT = sample(HeartbeatEvent, timestamp=MOMENT + timedelta(days=1), exchange=None, symbol=None)
ALL = [*TRADES, *QUOTES, HEARTBEAT]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return store(tmp_path_factory.mktemp("store"), ALL)


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A store of which one file, that of the quotes, cannot be read."""
    path = store(tmp_path / "broken", ALL)
    [quotes] = path.rglob("quote_*.parquet")
    quotes.write_bytes(b"PAR1")
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> str:
    """Runs the command, which must end with this code and, where that is 0, without complaints."""
    assert main([str(argument) for argument in arguments]) == code
    captured = capsys.readouterr()
    if not code:
        assert captured.err == ""
    return captured.out


def test_inspect_shows_each_topic_and_the_whole(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    header, heartbeat, quote, trade, _, total = run(capsys, "inspect", recorded).splitlines()
    assert header.split()[:5] == ["event", "type", "exchange", "symbol", "events"]
    assert heartbeat.split()[:5] == ["heartbeat", "_", "_", "1", "1"]
    assert quote.split()[:5] == ["quote", "binance", "ETH/USDT", "3", "1"]
    assert trade.split()[:5] == ["trade", "binance", "BTC/USDT", "100", "1"]
    assert trade.endswith("2024-01-01 00:00:00  2024-01-01 00:01:39")
    assert total.startswith("104 events of 3 topics in 3 files, ")
    assert total.endswith(" bytes an event")


def test_inspect_as_json_says_the_same_in_full(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(run(capsys, "inspect", recorded, "--json", "--event", "trade"))
    [trade] = found["topics"]
    assert (found["events"], found["files"], found["size_bytes"]) == (100, 1, trade["size_bytes"])
    assert (trade["exchange"], trade["symbol"], trade["events"]) == ("binance", "BTC/USDT", 100)
    assert (trade["first"], trade["last"]) == ("2024-01-01T00:00:00+00:00", "2024-01-01T00:01:39+00:00")
    assert trade["size_bytes"] == sum(path.stat().st_size for path in recorded.rglob("trade_*.parquet"))


def test_inspect_says_when_there_is_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record(tmp_path, [])
    assert run(capsys, "inspect", tmp_path) == f"{tmp_path} is empty\n"


def test_inspect_warns_of_a_file_that_cannot_be_read_and_shows_the_others(
    broken: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", str(broken)]) == 1
    captured = capsys.readouterr()
    assert "101 events of 2 topics" in captured.out
    [warning] = captured.err.splitlines()
    assert warning.startswith(f"trading-events: warning: {broken}")
    assert "quote_binance_ETHUSDT" in warning


def test_query_shows_a_table_of_what_each_event_says(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    header, first, *_ = run(capsys, "query", recorded, "--limit", 3).splitlines()
    assert header.split() == ["timestamp", "event", "type", "exchange", "symbol", "what", "it", "says"]
    assert first.split()[:6] == ["2024-01-01", "00:00:00", "trade", "binance", "BTC/USDT", "trade_id=t-1"]
    assert "price=1 quantity=0.1 side=buy local_timestamp=2024-01-01 00:01:00" in first
    assert "exchange_timestamp" not in first


def test_query_shows_50_events_in_a_table_unless_told_otherwise(
    recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["query", str(recorded)]) == 0
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == 51
    assert captured.err == "(the first 50 of 104 events; --limit 0 for all)\n"
    assert len(run(capsys, "query", recorded, "--limit", 0).splitlines()) == 105


def test_query_chooses_by_time_type_exchange_and_symbol(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def count(*arguments: str) -> int:
        return len(run(capsys, "query", recorded, "--format", "jsonl", *arguments).splitlines())

    assert count() == 104
    assert count("--start", "2024-01-01T00:00:10", "--end", "2024-01-01T00:00:20") == 10
    assert count("--start", "2024-01-01T01:00:10+01:00", "--end", "2024-01-01T00:00:20Z") == 10
    assert count("--event", "quote", "--event", "heartbeat") == 4
    assert count("--exchange", "binance", "--symbol", "ETH/USDT") == 3


def test_json_lines_are_the_events_themselves(
    recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "trades.jsonl"
    assert run(capsys, "query", recorded, "--event", "trade", "--format", "jsonl", "--output", path) == ""
    lines = path.read_text().splitlines()
    assert [TradeEvent.model_validate_json(line) for line in lines] == TRADES


def test_csv_has_the_fields_of_every_type_in_the_range(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    book = sample(OrderBookEvent, metadata={"a": [1]})
    path = store(tmp_path, [book, TRADES[0]])
    rows = list(csv.DictReader(io.StringIO(run(capsys, "query", path, "--format", "csv"))))
    by_type = {row["event_type"]: row for row in rows}
    assert by_type["trade"]["price"] == "1"
    assert by_type["trade"]["bids"] == by_type["orderbook"]["price"] == ""
    assert json.loads(by_type["orderbook"]["bids"]) == json.loads(book.model_dump_json())["bids"]
    assert json.loads(by_type["orderbook"]["metadata"]) == {"a": [1]}


def test_a_text_never_controls_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = store(tmp_path, [sample(TradeEvent, trade_id="\x1b[31mred")])
    assert r"trade_id='\x1b[31mred'" in run(capsys, "query", path)


@pytest.mark.parametrize("cls", SAMPLES, ids=lambda cls: cls.__name__)
def test_events_of_every_type_can_be_shown(
    cls: type[BaseEvent], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    event = sample(cls, metadata={"note": "escape \x1b[31m " + "x" * 100})
    path = store(tmp_path, [event])
    shown = run(capsys, "query", path)
    assert f" {event.event_type} " in shown
    assert "\x1b" not in shown
    assert "x" * 50 not in shown


@pytest.mark.parametrize("style", ["table", "csv", "jsonl"])
def test_query_shows_all_that_can_be_read_and_then_names_what_cannot(
    style: str, broken: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["query", str(broken), "--format", style, "--limit", "0"]) == 1
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == 101 + (style != "jsonl")
    assert captured.err.startswith(f"trading-events: error: {broken}")


def test_query_warns_of_what_cannot_be_read_beyond_what_it_shows(
    broken: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["query", str(broken)]) == 1
    first, warning = capsys.readouterr().err.splitlines()
    assert first == "(the first 50 of 101 events; --limit 0 for all)"
    assert "quote_binance_ETHUSDT" in warning


def test_replay_publishes_all_and_says_what_was_delivered(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = run(capsys, "replay", recorded, "--speed", "max")
    assert out.startswith("replayed 104 of 104 events in ")
    assert "time     2024-01-01 00:00:00 to 2024-01-02 00:00:00\n" in out
    assert [line.split() for line in out.splitlines()[3:6]] == [["trade", "100"], ["quote", "3"], ["heartbeat", "1"]]
    assert out.endswith("bus      104 published, 104 handled, 0 failed, 0 dropped\n")


def test_replay_chooses_like_query(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "replayed 3 of 3 events" in run(capsys, "replay", recorded, "--speed", "max", "--event", "quote")


def test_replay_keeps_the_timing_that_is_asked_for(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    began_s = time.monotonic()
    run(capsys, "replay", recorded, "--speed", "1000", "--event", "trade")
    assert time.monotonic() - began_s >= 0.099


def test_replay_says_how_late_events_were_where_they_had_a_time(
    recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    timed = run(capsys, "replay", recorded, "--speed", "100000", "--event", "trade")
    assert re.search(r"^late     half by \d+\.\d m?s, 99 % by \d+\.\d m?s, none by more than", timed, re.MULTILINE)
    assert "late" not in run(capsys, "replay", recorded, "--speed", "max")


def test_replay_of_a_broken_store_says_what_it_could_do(broken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", str(broken), "--speed", "max"]) == 1
    captured = capsys.readouterr()
    assert "replayed 101 of 101 events" in captured.out
    assert "quote_binance_ETHUSDT" in captured.err


def stopped_in_the_middle(*arguments: object) -> tuple[int, str, str]:
    """Runs the program with a line of progress, and interrupts it when that is drawn."""
    with start_program(*arguments, "--progress") as process:
        assert process.stderr is not None
        process.stderr.read(len("\rreplay  ["))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    return process.returncode, out, err


def test_ctrl_c_ends_a_replay_with_130_and_what_it_has_done(recorded: Path) -> None:
    code, out, err = stopped_in_the_middle("replay", recorded, "--speed", "0.001")
    assert code == 130
    assert err.endswith("trading-events: interrupted\n")
    replayed = re.match(r"replayed ([0-4]) of 104 events", out)
    assert replayed is not None, out
    assert f"bus      {replayed[1]} published, {replayed[1]} handled, 0 failed, 0 dropped\n" in out


def test_progress_is_not_shown_to_a_pipe_unless_asked(recorded: Path) -> None:
    assert run_program("replay", recorded, "--speed", "max")[2] == ""
    assert "0%  0 events" in run_program("replay", recorded, "--speed", "max", "--progress")[2]
    assert run_program("replay", recorded, "--speed", "max", "--no-progress")[2] == ""


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_default_store_is_data_events(capsys: pytest.CaptureFixture[str]) -> None:
    store(Path("data/events"), [HEARTBEAT])
    assert "1 event of 1 topic in 1 file" in run(capsys, "inspect")
