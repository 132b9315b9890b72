"""How the command line prints: numbers, tables, and the line of progress."""

import io
from datetime import UTC, datetime

import pytest

from trading.events.cli import progress
from trading.events.cli.formats import as_bytes, as_duration, as_left, as_time, counted, table
from trading.events.cli.progress import ProgressLine
from trading.events.cli.screen import print_table, use_plain_text


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
    monkeypatch.setenv("NO_COLOR", "1")
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
    assert screen.getvalue() == f"\rimport  {'━' * 12}{' ' * 12}  50%  50 rows  50/s  0:01 left  2024"


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


def test_the_time_left_is_told_in_minutes_or_hours() -> None:
    assert [as_left(seconds) for seconds in (0, 61, 3_661)] == ["0:00", "1:01", "1:01:01"]


@pytest.mark.usefixtures("clock")
def test_markup_and_control_characters_in_progress_are_text() -> None:
    """Turned red by: a label or a note that `printable` has not seen."""
    screen = Terminal()
    ProgressLine("[red]\x1b[31m", "rows", stream=screen).update(1, note="\x1b]0;x\x07[bold]")
    assert screen.getvalue() == "\r[red]\\x1b[31m  1 rows  1/s  \\x1b]0;x\\x07[bold]"


@pytest.mark.usefixtures("clock")
def test_a_terminal_is_given_a_table_with_lines_in_its_width_and_markup_is_text() -> None:
    """Turned red by: a console with markup whose cells are plain strings."""
    screen = Terminal()
    print_table(("name", "n"), [("[red]a[/red] :smile:", "5"), ("x" * 100, "1,000")], right=(1,), stream=screen)
    lines = screen.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert "─" in lines[1]
    assert lines[2].startswith("[red]a[/red] :smile:")
    assert "\x1b" not in screen.getvalue()
    assert screen.getvalue().count("x") == 100


@pytest.mark.parametrize("is_plain", [True, False])
def test_styles_are_for_a_terminal_without_plain_and_no_color(
    monkeypatch: pytest.MonkeyPatch, *, is_plain: bool
) -> None:
    """Turned red by: `use_plain_text` without effect."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    screen, pipe = Terminal(), io.StringIO()
    try:
        use_plain_text(is_plain)
        for stream in (screen, pipe):
            print_table(("name", "n"), [("a", "5")], stream=stream)
    finally:
        use_plain_text(is_plain=False)
    assert pipe.getvalue() == "name  n\na     5\n"
    assert (screen.getvalue() == pipe.getvalue()) == is_plain
    assert ("\x1b[1m" in screen.getvalue()) != is_plain


def test_a_narrow_terminal_leaves_expendable_columns_out_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Turned red by: leaving a column out without the note."""
    monkeypatch.setenv("NO_COLOR", "1")
    header, row = ("name", "more", "when"), ("x" * 20, "y" * 20, "2024-01-01 10:00:00")
    shown: list[str] = []
    for columns in ("80", "40"):
        monkeypatch.setenv("COLUMNS", columns)
        screen = Terminal()
        print_table(header, [row], wrapped=(2,), expendable=(1,), stream=screen)
        shown.append(screen.getvalue())
    assert ("y" * 20 in shown[0], "also shows" in shown[0]) == (True, False)
    assert ("y" * 20 in shown[1], "also shows: more)" in " ".join(shown[1].split())) == (False, True)
    assert all("x" * 20 in each and "10:00:00" in each for each in shown)
