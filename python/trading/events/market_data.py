"""Market data: ticks, trades, quotes, bars and order books.

Prices are in the quote currency for one unit of the base; quantities in units of the base, or in contracts where the
venue counts so. Prices may be negative, and a book or quote may be crossed: both have happened.
"""

from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise
from operator import gt, lt
from typing import TYPE_CHECKING, Annotated, Literal, Self, Unpack

from pydantic import BaseModel, Field, model_validator

from trading.events.base import (
    Amount,
    BaseEvent,
    Count,
    Exchange,
    NonEmptyStr,
    PositiveQuantity,
    Quantity,
    Side,
    Symbol,
    UtcDatetime,
    utc_now,
)

if TYPE_CHECKING:
    from trading.events.arguments import (
        BarEventArguments,
        BookLevelArguments,
        OrderBookEventArguments,
        QuoteEventArguments,
        TickEventArguments,
        TradeEventArguments,
    )

BarInterval = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,5}(ms|s|m|h|d|w|M|y)$")]
"""A length of time as a count and a unit: ms, s, m (minutes), h, d, w, M (months) or y; `1m`, `4h`."""


class MarketDataEvent(BaseEvent):
    """Something seen on a market. Abstract."""

    exchange: Exchange = Field(...)
    """The venue that the data come from."""

    symbol: Symbol = Field(...)
    """The instrument's normalized name, such as BTC/USDT."""


class TickEvent(MarketDataEvent):
    """The state of an instrument's price, as far as its venue told: each of the four values may be missing."""

    event_type: Literal["tick"] = "tick"
    """Always `tick`."""

    raw_symbol: NonEmptyStr
    """The venue's own name of the instrument, such as BTCUSDT."""

    bid: Amount | None = None
    """Best price at which someone buys, or None where unknown or nobody does."""

    ask: Amount | None = None
    """Best price at which someone sells, or None where unknown or nobody does."""

    last: Amount | None = None
    """Price of the latest trade, or None where unknown."""

    volume: Quantity | None = None
    """Quantity traded in the venue's own window, mostly the last 24 hours, or None where unknown."""

    exchange_timestamp: UtcDatetime
    """Time of the state by the venue's clock."""

    local_timestamp: UtcDatetime = Field(default_factory=utc_now)
    """Time of arrival here; by default the time of construction."""

    if TYPE_CHECKING:

        def __init__(self, **arguments: Unpack[TickEventArguments]) -> None: ...


class TradeEvent(MarketDataEvent):
    """A trade that was executed on the venue, between anyone."""

    event_type: Literal["trade"] = "trade"
    """Always `trade`."""

    raw_symbol: NonEmptyStr | None = None
    """The venue's own name of the instrument, such as BTCUSDT."""

    trade_id: NonEmptyStr | None = None
    """The venue's identity of the trade, or None where it gives none."""

    price: Amount
    """Price of the trade."""

    quantity: PositiveQuantity
    """Quantity that changed hands, above zero."""

    side: Side | None = None
    """Side of the aggressor, who took what was on offer, or None where unknown."""

    exchange_timestamp: UtcDatetime
    """Time of the trade by the venue's clock."""

    local_timestamp: UtcDatetime = Field(default_factory=utc_now)
    """Time of arrival here; by default the time of construction."""

    if TYPE_CHECKING:

        def __init__(self, **arguments: Unpack[TradeEventArguments]) -> None: ...


class QuoteEvent(MarketDataEvent):
    """The best bid and ask with their quantities. A side that nobody quotes is None."""

    event_type: Literal["quote"] = "quote"
    """Always `quote`."""

    raw_symbol: NonEmptyStr | None = None
    """The venue's own name of the instrument, such as BTCUSDT."""

    bid: Amount | None = None
    """Best price at which someone buys, or None where nobody does."""

    bid_quantity: Quantity | None = None
    """Quantity wanted at the bid, or None where unknown; never given without a bid."""

    ask: Amount | None = None
    """Best price at which someone sells, or None where nobody does."""

    ask_quantity: Quantity | None = None
    """Quantity offered at the ask, or None where unknown; never given without an ask."""

    sequence: Count | None = None
    """The venue's running number of the update, or None where it gives none."""

    exchange_timestamp: UtcDatetime
    """Time of the state by the venue's clock."""

    local_timestamp: UtcDatetime = Field(default_factory=utc_now)
    """Time of arrival here; by default the time of construction."""

    if TYPE_CHECKING:

        def __init__(self, **arguments: Unpack[QuoteEventArguments]) -> None: ...

    @model_validator(mode="after")
    def _quantities_have_prices(self) -> Self:
        if self.bid is None and self.bid_quantity is not None:
            raise ValueError(f"bid_quantity {self.bid_quantity} without a bid")
        if self.ask is None and self.ask_quantity is not None:
            raise ValueError(f"ask_quantity {self.ask_quantity} without an ask")
        return self


class BarEvent(MarketDataEvent):
    """Trading in one span of time: open, high, low, close and volume."""

    event_type: Literal["bar"] = "bar"
    """Always `bar`."""

    raw_symbol: NonEmptyStr | None = None
    """The venue's own name of the instrument, such as BTCUSDT."""

    interval: BarInterval
    """Nominal length, as a count and a unit: `1m` is a minute, `1M` a month."""

    open_time: UtcDatetime
    """First moment of the span."""

    close_time: UtcDatetime
    """Last moment of the span, as its maker counts it: some venues say one unit less than the next `open_time`."""

    open: Amount
    """First price."""

    high: Amount
    """Highest price."""

    low: Amount
    """Lowest price."""

    close: Amount
    """Last price; of an incomplete bar the last so far."""

    volume: Quantity | None = None
    """Quantity traded, or None where unknown."""

    trade_count: Count | None = None
    """Number of trades, or None where unknown."""

    complete: bool = True
    """True if the span is over, so that no later bar replaces this one."""

    if TYPE_CHECKING:

        def __init__(self, **arguments: Unpack[BarEventArguments]) -> None: ...

    @model_validator(mode="after")
    def _prices_and_times_agree(self) -> Self:
        if self.high < self.low:
            raise ValueError(f"high {self.high} is below low {self.low}")
        for name, price in (("open", self.open), ("close", self.close)):
            if not self.low <= price <= self.high:
                raise ValueError(f"{name} {price} is outside low {self.low} to high {self.high}")
        if self.close_time < self.open_time:
            raise ValueError(f"close_time {self.close_time} is before open_time {self.open_time}")
        return self


class BookLevel(BaseModel, frozen=True, extra="forbid"):
    """One price of an order book and what waits there."""

    price: Amount
    """The price."""

    quantity: Quantity
    """Quantity that waits at this price; in a delta zero removes the level."""

    if TYPE_CHECKING:

        def __init__(self, **arguments: Unpack[BookLevelArguments]) -> None: ...


class OrderBookEvent(MarketDataEvent):
    """An order book, or the levels of one that have changed.

    The levels of a snapshot are whole: best first, each above zero. Those of a delta replace the levels of the same
    price and may come in any order. No side names a price twice.
    """

    event_type: Literal["orderbook"] = "orderbook"
    """Always `orderbook`, in one word, so that the pattern `order_*` means orders only."""

    raw_symbol: NonEmptyStr | None = None
    """The venue's own name of the instrument, such as BTCUSDT."""

    kind: Literal["snapshot", "delta"]
    """True if these are all levels that the venue shows, False if only the changed ones."""

    bids: tuple[BookLevel, ...] = ()
    """Levels at which someone buys; in a snapshot the highest price first."""

    asks: tuple[BookLevel, ...] = ()
    """Levels at which someone sells; in a snapshot the lowest price first."""

    sequence: Count | None = None
    """The venue's running number of this update, or None where it gives none."""

    previous_sequence: Count | None = None
    """`sequence` of the update before, which tells a gap, or None where the venue does not give it."""

    exchange_timestamp: UtcDatetime
    """Time of the state by the venue's clock."""

    local_timestamp: UtcDatetime = Field(default_factory=utc_now)
    """Time of arrival here; by default the time of construction."""

    if TYPE_CHECKING:

        def __init__(self, **arguments: Unpack[OrderBookEventArguments[BookLevel]]) -> None: ...

    @model_validator(mode="after")
    def _levels_are_possible(self) -> Self:
        _check_unique("bids", self.bids)
        _check_unique("asks", self.asks)
        if self.kind == "snapshot":
            _check_whole("bids", self.bids, is_better=gt)
            _check_whole("asks", self.asks, is_better=lt)
        return self


def _check_unique(name: str, levels: tuple[BookLevel, ...]) -> None:
    seen: set[Decimal] = set()
    for level in levels:
        if level.price in seen:
            raise ValueError(f"{name} name the price {level.price} twice")
        seen.add(level.price)


def _check_whole(name: str, levels: tuple[BookLevel, ...], *, is_better: Callable[[Decimal, Decimal], bool]) -> None:
    for level, following in pairwise(levels):
        if not is_better(level.price, following.price):
            raise ValueError(f"{name} of a snapshot are not best first: {level.price} stands before {following.price}")
    for level in levels:
        if not level.quantity:
            raise ValueError(f"{name} of a snapshot have quantity 0 at {level.price}, as only those of a delta may")
