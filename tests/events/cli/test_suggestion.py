"""Suggestions for names that nothing has."""

import pytest

from trading.events._models.suggestion import suggest

KNOWN = ["trade", "tick", "quote", "order_filled", "order_submitted", "BTC/USDT", "ETH/USDT", "binance"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("trades", "; did you mean trade?"),
        ("Tick", "; did you mean tick?"),
        ("orderFilled", "; did you mean order_filled?"),
        ("BTCUSDT", "; did you mean BTC/USDT?"),
        ("BTC/USD", "; did you mean BTC/USDT?"),
        ("order_fill", "; did you mean order_filled?"),
        ("trad", "; did you mean trade?"),
        ("binanse", "; did you mean binance?"),
        ("kraken", ""),
        ("", ""),
        ("/", ""),
    ],
)
def test_the_nearest_names_are_suggested_whatever_their_case_and_separators(name: str, expected: str) -> None:
    assert suggest(name, KNOWN) == expected


def test_there_is_nothing_to_suggest_where_nothing_is_known() -> None:
    assert suggest("trade", []) == ""
