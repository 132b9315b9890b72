"""How the command line prints: numbers, tables, and the line of progress."""

import io
from datetime import UTC, datetime

import pytest

from trading.events.cli import progress
from trading.events.cli.formats import as_bytes, as_duration, as_time, counted, table
from trading.events.cli.progress import ProgressLine


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    """Stands for the module `time`: a second passes whenever it is asked."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def monotonic(self) -> float:
        self.now_s += 1.0
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    monkeypatch.setenv("COLUMNS", "80")
    return clock


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"), (5 << 20, "5.0 MiB"), (3 << 50, "3072.0 TiB")],
)
def test_bytes_are_told_in_their_fitting_unit(count: int, text: str) -> None:
    assert as_bytes(count) == text


def test_a_count_has_its_noun_in_the_plural_where_it_must_be() -> None:
    assert [counted(count, "row") for count in (0, 1, 2_000)] == ["0 rows", "1 row", "2,000 rows"]


def test_a_time_is_told_without_its_zone_which_is_utc() -> None:
    assert as_time(datetime(2024, 1, 1, 1, 2, 3, 4, tzinfo=UTC)) == "2024-01-01 01:02:03.000004"


def test_a_duration_is_told_in_milliseconds_and_a_long_one_in_seconds() -> None:
    assert [as_duration(each) for each in (0, 1_234_000, 2_500_000_000)] == ["0.0 ms", "1.2 ms", "2.5 s"]


def test_columns_are_as_wide_as_they_must_be_and_numbers_stand_to_the_right() -> None:
    assert table(("name", "n"), [("a", "5"), ("longer", "1,000")], right=(1,)).splitlines() == [
        "name        n",
        "a           5",
        "longer  1,000",
    ]
    assert table(("name",), []) == "name"


@pytest.mark.usefixtures("clock")
def test_progress_says_how_far_how_many_and_how_fast() -> None:
    screen = Terminal()
    line = ProgressLine("import", "rows", stream=screen)
    line.update(50, fraction=0.5, note="2024")
    assert screen.getvalue() == "\rimport  [############............]  50%  50 rows  50/s  2024"


@pytest.mark.usefixtures("clock")
def test_progress_without_an_end_shows_no_bar() -> None:
    screen = Terminal()
    ProgressLine("demo", "events", stream=screen).update(1_500)
    assert screen.getvalue() == "\rdemo  1,500 events  1,500/s"


@pytest.mark.usefixtures("clock")
def test_a_shorter_line_covers_a_longer_one_and_the_end_wipes_it() -> None:
    screen = Terminal()
    with ProgressLine("x", "rows", stream=screen) as line:
        line.update(1_000, note="a long note")
        line.update(1, note="short")
    drawn = screen.getvalue().split("\r")[1:]
    assert len(drawn[1]) >= len(drawn[0])
    assert drawn[2:] == [" " * len(drawn[1].rstrip()), ""]


@pytest.mark.usefixtures("clock")
def test_progress_never_fills_more_than_a_line() -> None:
    screen = Terminal()
    ProgressLine("x" * 200, "rows", stream=screen).update(1)
    assert len(screen.getvalue()) == 80


def test_progress_is_drawn_at_most_ten_times_a_second(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    line = ProgressLine("x", "rows", stream=screen)
    line.update(1)
    monkeypatch.setattr(clock, "monotonic", lambda: clock.now_s + 0.05)
    line.update(2)
    assert screen.getvalue().count("\r") == 1


@pytest.mark.parametrize(
    ("shown", "terminal", "drawn"), [(None, True, True), (None, False, False), (True, False, True)]
)
@pytest.mark.usefixtures("clock")
def test_progress_is_shown_on_a_terminal_or_when_asked(*, shown: bool | None, terminal: bool, drawn: bool) -> None:
    screen = Terminal() if terminal else io.StringIO()
    with ProgressLine("x", "rows", shown=shown, stream=screen) as line:
        line.update(1)
    assert bool(screen.getvalue()) == drawn
