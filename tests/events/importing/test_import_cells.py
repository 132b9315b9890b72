"""What a cell of a market data file is taken for."""

import math
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.events.importing.cells import (
    TimeUnit,
    read_double,
    read_integer,
    read_noisy_number,
    read_number,
    read_side,
    read_side_from_buyer_is_maker,
    read_time,
    shown,
)

NEW_YEAR = datetime(2021, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("0.000311", "0.000311"),
        (" 1.50 ", "1.50"),
        ("-37.63", "-37.63"),
        (".5", "0.5"),
        ("1e-8", "1E-8"),
        ("1.000000000000000001", "1.000000000000000001"),
        ("0.00031099999999999997", "0.00031099999999999997"),
        (Decimal("1.10"), "1.10"),
        (7, "7"),
        (0.00031099999999999997, "0.000311"),
        (0.0063289999999999996, "0.006329"),
        (0.1 + 0.2, "0.3"),
        (39432.48, "39432.48"),
        (2.0, "2"),
        (1e-8, "1E-8"),
        (float(2**53), "9007199254740992"),
        (1234567890123456.0, "1234567890123456"),
        (-0.1, "-0.1"),
    ],
)
def test_a_number_keeps_every_digit_that_the_file_is_sure_of(cell: object, text: str) -> None:
    assert str(read_number(cell)) == text


@given(st.integers(-(10**15) + 1, 10**15 - 1), st.integers(0, 12))
def test_a_double_gives_back_every_decimal_of_up_to_15_digits(mantissa: int, places: int) -> None:
    number = Decimal(mantissa).scaleb(-places)
    assert read_double(float(number)) == number


@given(st.floats(-1e300, 1e300))
def test_a_double_is_never_moved_by_more_than_its_own_noise(value: float) -> None:
    assert math.isclose(float(read_double(value)), value, rel_tol=1e-14)
    assert len(read_double(value).as_tuple().digits) <= 16


def test_text_of_doubles_is_rounded_only_when_asked() -> None:
    assert read_noisy_number("0.00031099999999999997") == Decimal("0.000311")
    assert read_noisy_number(Decimal("0.00031099999999999997")) == Decimal("0.00031099999999999997")


@pytest.mark.parametrize(
    "cell",
    [
        *("", "x", "1,234.5", "1_000", "1 2", "nan", "inf", "0x10", "١٢", "--1", "1e", "9" * 101, "1e99999", "\ud800"),
        *(True, None, math.nan, math.inf, {"a": 1}, [1], b"1"),
    ],
)
def test_what_is_no_number_is_refused_and_shown(cell: object) -> None:
    with pytest.raises(ValueError, match="is no number"):
        read_number(cell)


@pytest.mark.parametrize(("cell", "number"), [("5", 5), (5, 5), (5.0, 5), ("5.0", 5), (Decimal(5), 5), ("1e3", 1000)])
def test_a_whole_number_may_be_written_in_several_ways(cell: object, number: int) -> None:
    assert read_integer(cell) == number


@pytest.mark.parametrize("cell", ["5.5", "1e400", 0.5, Decimal("0.1")])
def test_a_number_that_is_not_whole_or_far_too_large_is_no_integer(cell: object) -> None:
    with pytest.raises(ValueError, match="is no whole number"):
        read_integer(cell)


@pytest.mark.parametrize(
    "cell",
    [
        "2021-01-01T00:00:00Z",
        "2021-01-01 00:00:00",
        "2021-01-01 00:00:00+00:00",
        "2021-01-01T01:00:00+01:00",
        "2021-01-01",
        "20210101 00:00:00.000",
        " 2021-01-01T00:00:00.000000 ",
        1609459200,
        "1609459200",
        1609459200000,
        1609459200000000,
        1609459200000000000,
        1609459200.0,
        "1609459200.000",
        Decimal(1609459200000),
        datetime(2021, 1, 1),
        datetime(2021, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))),
        date(2021, 1, 1),
    ],
    ids=repr,
)
def test_a_time_may_be_written_in_several_ways(cell: object) -> None:
    assert read_time(cell) == NEW_YEAR
    assert read_time(cell).tzinfo is UTC


@pytest.mark.parametrize(
    ("cell", "unit", "microseconds"),
    [
        ("1609459200.278", "auto", 278_000),
        ("1609459200278", "auto", 278_000),
        (1609459200278, "ms", 278_000),
        ("1609459200000001", "auto", 1),
        ("1609459200000001999", "ns", 1),
        ("2021-01-01T00:00:00.000001999", "auto", 1),
    ],
)
def test_microseconds_are_kept_and_what_is_finer_is_cut_off(cell: object, unit: TimeUnit, microseconds: int) -> None:
    assert read_time(cell, unit) == NEW_YEAR + timedelta(microseconds=microseconds)


@pytest.mark.parametrize(("unit", "seconds"), [("s", 5000.0), ("ms", 5.0), ("us", 0.005), ("ns", 0.000005)])
def test_a_declared_unit_reads_a_time_that_could_be_any(unit: TimeUnit, seconds: float) -> None:
    assert read_time(5000, unit) == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)


@pytest.mark.parametrize("cell", [5000, "20210101", 0, "1e30"])
def test_a_number_that_could_be_a_time_in_several_units_is_refused(cell: object) -> None:
    with pytest.raises(ValueError, match="give the time unit: s, ms, us or ns"):
        read_time(cell)


@pytest.mark.parametrize(
    "cell", ["", "yesterday", "2021-13-01", "0001-01-01T00:00:00+23:00", None, True, [1], math.nan]
)
def test_what_is_no_time_is_refused(cell: object) -> None:
    with pytest.raises(ValueError, match="is no time"):
        read_time(cell)


@pytest.mark.parametrize("cell", ["1e18", "1e9999", "99999999999999"])
def test_a_time_beyond_the_year_9999_is_refused(cell: object) -> None:
    with pytest.raises(ValueError, match="beyond the year 9999"):
        read_time(cell, "s")


@pytest.mark.parametrize(
    ("cell", "side"),
    [("buy", "buy"), ("SELL", "sell"), (" b ", "buy"), ("s", "sell"), ("bid", "buy"), ("a", "sell"), ("Ask", "sell")],
)
def test_a_side_has_several_names(cell: object, side: str) -> None:
    assert read_side(cell) == side


@pytest.mark.parametrize("cell", ["long", "", "1", None])
def test_what_is_no_side_is_refused(cell: object) -> None:
    with pytest.raises(ValueError, match="is no side"):
        read_side(cell)


@pytest.mark.parametrize(
    ("cell", "side"), [("True", "sell"), ("false", "buy"), (True, "sell"), (False, "buy"), (1, "sell")]
)
def test_where_the_buyer_was_the_maker_the_seller_took(cell: object, side: str) -> None:
    assert read_side_from_buyer_is_maker(cell) == side


def test_a_buyer_who_is_neither_maker_nor_taker_is_refused() -> None:
    with pytest.raises(ValueError, match="'maybe' is neither true nor false"):
        read_side_from_buyer_is_maker("maybe")


def test_a_value_is_shown_quoted_and_never_long() -> None:
    assert shown("a\nb\x1b\ud800") == r"'a\nb\x1b\ud800'"
    assert len(shown("x" * 1_000_000)) < 80
