"""One plain event of every class, and the means to change a field of it."""

from datetime import UTC, datetime
from typing import Any, TypeVar

from trading.events.base import BaseEvent
from trading.events.market_data import BarEvent, OrderBookEvent, QuoteEvent, TickEvent, TradeEvent
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

MOMENT = datetime(2024, 1, 1, tzinfo=UTC)
LATER = datetime(2024, 1, 1, 0, 1, tzinfo=UTC)

_MARKET = {"exchange": "binance", "symbol": "BTC/USDT", "exchange_timestamp": MOMENT, "local_timestamp": LATER}
_ORDER = {"exchange": "binance", "symbol": "BTC/USDT", "order_id": "o-1", "client_order_id": "c-1"}
_POSITION = {"exchange": "binance", "symbol": "BTC/USDT", "position_id": "p-1", "side": "long"}

SAMPLES: dict[type[BaseEvent], dict[str, Any]] = {
    TickEvent: _MARKET | {"raw_symbol": "BTCUSDT", "bid": "50000.5", "ask": "50000.6", "last": "50000.55", "volume": 1},
    TradeEvent: _MARKET | {"trade_id": "t-1", "price": "50000.5", "quantity": "0.1", "side": "buy"},
    QuoteEvent: _MARKET | {"bid": "50000.5", "bid_quantity": 1, "ask": "50000.6", "ask_quantity": 2, "sequence": 7},
    BarEvent: {
        "exchange": "binance",
        "symbol": "BTC/USDT",
        "interval": "1m",
        "open_time": MOMENT,
        "close_time": LATER,
        "open": 5,
        "high": 9,
        "low": 4,
        "close": 6,
        "volume": "12.5",
        "trade_count": 3,
    },
    OrderBookEvent: _MARKET
    | {
        "kind": "snapshot",
        "bids": [{"price": 5, "quantity": 1}, {"price": 4, "quantity": 2}],
        "asks": [{"price": 6, "quantity": 1}, {"price": 7, "quantity": 2}],
        "sequence": 8,
        "previous_sequence": 7,
    },
    OrderSubmittedEvent: _ORDER | {"side": "buy", "order_type": "limit", "quantity": 2, "price": 5, "strategy_id": "s"},
    OrderAcceptedEvent: _ORDER | {"venue_order_id": "v-1", "exchange_timestamp": MOMENT},
    OrderRejectedEvent: _ORDER | {"reason": "insufficient balance"},
    OrderCancelledEvent: _ORDER | {"reason": "by user", "cumulative_quantity": 1, "remaining_quantity": 1},
    OrderExpiredEvent: _ORDER | {"cumulative_quantity": 0, "remaining_quantity": 2},
    OrderFilledEvent: _ORDER
    | {
        "fill_id": "f-1",
        "side": "buy",
        "price": 5,
        "quantity": 1,
        "order_quantity": 4,
        "cumulative_quantity": 3,
        "remaining_quantity": 1,
        "fee": "-0.001",
        "fee_currency": "BNB",
        "liquidity": "maker",
    },
    PositionOpenedEvent: _POSITION | {"quantity": 2, "entry_price": 5},
    PositionModifiedEvent: _POSITION
    | {"quantity": 2, "entry_price": 5, "current_price": 6, "unrealized_pnl": 2, "realized_pnl": -1},
    PositionClosedEvent: _POSITION
    | {
        "quantity": 2,
        "entry_price": 5,
        "exit_price": 6,
        "realized_pnl": 2,
        "open_time": MOMENT,
        "close_time": LATER,
    },
    PortfolioValueEvent: {
        "portfolio_id": "main",
        "currency": "USDT",
        "total_value": 100,
        "cash": 120,
        "positions_value": -20,
        "unrealized_pnl": -3,
        "realized_pnl": 4,
    },
    RiskLimitEvent: {
        "portfolio_id": "main",
        "limit_name": "max_drawdown",
        "status": "warning",
        "limit_value": 20,
        "current_value": "17.5",
        "unit": "%",
    },
    ConnectionEvent: {"component": "feed", "status": "reconnecting", "reason": "timeout", "missed_count": 3},
    ErrorEvent: {"component": "bus", "error_type": "ValueError", "message": "", "subscription_id": "1"},
    HeartbeatEvent: {"component": "feed", "sequence": 1, "interval_s": 0.5},
}
"""Valid values for every concrete class."""


def sample(cls: type[E], **changes: Any) -> E:
    """A plain event of the class, with some of its fields given anew."""
    return cls(**SAMPLES[cls] | changes)
