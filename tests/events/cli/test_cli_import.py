"""`trading-events import`: what it records, what it says, and how it ends."""

import csv
import re
import signal
import time
from pathlib import Path

import pytest

from tests.events.cli.program import run_program, start_program, stored
from trading.events.cli import main
from trading.events.market_data import BarEvent, TradeEvent
from trading.events.persistence import verify

HEADER = "timestamp,price,quantity"
GOOD = "2024-01-01T00:00:00Z,1.10,5"
BAD = "2024-01-01T00:00:00Z,abc,5"
NAMES = ("--exchange", "x", "--symbol", "A/B")


def write(folder: Path, *rows: str, header: str = HEADER) -> Path:
    path = folder / "trades.csv"
    path.write_text("\n".join([header, *rows]))
    return path


def run(folder: Path, *rows: str, options: tuple[str, ...] = ()) -> int:
    path = write(folder, *rows)
    return main(["import", str(path), "--store", str(folder / "store"), *NAMES, *options])


def test_the_events_of_a_file_are_in_the_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, GOOD, GOOD.replace("00:00:00", "00:00:01")) == 0
    events = stored(tmp_path / "store")
    assert [(event.topic, event.timestamp.second) for event in events] == [("events.trade.x.A/B", s) for s in (0, 1)]
    captured = capsys.readouterr()
    assert re.search(r"trades.csv -> .*store: 2 trade events from 2 rows, 0 refused, in \d", captured.out)
    assert "time     2024-01-01 00:00:00 to 2024-01-01 00:00:01" in captured.out
    assert "columns  timestamp=timestamp, price=price, quantity=quantity" in captured.out
    assert captured.err == ""


def test_a_file_that_is_in_the_store_is_refused_with_when_and_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Turned red by: an import that reads no note; a refusal without the time."""
    assert run(tmp_path, GOOD) == 0
    capsys.readouterr()
    assert run(tmp_path, GOOD) == 1
    said = capsys.readouterr()
    assert re.search(
        r"trades.csv: it was imported into this store on \d{4}-\d\d-\d\d at \d\d:\d\d:\d\d UTC, all its 1 events; "
        r"to record all its events from the first on, import it with again=True \(--again\)",
        said.err,
    )
    assert said.out == ""
    assert len(stored(tmp_path / "store")) == 1


def test_told_so_it_records_every_event_again(tmp_path: Path) -> None:
    """Turned red by: `--again` that goes on behind the last event."""
    assert run(tmp_path, GOOD) == 0
    assert run(tmp_path, GOOD, options=("--again",)) == 0
    assert len({event.event_id for event in stored(tmp_path / "store")}) == 2
    assert run(tmp_path, GOOD) == 1


def test_a_refused_row_is_named_the_others_are_recorded_and_the_end_is_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, GOOD, BAD, GOOD) == 1
    captured = capsys.readouterr()
    assert captured.err == "line 3: price: 'abc' is no number\n"
    assert "2 trade events from 2 rows, 1 refused" in captured.out
    assert len(stored(tmp_path / "store")) == 2


def test_bad_rows_may_be_skipped(tmp_path: Path) -> None:
    assert run(tmp_path, GOOD, BAD, options=("--skip-bad",)) == 0


def test_of_many_refused_rows_the_first_ten_are_named_and_all_are_written_to_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rejects = tmp_path / "rejects.csv"
    assert run(tmp_path, *[BAD] * 25, options=("--rejects", str(rejects))) == 1
    assert capsys.readouterr().err.splitlines()[9:] == ["line 11: price: 'abc' is no number", "... and 15 more"]
    with rejects.open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["line", "rows", "reason"]
    assert rows[-1] == ["26", "1", "price: 'abc' is no number"]
    assert len(rows) == 26


def test_every_option_reaches_the_file(tmp_path: Path) -> None:
    path = tmp_path / "bars"
    path.write_text("5000;1;2;1;0.00031099999999999997\n")
    options = ["--header", "began, o,h,l,last", "--delimiter", ";", "--time-unit", "s", "--interval", "4h"]
    options += ["--event", "bar", "--map", "open_time=began", "--map", "close=last", "--text-holds-doubles"]
    assert main(["import", str(path), "--store", str(tmp_path / "store"), *NAMES, *options]) == 1
    path.write_text("5000;1;2;0;0.00031099999999999997\n")
    assert main(["import", str(path), "--store", str(tmp_path / "store"), *NAMES, *options]) == 0
    [bar] = stored(tmp_path / "store")
    assert isinstance(bar, BarEvent)
    assert (bar.open_time.hour, bar.interval, str(bar.close)) == (1, "4h", "0.000311")


def test_a_tab_may_be_written_as_backslash_t(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD.replace(",", "\t"), header=HEADER.replace(",", "\t"))
    assert main(["import", str(path), "--store", str(tmp_path / "s"), *NAMES, "--delimiter", r"\t"]) == 0


@pytest.mark.parametrize(
    ("options", "code", "reason"),
    [
        (("--map", "prise=price"), 1, "its columns do not tell what it holds"),
        (("--event", "trade", "--map", "prise=price"), 1, "there is no field 'prise' to map"),
        (("--event", "trade", "--map", "price=px"), 1, "has no column 'px' for price"),
        (("--map", "price=price", "--map", "price=quantity"), 2, "--map gives price more than one column"),
        (("--event", "quote"), 1, "has no column for bid or ask, which quote events need"),
        (("--symbol", "*"), 1, "the symbol cannot be '*'"),
        (("--rejects", "/dev/null/no"), 1, "/dev/null/no"),
    ],
)
def test_what_cannot_be_imported_leaves_no_store_and_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], code: int, reason: str
) -> None:
    assert run(tmp_path, GOOD, options=options) == code
    captured = capsys.readouterr()
    assert reason in captured.err
    assert captured.out == ""
    assert not (tmp_path / "store").exists()


def test_a_file_that_breaks_off_leaves_what_came_before_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, *[GOOD] * 5_000, "x" * (5 << 20))
    assert main(["import", str(path), "--store", str(tmp_path / "store"), *NAMES]) == 1
    captured = capsys.readouterr()
    assert "trades.csv: line 5,002 is longer than" in captured.err
    assert "5,000 trade events from 5,000 rows, 0 refused" in captured.out
    assert len(stored(tmp_path / "store")) == 5_000


def test_progress_is_shown_when_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, *[GOOD] * 3_000, options=("--progress",)) == 0
    assert re.search("import trades.csv  ━* +[0-9]+%  [0-9,]+ rows", capsys.readouterr().err)


def test_ctrl_c_ends_an_import_with_130_and_the_store_holds_what_was_said(tmp_path: Path) -> None:
    path = write(tmp_path, *[GOOD] * 300_000)
    with start_program("import", path, "--store", tmp_path / "store", *NAMES, "--progress") as process:
        assert process.stderr is not None
        process.stderr.read(1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert process.returncode == 130, err
    assert err.endswith("trading-events: interrupted\n")
    said = re.search(r"([\d,]+) trade events from", out)
    assert said is not None
    count = int(said[1].replace(",", ""))
    assert 0 < count < 300_000
    events = stored(tmp_path / "store")
    assert len(events) == count
    assert all(isinstance(event, TradeEvent) for event in events)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_import_that_was_stopped_goes_on_where_it_stopped(tmp_path: Path, number: int) -> None:
    """Turned red by: counting nothing when the store is opened; skipping a batch more, or one less."""
    rows = [f"2024-01-{1 + n % 3:02}T00:00:{n % 60:02}Z,1.10,{n + 1}" for n in range(40_000)]
    path, store = write(tmp_path, *rows), tmp_path / "store"
    arguments = ("import", path, "--store", store, *NAMES, "--progress")
    for _ in range(3):
        with start_program(*arguments) as process:
            assert process.stderr is not None
            process.stderr.read(1)
            while process.poll() is None and not is_recording(store):
                time.sleep(0.001)
            process.send_signal(number)
            out, err = process.communicate()
        assert process.returncode != 0, err
        if number == signal.SIGINT:
            assert "not all  import the same file again, and it goes on from here" in out
    _, out, _ = run_program(*arguments)
    assert re.search(r"resumed  behind [\d,]+ events that are in the store since 20", out)
    assert quantities(store) == list(range(1, len(rows) + 1))
    assert not list(verify(store))


def is_recording(store: Path) -> bool:
    """Whether the newest segment has rows."""
    return any(path.stat().st_size > 1_000 for path in (store / "_journal").glob("*.segment"))


def quantities(store: Path) -> list[int]:
    return sorted(int(event.quantity) for event in stored(store) if isinstance(event, TradeEvent))
