"""Bars out of files: their interval, the two ends of their span, and when they were known."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from trading.events.base import BaseEvent
from trading.events.errors import ImportFileError
from trading.events.importing import MarketDataFile, RefusedRow
from trading.events.importing.events.bars import interval_of, shifted
from trading.events.market_data import BarEvent

NOON = datetime(2024, 1, 31, 12, tzinfo=UTC)


def write(folder: Path, *times: datetime | str, columns: str = "timestamp") -> Path:
    path = folder / "bars.csv"
    rows = [f"{time},1,3,1,2" for time in times]
    path.write_text("\n".join([f"{columns},open,high,low,close", *rows]))
    return path


def read(path: Path, **options: Any) -> list[BaseEvent | RefusedRow]:
    with MarketDataFile(path, exchange="x", symbol="A/B", event_type="bar", **options) as file:
        return list(file)


def bars(path: Path, **options: Any) -> list[BarEvent]:
    items = read(path, **options)
    assert all(isinstance(item, BarEvent) for item in items), items
    return [item for item in items if isinstance(item, BarEvent)]


def test_a_bar_is_known_when_its_span_is_over(tmp_path: Path) -> None:
    [bar] = bars(write(tmp_path, NOON), interval="5m")
    assert (bar.open_time, bar.close_time) == (NOON, NOON + timedelta(minutes=5))
    assert bar.timestamp == bar.close_time
    assert (bar.interval, bar.volume, bar.complete) == ("5m", None, True)


def test_the_interval_is_the_smallest_distance_of_the_first_bars(tmp_path: Path) -> None:
    times = [NOON, NOON + timedelta(minutes=10), NOON + timedelta(minutes=15), NOON + timedelta(minutes=15)]
    assert {bar.interval for bar in bars(write(tmp_path, *times))} == {"5m"}


def test_rows_without_a_time_do_not_hide_the_interval(tmp_path: Path) -> None:
    items = read(write(tmp_path, "never", NOON, "1,2", NOON + timedelta(hours=1)))
    assert [type(item) for item in items] == [RefusedRow, BarEvent, RefusedRow, BarEvent]
    assert [item.interval for item in items if isinstance(item, BarEvent)] == ["1h", "1h"]


@pytest.mark.parametrize("times", [[NOON], [NOON, NOON], [NOON, NOON + timedelta(days=29)], ["x", "y"]])
def test_an_interval_that_cannot_be_told_is_asked_for(tmp_path: Path, times: list[Any]) -> None:
    with pytest.raises(ImportFileError, match="how long its bars are cannot be told; give the interval, such as 1m"):
        read(write(tmp_path, *times))


def test_a_file_of_no_bars_needs_no_interval(tmp_path: Path) -> None:
    assert read(write(tmp_path)) == []


def test_a_time_column_may_be_said_to_be_the_end_of_the_span(tmp_path: Path) -> None:
    [bar] = bars(write(tmp_path, NOON), interval="1h", columns={"close_time": "timestamp"})
    assert (bar.open_time, bar.close_time, bar.timestamp) == (NOON - timedelta(hours=1), NOON, NOON)


def test_a_file_that_gives_both_ends_and_the_interval_is_believed(tmp_path: Path) -> None:
    path = tmp_path / "bars.csv"
    path.write_text(
        "open_time,close_time,interval,o,h,l,c,volume,trades\n"
        "2024-01-01 00:00:00,2024-01-01 00:00:59.999,1m,1,2,1,2,10.5,3\n"
    )
    [bar] = bars(path)
    assert bar.timestamp == bar.close_time == datetime(2024, 1, 1, 0, 0, 59, 999_000, tzinfo=UTC)
    assert (bar.interval, str(bar.volume), bar.trade_count) == ("1m", "10.5", 3)


def test_a_time_of_its_own_may_be_mapped(tmp_path: Path) -> None:
    path = write(tmp_path, f"{NOON},{NOON + timedelta(minutes=2)}", columns="timestamp,published")
    [bar] = bars(path, interval="1m", columns={"timestamp": "published"})
    assert (bar.close_time, bar.timestamp) == (NOON + timedelta(minutes=1), NOON + timedelta(minutes=2))


def test_impossible_bars_are_refused_with_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "bars.csv"
    path.write_text(f"time,open,high,low,close\n{NOON},1,2,3,1\n{NOON},9,2,1,1\n,1,1,1,1\n9999-12-31 23:59,1,1,1,1\n")
    assert [str(item.reason) for item in read(path, interval="1m") if isinstance(item, RefusedRow)] == [
        "high 2 is below low 3",
        "open 9 is outside low 1 to high 2",
        "open_time is empty",
        "'1m' is no interval that can be counted from 9999-12-31 23:59:00+00:00",
    ]


@pytest.mark.parametrize(
    ("interval", "count", "end"),
    [
        ("250ms", 1, NOON + timedelta(milliseconds=250)),
        ("15s", 1, NOON + timedelta(seconds=15)),
        ("4h", -1, NOON - timedelta(hours=4)),
        ("1d", 1, NOON + timedelta(days=1)),
        ("2w", 1, NOON + timedelta(days=14)),
        ("1M", 1, datetime(2024, 2, 29, 12, tzinfo=UTC)),
        ("1M", -1, datetime(2023, 12, 31, 12, tzinfo=UTC)),
        ("11M", 1, datetime(2024, 12, 31, 12, tzinfo=UTC)),
        ("1y", 1, datetime(2025, 1, 31, 12, tzinfo=UTC)),
    ],
)
def test_months_and_years_are_counted_by_the_calendar(interval: str, count: int, end: datetime) -> None:
    assert shifted(NOON, interval, count) == end


@pytest.mark.parametrize("interval", ["", "m", "5", "1x", "999999y"])
def test_what_is_no_interval_cannot_be_counted(interval: str) -> None:
    with pytest.raises(ValueError, match="is no interval that can be counted"):
        shifted(NOON, interval, 1)


@pytest.mark.parametrize(
    ("length", "interval"),
    [
        (timedelta(milliseconds=100), "100ms"),
        (timedelta(seconds=90), "90s"),
        (timedelta(minutes=60), "1h"),
        (timedelta(days=7), "1w"),
        (timedelta(days=28), None),
        (timedelta(microseconds=5), None),
    ],
)
def test_a_length_is_told_in_its_largest_whole_unit(length: timedelta, interval: str | None) -> None:
    assert interval_of(length) == interval
