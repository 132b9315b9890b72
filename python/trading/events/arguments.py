"""The arguments of each event class's constructor, as type checkers know them.

An event's annotations say what it holds; its constructor takes more: a price may be an int, a text or a float, and a
time a text. A class of your own says so by a `__init__` for type checkers alone:

    class FundingRateArguments(MarketDataEventArguments):
        rate: Required[Number]


    class FundingRateEvent(MarketDataEvent):
        event_type: Literal["funding_rate"] = "funding_rate"
        rate: Amount

        if TYPE_CHECKING:

            def __init__(self, **arguments: Unpack[FundingRateArguments]) -> None: ...

`python -m tests.support.arguments` writes this module.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Generic, Literal, Required, TypedDict, TypeVar

from pydantic import JsonValue

Number = Decimal | int | float | str
"""What a price or a quantity is made of. A float is taken through its shortest decimal text."""

Time = datetime | str
"""What a moment is made of; a text is ISO 8601. One in no zone is taken as UTC."""

LevelT = TypeVar("LevelT")


class CommonArguments(TypedDict, total=False):
    """What every event class takes, beside exchange and symbol, which some require."""

    event_id: str
    timestamp: Time
    metadata: Mapping[str, JsonValue]


class BookLevelArguments(TypedDict, total=False):
    """What BookLevel takes."""

    price: Required[Number]
    quantity: Required[Number]


class BaseEventArguments(CommonArguments, total=False):
    """What BaseEvent takes."""

    exchange: str | None
    symbol: str | None


class SystemEventArguments(CommonArguments, total=False):
    """What SystemEvent takes."""

    exchange: str | None
    symbol: str | None
    component: Required[str]


class ConnectionEventArguments(CommonArguments, total=False):
    """What ConnectionEvent takes."""

    event_type: Literal["connection"]
    exchange: str | None
    symbol: str | None
    component: Required[str]
    status: Required[Literal["connecting", "connected", "disconnected", "reconnecting"]]
    endpoint: str | None
    reason: str | None
    attempt: int | None
    missed_count: int | None


class ErrorEventArguments(CommonArguments, total=False):
    """What ErrorEvent takes."""

    event_type: Literal["error"]
    exchange: str | None
    symbol: str | None
    component: Required[str]
    error_type: Required[str]
    message: Required[str]
    traceback: str | None
    failed_event_id: str | None
    failed_topic: str | None
    subscription_id: str | None
    subscription_name: str | None


class HeartbeatEventArguments(CommonArguments, total=False):
    """What HeartbeatEvent takes."""

    event_type: Literal["heartbeat"]
    exchange: str | None
    symbol: str | None
    component: Required[str]
    sequence: Required[int]
    interval_s: float | None


class MarketDataEventArguments(CommonArguments, total=False):
    """What MarketDataEvent takes."""

    exchange: Required[str]
    symbol: Required[str]


class TickEventArguments(CommonArguments, total=False):
    """What TickEvent takes."""

    event_type: Literal["tick"]
    exchange: Required[str]
    symbol: Required[str]
    raw_symbol: Required[str]
    bid: Number | None
    ask: Number | None
    last: Number | None
    volume: Number | None
    exchange_timestamp: Required[Time]
    local_timestamp: Time


class TradeEventArguments(CommonArguments, total=False):
    """What TradeEvent takes."""

    event_type: Literal["trade"]
    exchange: Required[str]
    symbol: Required[str]
    raw_symbol: str | None
    trade_id: str | None
    price: Required[Number]
    quantity: Required[Number]
    side: Literal["buy", "sell"] | None
    exchange_timestamp: Required[Time]
    local_timestamp: Time


class QuoteEventArguments(CommonArguments, total=False):
    """What QuoteEvent takes."""

    event_type: Literal["quote"]
    exchange: Required[str]
    symbol: Required[str]
    raw_symbol: str | None
    bid: Number | None
    bid_quantity: Number | None
    ask: Number | None
    ask_quantity: Number | None
    sequence: int | None
    exchange_timestamp: Required[Time]
    local_timestamp: Time


class BarEventArguments(CommonArguments, total=False):
    """What BarEvent takes."""

    event_type: Literal["bar"]
    exchange: Required[str]
    symbol: Required[str]
    raw_symbol: str | None
    interval: Required[str]
    open_time: Required[Time]
    close_time: Required[Time]
    open: Required[Number]
    high: Required[Number]
    low: Required[Number]
    close: Required[Number]
    volume: Number | None
    trade_count: int | None
    complete: bool


class OrderBookEventArguments(CommonArguments, Generic[LevelT], total=False):
    """What OrderBookEvent takes."""

    event_type: Literal["orderbook"]
    exchange: Required[str]
    symbol: Required[str]
    raw_symbol: str | None
    kind: Required[Literal["snapshot", "delta"]]
    bids: Sequence[LevelT | BookLevelArguments]
    asks: Sequence[LevelT | BookLevelArguments]
    sequence: int | None
    previous_sequence: int | None
    exchange_timestamp: Required[Time]
    local_timestamp: Time


class OrderEventArguments(CommonArguments, total=False):
    """What OrderEvent takes."""

    exchange: Required[str]
    symbol: Required[str]
    order_id: Required[str]
    client_order_id: str | None


class OrderSubmittedEventArguments(CommonArguments, total=False):
    """What OrderSubmittedEvent takes."""

    event_type: Literal["order_submitted"]
    exchange: Required[str]
    symbol: Required[str]
    order_id: Required[str]
    client_order_id: Required[str]
    side: Required[Literal["buy", "sell"]]
    order_type: Required[str]
    quantity: Required[Number]
    price: Number | None
    strategy_id: str | None


class OrderAcceptedEventArguments(CommonArguments, total=False):
    """What OrderAcceptedEvent takes."""

    event_type: Literal["order_accepted"]
    exchange: Required[str]
    symbol: Required[str]
    order_id: Required[str]
    client_order_id: str | None
    venue_order_id: Required[str]
    exchange_timestamp: Time | None


class OrderRejectedEventArguments(CommonArguments, total=False):
    """What OrderRejectedEvent takes."""

    event_type: Literal["order_rejected"]
    exchange: Required[str]
    symbol: Required[str]
    order_id: Required[str]
    client_order_id: str | None
    reason: Required[str]
    exchange_timestamp: Time | None


class OrderCancelledEventArguments(CommonArguments, total=False):
    """What OrderCancelledEvent takes."""

    event_type: Literal["order_cancelled"]
    exchange: Required[str]
    symbol: Required[str]
    order_id: Required[str]
    client_order_id: str | None
    venue_order_id: str | None
    reason: str | None
    cumulative_quantity: Number | None
    remaining_quantity: Number | None
    exchange_timestamp: Time | None


class OrderExpiredEventArguments(CommonArguments, total=False):
    """What OrderExpiredEvent takes."""

    event_type: Literal["order_expired"]
    exchange: Required[str]
    symbol: Required[str]
    order_id: Required[str]
    client_order_id: str | None
    venue_order_id: str | None
    cumulative_quantity: Number | None
    remaining_quantity: Number | None
    exchange_timestamp: Time | None


class OrderFilledEventArguments(CommonArguments, total=False):
    """What OrderFilledEvent takes."""

    event_type: Literal["order_filled"]
    exchange: Required[str]
    symbol: Required[str]
    order_id: Required[str]
    client_order_id: str | None
    venue_order_id: str | None
    fill_id: Required[str]
    side: Required[Literal["buy", "sell"]]
    price: Required[Number]
    quantity: Required[Number]
    order_quantity: Required[Number]
    cumulative_quantity: Required[Number]
    remaining_quantity: Required[Number]
    fee: Number | None
    fee_currency: str | None
    liquidity: Literal["maker", "taker"] | None
    strategy_id: str | None
    exchange_timestamp: Time | None


class PortfolioEventArguments(CommonArguments, total=False):
    """What PortfolioEvent takes."""

    exchange: str | None
    symbol: str | None
    portfolio_id: Required[str]


class PortfolioValueEventArguments(CommonArguments, total=False):
    """What PortfolioValueEvent takes."""

    event_type: Literal["portfolio_value"]
    exchange: str | None
    symbol: str | None
    portfolio_id: Required[str]
    currency: Required[str]
    total_value: Required[Number]
    cash: Required[Number]
    positions_value: Required[Number]
    unrealized_pnl: Number | None
    realized_pnl: Number | None


class RiskLimitEventArguments(CommonArguments, total=False):
    """What RiskLimitEvent takes."""

    event_type: Literal["risk_limit"]
    exchange: str | None
    symbol: str | None
    portfolio_id: Required[str]
    limit_name: Required[str]
    status: Required[Literal["normal", "warning", "breached"]]
    limit_value: Required[Number]
    current_value: Required[Number]
    unit: str | None
    reason: str | None


class PositionEventArguments(CommonArguments, total=False):
    """What PositionEvent takes."""

    exchange: Required[str]
    symbol: Required[str]
    position_id: Required[str]
    side: Required[Literal["long", "short"]]


class PositionOpenedEventArguments(CommonArguments, total=False):
    """What PositionOpenedEvent takes."""

    event_type: Literal["position_opened"]
    exchange: Required[str]
    symbol: Required[str]
    position_id: Required[str]
    side: Required[Literal["long", "short"]]
    quantity: Required[Number]
    entry_price: Required[Number]


class PositionModifiedEventArguments(CommonArguments, total=False):
    """What PositionModifiedEvent takes."""

    event_type: Literal["position_modified"]
    exchange: Required[str]
    symbol: Required[str]
    position_id: Required[str]
    side: Required[Literal["long", "short"]]
    quantity: Required[Number]
    entry_price: Required[Number]
    current_price: Required[Number]
    unrealized_pnl: Required[Number]
    realized_pnl: Required[Number]


class PositionClosedEventArguments(CommonArguments, total=False):
    """What PositionClosedEvent takes."""

    event_type: Literal["position_closed"]
    exchange: Required[str]
    symbol: Required[str]
    position_id: Required[str]
    side: Required[Literal["long", "short"]]
    quantity: Required[Number]
    entry_price: Required[Number]
    exit_price: Required[Number]
    realized_pnl: Required[Number]
    open_time: Required[Time]
    close_time: Required[Time]
