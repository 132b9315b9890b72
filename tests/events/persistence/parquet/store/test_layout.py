"""Where events lie: names that are safe, and never shared."""

import string
from datetime import date
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.events.persistence.names import (
    QUOTES,
    name_part,
    read_part_name,
    spell_event_type,
    spell_exchange,
    spell_symbol,
)
from trading.events.persistence.parquet.store.layout import day_folder, list_days, list_parts

_ANY_TEXT = st.text(max_size=20) | st.text(min_size=80, max_size=400) | st.text("AaBb/+@~_.-USDT", max_size=10)

_SAFE = set(string.ascii_letters + string.digits + "+-.@~_")


def _as_stored_ignoring_case(spelling: str) -> str:
    return spelling.casefold()


@pytest.mark.parametrize(
    ("symbol", "spelling"),
    [
        ("BTC/USDT", "BTCUSDT"),
        ("BTCUSDT", "BTCUSDT+"),
        ("BT/CUSDT", "BT+2fCUSDT"),
        ("btc/usdt", "BTCUSDT@"),
        ("btcusdt", "BTCUSDT+@"),
        ("EUR/USD", "EURUSD"),
        ("USD/TUSD", "USDTUSD"),
        ("USDT/USD", "USDT+2fUSD"),
        ("BTC/USDT:USDT", "BTC+2fUSDT+3aUSDT"),
        ("AAPL", "AAPL"),
        ("USDT", "USDT"),
        ("/USDT", "+2fUSDT"),
        ("BRK.B", "BRK.B"),
        ("BTC-PERP", "BTC-PERP"),
        ("stETH", "+73+74ETH"),
        ("..", ".."),
        ("a/../b", "A+2f..+2fB@"),
        ("ES Z4 [mini]", "ES+20Z4+20+5b+6d+69+6e+69+5d"),
        ("沪", "+e6+b2+aa"),
        ("", "+"),
        (None, ""),
    ],
)
def test_a_symbol_has_the_spelling_that_the_layout_documents(symbol: str | None, spelling: str) -> None:
    assert spell_symbol(symbol) == spelling


@pytest.mark.parametrize(
    ("exchange", "spelling"),
    [
        ("binance", "binance"),
        ("NYSE", "nyse@"),
        ("Binance", "+42inance"),
        ("../../etc", "+2e+2e+2f+2e+2e+2fetc"),
        ("coinbase-pro", "coinbase-pro"),
        ("_", "+5f"),
        (None, ""),
    ],
)
def test_an_exchange_has_the_spelling_that_the_layout_documents(exchange: str | None, spelling: str) -> None:
    assert spell_exchange(exchange) == spelling


@given(_ANY_TEXT | st.none(), _ANY_TEXT | st.none())
def test_two_symbols_never_share_a_spelling_even_where_case_is_ignored(one: str | None, other: str | None) -> None:
    same = _as_stored_ignoring_case(spell_symbol(one)) == _as_stored_ignoring_case(spell_symbol(other))
    assert same == (one == other)


@given(_ANY_TEXT | st.none(), _ANY_TEXT | st.none())
def test_two_exchanges_never_share_a_spelling_even_where_case_is_ignored(one: str | None, other: str | None) -> None:
    same = _as_stored_ignoring_case(spell_exchange(one)) == _as_stored_ignoring_case(spell_exchange(other))
    assert same == (one == other)


@given(st.text("ABSTUDC", min_size=1, max_size=6), st.sampled_from(QUOTES))
def test_a_pair_and_all_its_splittings_have_spellings_of_their_own(base: str, quote: str) -> None:
    joined = base + quote
    symbols = [joined, *(f"{joined[:i]}/{joined[i:]}" for i in range(len(joined) + 1))]
    assert len({spell_symbol(symbol) for symbol in symbols}) == len(symbols)


def test_no_quote_currency_hides_one_that_ends_alike() -> None:
    assert list(QUOTES) == sorted(QUOTES, key=lambda quote: (-len(quote), quote))


_EVENT_TYPES = st.from_regex("[a-z][a-z0-9_]{0,120}", fullmatch=True)


@given(_EVENT_TYPES, _ANY_TEXT | st.none(), _ANY_TEXT | st.none(), st.integers(1, 10**9))
def test_a_file_name_is_one_safe_component_of_at_most_255_bytes(
    event_type: str, exchange: str | None, symbol: str | None, number: int
) -> None:
    name = str(name_part(event_type, exchange, symbol, number=number))

    assert len(name.encode()) <= 255
    assert set(name) <= _SAFE
    assert PurePosixPath(name).name == name
    assert name.endswith(".parquet")


def test_the_longest_file_name_has_at_most_255_bytes() -> None:
    assert len(str(name_part("t" * 300, "€" * 300, "€" * 300, number=10**10 - 1))) <= 255


@given(_EVENT_TYPES, _ANY_TEXT | st.none(), _ANY_TEXT | st.none(), st.integers(1, 10**9))
def test_a_file_name_says_which_spellings_and_which_part_it_has(
    event_type: str, exchange: str | None, symbol: str | None, number: int
) -> None:
    name = name_part(event_type, exchange, symbol, number=number)

    assert read_part_name(str(name)) == name
    assert name == (spell_event_type(event_type), spell_exchange(exchange), spell_symbol(symbol), number)


def test_the_first_part_has_the_plain_name_and_later_ones_a_number() -> None:
    assert str(name_part("tick", "binance", "BTC/USDT")) == "tick_binance_BTCUSDT.parquet"
    assert str(name_part("tick", "binance", "BTC/USDT", number=2)) == "tick_binance_BTCUSDT~2.parquet"
    assert str(name_part("heartbeat", None, None)) == "heartbeat__.parquet"


@pytest.mark.parametrize("name", ["tick.parquet", "tick_binance.parquet", "a_b_c~0.parquet", "Tick_a_B.parquet", "x"])
def test_a_name_that_no_store_gives_is_told_apart(name: str) -> None:
    assert read_part_name(name) is None


def test_a_day_is_a_folder_in_a_folder_in_a_folder() -> None:
    assert day_folder(Path("data"), date(2024, 1, 1)) == Path("data/2024/01/01")
    assert day_folder(Path("data"), date(1, 12, 31)) == Path("data/0001/12/31")


def test_days_are_listed_in_order_and_everything_else_is_left_alone(tmp_path: Path) -> None:
    days = [date(1, 1, 1), date(2023, 12, 31), date(2024, 2, 29), date(2024, 10, 1)]
    for day in reversed(days):
        day_folder(tmp_path, day).mkdir(parents=True)
    for stranger in ["2023/02/29", "2024/1/1", "_journal", "2024/13/01", "notes", "٢٠٢٤/01/01"]:
        (tmp_path / stranger).mkdir(parents=True)
    (tmp_path / "2025").touch()

    assert list_days(tmp_path) == days


def test_only_visible_parquet_files_are_parts(tmp_path: Path) -> None:
    for name in ["b.parquet", "a.parquet", "_manifest", ".hidden.parquet", "a.parquet.tmp", "a.csv"]:
        (tmp_path / name).touch()

    assert [path.name for path in list_parts(tmp_path)] == ["a.parquet", "b.parquet"]
