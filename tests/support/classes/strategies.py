"""Strategies that make whole, valid events of every concrete class, nasty values among them."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Context, Decimal
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from trading.events.base import BaseEvent
from trading.events.market_data import BarEvent, BookLevel, OrderBookEvent, QuoteEvent, TickEvent, TradeEvent
from trading.events.order import (
    OrderAcceptedEvent,
    OrderCancelledEvent,
    OrderExpiredEvent,
    OrderFilledEvent,
    OrderRejectedEvent,
    OrderSubmittedEvent,
)
from trading.events.portfolio import PortfolioValueEvent, RiskLimitEvent
from trading.events.position import PositionClosedEvent, PositionModifiedEvent, PositionOpenedEvent
from trading.events.system import ConnectionEvent, ErrorEvent, HeartbeatEvent

E = TypeVar("E", bound=BaseEvent)
T = TypeVar("T")

_EXACT = Context(prec=500)


def _decimal(coefficient: int, exponent: int) -> Decimal:
    return Decimal(coefficient).scaleb(exponent, context=_EXACT)


def _maybe(values: SearchStrategy[T]) -> SearchStrategy[T | None]:
    return st.none() | values


def _is_name(text: str) -> bool:
    return bool(text.strip()) and text != "_"


_NASTY_AMOUNTS = ["0", "-0", "0.00", "0E-30", "1E-30", "1E+40", "50000.50", "1.000000000000000000", "9" * 40]

amounts: SearchStrategy[Decimal] = st.one_of(
    st.sampled_from(_NASTY_AMOUNTS).map(Decimal),
    st.builds(_decimal, st.integers(-(10**6), 10**6), st.integers(-8, 2)),
    st.builds(_decimal, st.integers(1 - 10**40, 10**40 - 1), st.integers(-40, 40)),
)
"""Money of either sign, up to 40 digits and of any exponent from -40 to 40."""

quantities: SearchStrategy[Decimal] = amounts.map(Decimal.copy_abs)
positive_quantities: SearchStrategy[Decimal] = quantities.filter(bool)

moments: SearchStrategy[datetime] = st.datetimes(timezones=st.just(UTC))
"""UTC moments of the years 1 to 9999, in microseconds."""

counts: SearchStrategy[int] = st.integers(0, 2**63 - 1)

texts: SearchStrategy[str] = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
"""Texts of any characters, control characters included."""

_name_characters = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="*?")

symbols: SearchStrategy[str] = st.one_of(
    st.sampled_from(
        ["BTC/USDT", "btc/usdt", "BRK.B", "ES Z4 [mini]", "..", "a/../b", "events.tick", "沪深300", "€" * 300]
    ),
    st.text(_name_characters, min_size=1, max_size=12).filter(_is_name),
)
"""Symbols of any letters, with dots, slashes, spaces, brackets and what a file system would stumble over."""

exchanges: SearchStrategy[str] = st.one_of(
    st.sampled_from(["binance", "okx", "NYSE Arca", "a/b", "深圳"]),
    st.text(_name_characters, min_size=1, max_size=12).map(lambda text: text.replace(".", "-")).filter(_is_name),
)

_json_values: SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.integers(-(2**70), 2**70),
        st.floats(allow_nan=False, allow_infinity=False),
        texts,
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)

metadata: SearchStrategy[dict[str, Any]] = st.dictionaries(texts, _json_values, max_size=3)
"""Whatever JSON can say, by name."""

_sides = st.sampled_from(["buy", "sell"])
_spans = st.tuples(moments, moments).map(sorted)

_base = {"event_id": texts | st.uuids().map(lambda made: made.hex), "timestamp": moments, "metadata": metadata}
_instrument = _base | {"exchange": exchanges, "symbol": symbols}
_market = _instrument | {
    "raw_symbol": _maybe(texts),
    "exchange_timestamp": moments,
    "local_timestamp": moments,
}
_order = _instrument | {"order_id": texts, "client_order_id": _maybe(texts)}
_answer = _order | {"exchange_timestamp": _maybe(moments)}
_end = _answer | {
    "venue_order_id": _maybe(texts),
    "cumulative_quantity": _maybe(quantities),
    "remaining_quantity": _maybe(quantities),
}
_position = _instrument | {"position_id": texts, "side": st.sampled_from(["long", "short"])}
_loose = _base | {"exchange": _maybe(exchanges), "symbol": _maybe(symbols)}
_portfolio = _loose | {"portfolio_id": texts}
_system = _loose | {"component": texts}

_FIELDS: dict[type[BaseEvent], dict[str, SearchStrategy[Any]]] = {
    TickEvent: _market
    | {
        "raw_symbol": texts,
        "bid": _maybe(amounts),
        "ask": _maybe(amounts),
        "last": _maybe(amounts),
        "volume": _maybe(quantities),
    },
    TradeEvent: _market
    | {"trade_id": _maybe(texts), "price": amounts, "quantity": positive_quantities, "side": _maybe(_sides)},
    QuoteEvent: _market
    | {
        "bid": _maybe(amounts),
        "bid_quantity": _maybe(quantities),
        "ask": _maybe(amounts),
        "ask_quantity": _maybe(quantities),
        "sequence": _maybe(counts),
    },
    BarEvent: _instrument
    | {
        "raw_symbol": _maybe(texts),
        "interval": st.builds(
            "{}{}".format, st.integers(1, 999_999), st.sampled_from(["ms", "s", "m", "h", "d", "w", "M", "y"])
        ),
        "times": _spans,
        "prices": st.tuples(amounts, amounts, amounts, amounts),
        "volume": _maybe(quantities),
        "trade_count": _maybe(counts),
        "complete": st.booleans(),
    },
    OrderBookEvent: _market
    | {
        "kind": st.sampled_from(["snapshot", "delta"]),
        "bids": st.dictionaries(amounts, quantities, max_size=5),
        "asks": st.dictionaries(amounts, quantities, max_size=5),
        "sequence": _maybe(counts),
        "previous_sequence": _maybe(counts),
    },
    OrderSubmittedEvent: _order
    | {
        "client_order_id": texts,
        "side": _sides,
        "order_type": st.sampled_from(["market", "limit", "stop_limit"]) | texts,
        "quantity": positive_quantities,
        "price": _maybe(amounts),
        "strategy_id": _maybe(texts),
    },
    OrderAcceptedEvent: _answer | {"venue_order_id": texts},
    OrderRejectedEvent: _answer | {"reason": texts},
    OrderCancelledEvent: _end | {"reason": _maybe(texts)},
    OrderExpiredEvent: _end,
    OrderFilledEvent: _answer
    | {
        "venue_order_id": _maybe(texts),
        "fill_id": texts,
        "side": _sides,
        "price": amounts,
        "quantity": positive_quantities,
        "cumulative_quantity": quantities,
        "remaining_quantity": quantities,
        "fee": _maybe(amounts),
        "fee_currency": texts,
        "liquidity": _maybe(st.sampled_from(["maker", "taker"])),
        "strategy_id": _maybe(texts),
    },
    PositionOpenedEvent: _position | {"quantity": positive_quantities, "entry_price": amounts},
    PositionModifiedEvent: _position
    | {
        "quantity": quantities,
        "entry_price": amounts,
        "current_price": amounts,
        "unrealized_pnl": amounts,
        "realized_pnl": amounts,
    },
    PositionClosedEvent: _position
    | {
        "quantity": positive_quantities,
        "entry_price": amounts,
        "exit_price": amounts,
        "realized_pnl": amounts,
        "times": _spans,
    },
    PortfolioValueEvent: _portfolio
    | {
        "currency": texts,
        "total_value": amounts,
        "cash": amounts,
        "positions_value": amounts,
        "unrealized_pnl": _maybe(amounts),
        "realized_pnl": _maybe(amounts),
    },
    RiskLimitEvent: _portfolio
    | {
        "limit_name": texts,
        "status": st.sampled_from(["normal", "warning", "breached"]),
        "limit_value": amounts,
        "current_value": amounts,
        "unit": _maybe(texts),
        "reason": _maybe(texts),
    },
    ConnectionEvent: _system
    | {
        "status": st.sampled_from(["connecting", "connected", "disconnected", "reconnecting"]),
        "endpoint": _maybe(texts),
        "reason": _maybe(texts),
        "attempt": _maybe(counts),
        "missed_count": _maybe(counts),
    },
    ErrorEvent: _system
    | {
        "error_type": texts,
        "message": st.just("") | texts,
        "traceback": _maybe(texts),
        "failed_event_id": _maybe(texts),
        "failed_topic": _maybe(texts),
        "subscription_id": _maybe(texts),
        "subscription_name": _maybe(texts),
    },
    HeartbeatEvent: _system
    | {
        "sequence": counts,
        "interval_s": _maybe(st.floats(min_value=0, exclude_min=True, allow_infinity=False)),
    },
}


def _agree_on_quote(drawn: dict[str, Any]) -> None:
    for side in ("bid", "ask"):
        if drawn[side] is None:
            drawn[f"{side}_quantity"] = None


def _agree_on_times(drawn: dict[str, Any]) -> None:
    drawn["open_time"], drawn["close_time"] = drawn.pop("times")


def _agree_on_bar(drawn: dict[str, Any]) -> None:
    _agree_on_times(drawn)
    prices = drawn.pop("prices")
    drawn |= {"open": prices[0], "high": max(prices), "low": min(prices), "close": prices[3]}


def _agree_on_book(drawn: dict[str, Any]) -> None:
    for side, is_bid in (("bids", True), ("asks", False)):
        levels = list(drawn[side].items())
        if drawn["kind"] == "snapshot":
            levels = sorted((level for level in levels if level[1]), reverse=is_bid)
        drawn[side] = tuple(BookLevel(price=price, quantity=quantity) for price, quantity in levels)


def _agree_on_fill(drawn: dict[str, Any]) -> None:
    filled = _EXACT.add(drawn["cumulative_quantity"], drawn["quantity"])
    drawn["cumulative_quantity"] = filled
    drawn["order_quantity"] = _EXACT.add(filled, drawn["remaining_quantity"])


_AGREEMENTS: dict[type[BaseEvent], Callable[[dict[str, Any]], None]] = {
    QuoteEvent: _agree_on_quote,
    BarEvent: _agree_on_bar,
    OrderBookEvent: _agree_on_book,
    OrderFilledEvent: _agree_on_fill,
    PositionClosedEvent: _agree_on_times,
}


def event_of(cls: type[E]) -> SearchStrategy[E]:
    """Whole events of one concrete class of `trading.events`."""

    def build(drawn: dict[str, Any]) -> E:
        fields = dict(drawn)
        if cls in _AGREEMENTS:
            _AGREEMENTS[cls](fields)
        return cls(**fields)

    return st.fixed_dictionaries(_FIELDS[cls]).map(build)


def events() -> SearchStrategy[BaseEvent]:
    """Whole events of every concrete class of `trading.events`."""
    return st.one_of([event_of(cls) for cls in _FIELDS])
