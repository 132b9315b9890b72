"""The event backbone of a trading system: typed events, and an asyncio bus whose routing and queues are native.

Recording and replay are in `trading.events.persistence`, predefined filters in `trading.events.filters`.
"""

import sys

# This is the first line of ours that `python -m trading.events.cli` runs: until all is imported, Ctrl-C ends it without
# a word, as `trading._events_command` says. No other process's signals are touched.
if sys.argv[:1] == ["-m"] and sys.orig_argv[-len(sys.argv)].endswith("trading.events.cli"):
    import _signal

    if _signal.getsignal(2) is _signal.default_int_handler:
        _signal.signal(2, _signal.SIG_DFL)

import importlib
import warnings
from typing import TYPE_CHECKING, Any

from trading.events._core import DEBUG_BUILD, VERSION
from trading.events.base import (
    Amount,
    BaseEvent,
    Count,
    Exchange,
    Metadata,
    NonEmptyStr,
    PositiveQuantity,
    Quantity,
    Side,
    Symbol,
    UtcDatetime,
    event_class,
    event_classes,
    utc_now,
)
from trading.events.bus import Delivery, Filter, GapCallback, Handler, HandlerFailure, IEventBus, Overflow, Start
from trading.events.clock import Clock, LiveClock, ManualClock, Timer, use_clock
from trading.events.codec import (
    decode_batch,
    decode_event,
    describe,
    encode_batch,
    encode_event,
    events_from_table,
    events_to_table,
    table_to_events,
)
from trading.events.delivery import is_redelivered
from trading.events.errors import (
    BusClosedError,
    BusError,
    EventDecodeError,
    EventDefinitionError,
    EventEncodeError,
    EventError,
    EventTableError,
    ForkedBusError,
    HandlerTypeError,
    NoHistoryError,
    NotAnEventError,
    PatternError,
    QueueFullError,
    ReadOnlyError,
    ReentrancyError,
    SubscriptionNotFoundError,
    TradingEventsError,
    UnknownTopicError,
    UnknownTopicWarning,
    UnstorableEventError,
    WrongLoopError,
)
from trading.events.factory import create_event_bus
from trading.events.filters import (
    combined_filter,
    event_type_filter,
    exchange_filter,
    not_filter,
    symbol_filter,
    time_range_filter,
)
from trading.events.history import EventHistory
from trading.events.market_data import (
    BarEvent,
    BarInterval,
    BookLevel,
    MarketDataEvent,
    OrderBookEvent,
    QuoteEvent,
    TickEvent,
    TradeEvent,
)
from trading.events.memory_bus import InMemoryEventBus
from trading.events.order import (
    Liquidity,
    OrderAcceptedEvent,
    OrderCancelledEvent,
    OrderEvent,
    OrderExpiredEvent,
    OrderFilledEvent,
    OrderRejectedEvent,
    OrderSubmittedEvent,
)
from trading.events.portfolio import PortfolioEvent, PortfolioValueEvent, RiskLimitEvent
from trading.events.position import (
    PositionClosedEvent,
    PositionEvent,
    PositionModifiedEvent,
    PositionOpenedEvent,
    PositionSide,
)
from trading.events.settings import EventBusSettings
from trading.events.statistics import BusStatistics, Durations, Gap, SubscriptionStatistics
from trading.events.stream import EventStream
from trading.events.system import ConnectionEvent, ErrorEvent, HeartbeatEvent, SystemEvent
from trading.events.unknown import UnknownEvent

__all__ = [
    "Amount",
    "BarEvent",
    "BarInterval",
    "BaseEvent",
    "BookLevel",
    "BusClosedError",
    "BusError",
    "BusStatistics",
    "Clock",
    "ConnectionEvent",
    "Count",
    "Delivery",
    "Durations",
    "ErrorEvent",
    "EventBusSettings",
    "EventDecodeError",
    "EventDefinitionError",
    "EventEncodeError",
    "EventError",
    "EventHistory",
    "EventStream",
    "EventTableError",
    "Exchange",
    "Filter",
    "ForkedBusError",
    "Gap",
    "GapCallback",
    "Handler",
    "HandlerFailure",
    "HandlerTypeError",
    "HeartbeatEvent",
    "IEventBus",
    "InMemoryEventBus",
    "Liquidity",
    "LiveClock",
    "ManualClock",
    "MarketDataEvent",
    "Metadata",
    "NoHistoryError",
    "NonEmptyStr",
    "NotAnEventError",
    "OrderAcceptedEvent",
    "OrderBookEvent",
    "OrderCancelledEvent",
    "OrderEvent",
    "OrderExpiredEvent",
    "OrderFilledEvent",
    "OrderRejectedEvent",
    "OrderSubmittedEvent",
    "Overflow",
    "PatternError",
    "PortfolioEvent",
    "PortfolioValueEvent",
    "PositionClosedEvent",
    "PositionEvent",
    "PositionModifiedEvent",
    "PositionOpenedEvent",
    "PositionSide",
    "PositiveQuantity",
    "Quantity",
    "QueueFullError",
    "QuoteEvent",
    "ReadOnlyError",
    "ReentrancyError",
    "RiskLimitEvent",
    "Side",
    "Start",
    "SubscriptionNotFoundError",
    "SubscriptionStatistics",
    "Symbol",
    "SystemEvent",
    "TickEvent",
    "Timer",
    "TradeEvent",
    "TradingEventsError",
    "UnknownEvent",
    "UnknownTopicError",
    "UnknownTopicWarning",
    "UnstorableEventError",
    "UtcDatetime",
    "WrongLoopError",
    "combined_filter",
    "create_event_bus",
    "decode_batch",
    "decode_event",
    "describe",
    "encode_batch",
    "encode_event",
    "event_class",
    "event_classes",
    "event_type_filter",
    "events_from_table",
    "events_to_table",
    "exchange_filter",
    "is_redelivered",
    "not_filter",
    "symbol_filter",
    "table_to_events",
    "time_range_filter",
    "use_clock",
    "utc_now",
]

__version__ = VERSION

if TYPE_CHECKING:
    from trading.events.hybrid_bus import HybridEventBus as HybridEventBus
    from trading.events.redis_bus import RedisEventBus as RedisEventBus

_ON_DEMAND = {"HybridEventBus": "trading.events.hybrid_bus", "RedisEventBus": "trading.events.redis_bus"}
"""Names that need packages a plain installation lacks, and so are not in `__all__`."""


def __getattr__(name: str) -> Any:
    """Imports what is needed only by some, when it is first asked for."""
    module = _ON_DEMAND.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(module), name)


if DEBUG_BUILD:
    warnings.warn(
        "trading.events runs on a debug build of its native part, which is many times slower; build with --release",
        RuntimeWarning,
        stacklevel=2,
    )
