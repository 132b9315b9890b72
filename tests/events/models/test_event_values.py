"""What an event takes as a value, what it makes of it, and what it refuses and why."""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.support.classes.samples import LATER, MOMENT, sample
from trading.events.base import BaseEvent
from trading.events.market_data import BarEvent, OrderBookEvent, QuoteEvent, TickEvent, TradeEvent
from trading.events.order import (
    OrderAcceptedEvent,
    OrderCancelledEvent,
    OrderFilledEvent,
    OrderRejectedEvent,
    OrderSubmittedEvent,
)
from trading.events.portfolio import PortfolioValueEvent, RiskLimitEvent
from trading.events.position import PositionClosedEvent, PositionModifiedEvent, PositionOpenedEvent
from trading.events.system import ConnectionEvent, HeartbeatEvent


def levels(*prices: object, quantity: object = 1) -> list[dict[str, object]]:
    return [{"price": price, "quantity": quantity} for price in prices]


def case_id(value: Any) -> str:
    return value.__name__ if isinstance(value, type) else ",".join(value) if isinstance(value, dict) else value


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


REFUSED: list[tuple[type[BaseEvent], dict[str, Any], str]] = [
    # names
    (TickEvent, {"exchange": ""}, "exchange .* cannot be an exchange: it is blank"),
    (TickEvent, {"exchange": "bin*"}, r"exchange .* reserved character '\*'"),
    (TickEvent, {"exchange": "bin?"}, r"exchange .* reserved character '\?'"),
    (TickEvent, {"exchange": "a.b"}, r"exchange .* reserved character '\.'"),
    (TickEvent, {"exchange": "_"}, "exchange .* stands for none"),
    (TickEvent, {"exchange": "a\nb"}, r"exchange .* control character U\+000A"),
    (TickEvent, {"symbol": ""}, "symbol .* cannot be a symbol: it is blank"),
    (TickEvent, {"symbol": "  "}, "symbol .* it is blank"),
    (TickEvent, {"symbol": "BTC*"}, r"symbol .* reserved character '\*'"),
    (TickEvent, {"symbol": "_"}, "symbol .* stands for none"),
    (TickEvent, {"symbol": "\ud800"}, "symbol .* surrogates not allowed"),
    (TickEvent, {"raw_symbol": ""}, "raw_symbol .* at least 1 character"),
    (TickEvent, {"event_id": ""}, "event_id .* at least 1 character"),
    (TickEvent, {"event_id": "\ud800"}, "event_id .* unicode"),
    (TradeEvent, {"trade_id": ""}, "trade_id .* at least 1 character"),
    (OrderSubmittedEvent, {"order_id": ""}, "order_id .* at least 1 character"),
    (OrderSubmittedEvent, {"client_order_id": ""}, "client_order_id .* at least 1 character"),
    (OrderSubmittedEvent, {"client_order_id": None}, "client_order_id .* valid string"),
    (OrderSubmittedEvent, {"order_type": ""}, "order_type .* at least 1 character"),
    (OrderAcceptedEvent, {"venue_order_id": ""}, "venue_order_id .* at least 1 character"),
    (OrderRejectedEvent, {"reason": ""}, "reason .* at least 1 character"),
    (OrderFilledEvent, {"fill_id": ""}, "fill_id .* at least 1 character"),
    (PositionOpenedEvent, {"position_id": ""}, "position_id .* at least 1 character"),
    (PortfolioValueEvent, {"portfolio_id": ""}, "portfolio_id .* at least 1 character"),
    (RiskLimitEvent, {"limit_name": ""}, "limit_name .* at least 1 character"),
    (ConnectionEvent, {"component": ""}, "component .* at least 1 character"),
    # choices
    (TickEvent, {"event_type": "trade"}, "event_type .* should be 'tick'"),
    (TradeEvent, {"side": "bid"}, "side .* 'buy' or 'sell'"),
    (OrderSubmittedEvent, {"side": "long"}, "side .* 'buy' or 'sell'"),
    (OrderFilledEvent, {"liquidity": "both"}, "liquidity .* 'maker' or 'taker'"),
    (PositionOpenedEvent, {"side": "buy"}, "side .* 'long' or 'short'"),
    (RiskLimitEvent, {"status": "ok"}, "status .* 'normal', 'warning' or 'breached'"),
    (ConnectionEvent, {"status": "up"}, "status .* 'connecting', 'connected', 'disconnected' or 'reconnecting'"),
    (OrderBookEvent, {"kind": "full"}, "kind .* 'snapshot' or 'delta'"),
    (BarEvent, {"interval": "1min"}, "interval .* pattern"),
    (BarEvent, {"interval": "0m"}, "interval .* pattern"),
    (BarEvent, {"interval": "m"}, "interval .* pattern"),
    (BarEvent, {"interval": "1m\n"}, "interval .* pattern"),
    # money and quantities
    (TickEvent, {"bid": "NaN"}, "bid .* finite"),
    (TickEvent, {"bid": Decimal("sNaN")}, "bid .* finite"),
    (TickEvent, {"bid": float("inf")}, "bid .* finite"),
    (TickEvent, {"bid": True}, "bid .* Decimal input should be"),
    (TickEvent, {"bid": "fifty"}, "bid .* valid decimal"),
    (TickEvent, {"volume": -1}, "volume .* greater than or equal to 0"),
    (TradeEvent, {"quantity": 0}, "quantity .* greater than 0"),
    (TradeEvent, {"quantity": "-0.1"}, "quantity .* greater than 0"),
    (QuoteEvent, {"bid_quantity": -1}, "bid_quantity .* greater than or equal to 0"),
    (QuoteEvent, {"ask_quantity": -1}, "ask_quantity .* greater than or equal to 0"),
    (QuoteEvent, {"bid": None}, "bid_quantity 1 without a bid"),
    (QuoteEvent, {"ask": None}, "ask_quantity 2 without an ask"),
    (OrderSubmittedEvent, {"quantity": 0}, "quantity .* greater than 0"),
    (PositionOpenedEvent, {"quantity": 0}, "quantity .* greater than 0"),
    (PositionModifiedEvent, {"quantity": -2}, "quantity .* greater than or equal to 0"),
    (PositionClosedEvent, {"quantity": 0}, "quantity .* greater than 0"),
    (OrderCancelledEvent, {"remaining_quantity": -1}, "remaining_quantity .* greater than or equal to 0"),
    # counts and seconds
    (QuoteEvent, {"sequence": True}, "sequence .* valid integer"),
    (QuoteEvent, {"sequence": -1}, "sequence .* greater than or equal to 0"),
    (QuoteEvent, {"sequence": 2**63}, "sequence .* less than or equal to 9223372036854775807"),
    (BarEvent, {"trade_count": 1.0}, "trade_count .* valid integer"),
    (HeartbeatEvent, {"interval_s": 0}, "interval_s .* greater than 0"),
    (HeartbeatEvent, {"interval_s": True}, "interval_s .* valid number"),
    (HeartbeatEvent, {"interval_s": float("nan")}, "interval_s .* finite"),
    # bars
    (BarEvent, {"high": 3}, "high 3 is below low 4"),
    (BarEvent, {"open": 10}, "open 10 is outside low 4 to high 9"),
    (BarEvent, {"open": 3}, "open 3 is outside low 4 to high 9"),
    (BarEvent, {"close": 10}, "close 10 is outside low 4 to high 9"),
    (BarEvent, {"close": "3.99"}, "close 3.99 is outside low 4 to high 9"),
    (BarEvent, {"open_time": LATER, "close_time": MOMENT}, "close_time .* is before open_time"),
    # books
    (OrderBookEvent, {"bids": levels(5, -1, quantity=-1)}, "bids.0.quantity .* greater than or equal to 0"),
    (OrderBookEvent, {"bids": levels(4, 5)}, "bids of a snapshot are not best first: 4 stands before 5"),
    (OrderBookEvent, {"asks": levels(7, 6)}, "asks of a snapshot are not best first: 7 stands before 6"),
    (OrderBookEvent, {"bids": levels(5, "5.0")}, "bids name the price 5.0 twice"),
    (OrderBookEvent, {"kind": "delta", "asks": levels(6, 7, 6)}, "asks name the price 6 twice"),
    (OrderBookEvent, {"asks": levels(6, quantity=0)}, "asks of a snapshot have quantity 0 at 6"),
    (OrderBookEvent, {"bids": [{"price": 5, "quantity": 1, "orders": 2}]}, "bids.0.orders .* not permitted"),
    # fills
    (OrderFilledEvent, {"cumulative_quantity": 5}, "cumulative_quantity 5 is above order_quantity 4: filled above"),
    (OrderFilledEvent, {"quantity": "3.5"}, "quantity 3.5 is above cumulative_quantity 3, which includes it"),
    (OrderFilledEvent, {"remaining_quantity": 2}, "3 and remaining_quantity 2 do not add up to order_quantity 4"),
    (
        OrderFilledEvent,
        {"order_quantity": 10**40, "cumulative_quantity": 10**40 - 2, "remaining_quantity": 1},
        "do not add up to order_quantity",
    ),
    (OrderFilledEvent, {"remaining_quantity": -1}, "remaining_quantity .* greater than or equal to 0"),
    (OrderFilledEvent, {"fee_currency": None}, "fee -0.001 without its fee_currency"),
    # times
    (PositionClosedEvent, {"open_time": LATER, "close_time": MOMENT}, "close_time .* is before open_time"),
    (TickEvent, {"timestamp": "yesterday"}, "timestamp .* valid datetime"),
    (TickEvent, {"timestamp": True}, "timestamp .* valid datetime"),
    (TickEvent, {"timestamp": pd.NaT}, "timestamp .* NaTType"),
    (
        TickEvent,
        {"timestamp": datetime.min.replace(tzinfo=timezone(timedelta(hours=1)))},
        "no UTC time between the years",
    ),
    (TickEvent, {"exchange_timestamp": None}, "exchange_timestamp .* valid datetime"),
    # metadata
    (TickEvent, {"metadata": None}, "metadata .* valid dictionary"),
    (TickEvent, {"metadata": {1: 2}}, "metadata.1 .* valid string"),
    (TickEvent, {"metadata": {"a": Decimal(1)}}, "metadata.a .* valid JSON value"),
    (TickEvent, {"metadata": {"a": float("nan")}}, "metadata.a.float .* finite"),
    (TickEvent, {"metadata": {"a": "\ud800"}}, "metadata .* JSON cannot hold it: .* surrogates not allowed"),
    (TickEvent, {"metadata": {"a": nested(200)}}, "metadata .* JSON cannot hold it: .* recursion limit"),
    (TickEvent, {"metadata": {"a": 10**5000}}, "metadata .* JSON cannot hold it: .* out of range"),
]


@pytest.mark.parametrize(("cls", "changes", "words"), REFUSED, ids=case_id)
def test_an_impossible_value_is_refused_with_the_reason(
    cls: type[BaseEvent], changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        sample(cls, **changes)
    said = [f"{'.'.join(map(str, error['loc']))} {error['msg']}" for error in refused.value.errors()]
    pattern = words.replace(" .* ", ".* .*")
    assert any(re.search(pattern, line, re.DOTALL) for line in said), said


POSSIBLE: list[tuple[type[BaseEvent], dict[str, Any]]] = [
    (TickEvent, {"bid": 6, "ask": 5}),
    (TickEvent, {"bid": "-37.63", "ask": "-37.62", "last": "-37.63"}),
    (TickEvent, {"bid": None, "ask": None, "last": None, "volume": None}),
    (TickEvent, {"volume": 0}),
    (TickEvent, {"symbol": "ES Z4 [mini]/BRK.B"}),
    (QuoteEvent, {"bid": 6, "ask": 5}),
    (QuoteEvent, {"bid": None, "bid_quantity": None}),
    (QuoteEvent, {"bid_quantity": 0, "ask_quantity": None}),
    (TradeEvent, {"price": "-37.63", "side": None, "trade_id": None}),
    (BarEvent, {"open": 5, "high": 5, "low": 5, "close": 5, "close_time": MOMENT}),
    (BarEvent, {"open": -2, "high": -1, "low": -4, "close": -3, "volume": None, "trade_count": 0, "complete": False}),
    (OrderBookEvent, {"bids": levels(6, 5), "asks": levels(5, 6)}),
    (OrderBookEvent, {"bids": [], "asks": []}),
    (OrderBookEvent, {"kind": "delta", "bids": levels(4, 5, quantity=0), "asks": levels(7, 6)}),
    (OrderBookEvent, {"sequence": 3, "previous_sequence": 9}),
    (OrderFilledEvent, {"fee": None, "fee_currency": None}),
    (OrderFilledEvent, {"quantity": 4, "cumulative_quantity": 4, "remaining_quantity": 0}),
    (
        OrderFilledEvent,
        {"order_quantity": 10**40 + 1, "cumulative_quantity": 10**40, "remaining_quantity": 1},
    ),
    (PositionModifiedEvent, {"quantity": 0}),
    (PositionClosedEvent, {"close_time": MOMENT}),
    (PortfolioValueEvent, {"cash": -5, "positions_value": 5, "total_value": -1}),
    (QuoteEvent, {"sequence": 2**63 - 1}),
    (TickEvent, {"metadata": {"a": nested(198), "b": 10**40, "c": -0.0}}),
]


@pytest.mark.parametrize(("cls", "changes"), POSSIBLE, ids=case_id)
def test_a_rare_but_possible_value_is_accepted_and_comes_back(cls: type[BaseEvent], changes: dict[str, Any]) -> None:
    event = sample(cls, **changes)
    again = cls.model_validate_json(event.model_dump_json())
    assert again == event
    assert repr(again) == repr(event)


@pytest.mark.parametrize(
    ("given_value", "text"),
    [
        (0.1, "0.1"),
        (0.00031099999999999997, "0.00031099999999999997"),
        (1e22, "1E+22"),
        (np.float64(0.1), "0.1"),
        (5, "5"),
        ("50000.50", "50000.50"),
        ("1E-30", "1E-30"),
        (Decimal("1.000"), "1.000"),
        ("-0", "-0"),
        ("1234567890123456789012345678901234567890.5", "1234567890123456789012345678901234567890.5"),
    ],
)
def test_money_keeps_every_digit_it_is_given_and_a_float_its_shortest_text(given_value: Any, text: str) -> None:
    bid = sample(TickEvent, bid=given_value).bid
    assert type(bid) is Decimal
    assert str(bid) == text


@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_any_float_is_taken_through_its_shortest_text(value: float) -> None:
    assert str(sample(TickEvent, bid=value).bid) == str(Decimal(repr(value)))


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2024, 1, 1),
        datetime(2024, 1, 1, tzinfo=UTC),
        datetime(2024, 1, 1, 5, 30, tzinfo=timezone(timedelta(hours=5, minutes=30))),
        "2024-01-01T00:00:00Z",
        "2024-01-01 01:00:00+01:00",
        "2024-01-01T00:00:00.0000009",
        date(2024, 1, 1),
        1704067200,
        pd.Timestamp("2024-01-01 00:00:00.000000999"),
        pd.Timestamp("2024-01-01 01:00", tz="Europe/Paris"),
    ],
    ids=repr,
)
def test_every_way_to_write_a_moment_becomes_a_plain_utc_datetime(moment: Any) -> None:
    tick = sample(TickEvent, timestamp=moment, exchange_timestamp=moment, local_timestamp=moment)
    for time in (tick.timestamp, tick.exchange_timestamp, tick.local_timestamp):
        assert time == MOMENT
        assert type(time) is datetime
        assert time.tzinfo is UTC


def test_microseconds_are_kept() -> None:
    moment = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    tick = sample(TickEvent, timestamp=moment, exchange_timestamp=datetime.min)  # noqa: DTZ901 - naive
    assert tick.timestamp == moment
    assert tick.exchange_timestamp == datetime.min.replace(tzinfo=UTC)


def test_metadata_is_the_events_own_and_plain() -> None:
    tags: list[Any] = ["a"]
    tick = sample(TickEvent, metadata={"tags": tags, "spread": np.float64(0.5), "name": np.str_("x")})
    tags.append("b")
    assert tick.metadata == {"tags": ["a"], "spread": 0.5, "name": "x"}
    assert type(tick.metadata["spread"]) is float
    assert type(tick.metadata["name"]) is str
