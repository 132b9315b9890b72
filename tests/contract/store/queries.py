"""Recordings and questions about them, of every kind, and the naive answers: a plain filter over a list."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from hypothesis import strategies as st

from tests.support.classes.samples import sample
from tests.support.recording import START
from trading.events._core import matches
from trading.events.base import BaseEvent
from trading.events.filters import (
    combined_filter,
    event_type_filter,
    exchange_filter,
    not_filter,
    symbol_filter,
    time_range_filter,
)
from trading.events.market_data import MarketDataEvent, TickEvent, TradeEvent
from trading.events.order import OrderAcceptedEvent, OrderEvent, OrderExpiredEvent
from trading.events.system import HeartbeatEvent

CLASSES: list[type[BaseEvent]] = [TickEvent, TradeEvent, OrderAcceptedEvent, OrderExpiredEvent, HeartbeatEvent]
SYMBOLS = ["BTC/USDT", "BTCUSDT", "btc/usdt", "ETH/USDT"]
EXCHANGES = ["binance", "okx", "OKX"]

Span = tuple[int, datetime, datetime]
"""How many events, and the first and the last of their timestamps."""


def make(cls: type[BaseEvent], second: int, exchange: str, symbol: str) -> BaseEvent:
    place = {} if cls is HeartbeatEvent else {"exchange": exchange, "symbol": symbol}
    return sample(cls, timestamp=START + timedelta(seconds=second), **place)


seconds = st.sampled_from([-86_401, -86_400, -1, 0, 1, 2, 3, 86_399, 86_400])
recordings = st.lists(
    st.lists(
        st.builds(make, st.sampled_from(CLASSES), seconds, st.sampled_from(EXCHANGES), st.sampled_from(SYMBOLS)),
        max_size=9,
    ),
    max_size=4,
)
"""Batches, one after another; ties, late events and several days among them."""

moments = st.none() | seconds.map(lambda second: START + timedelta(seconds=second))
event_types: st.SearchStrategy[Any] = st.none() | st.sampled_from(
    [
        *("tick", "order_accepted", "bar", OrderEvent, MarketDataEvent, TickEvent, BaseEvent, [TradeEvent, "tick"], []),
        *("order_*", "*", "t?ck", "events.*.okx", "events.tick.*.BTC*", ["events.heartbeat._._", "order_expired"]),
    ]
)
exchanges = (
    st.none() | st.sampled_from([*EXCHANGES, "*", "o*", "?kx"]) | st.lists(st.sampled_from([*EXCHANGES, "bin*"]))
)
symbols = (
    st.none() | st.sampled_from([*SYMBOLS, "nothing", "*", "BTC*", "???/USDT"]) | st.lists(st.sampled_from(SYMBOLS))
)
predefined: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(SYMBOLS).map(symbol_filter),
    st.sampled_from(EXCHANGES).map(exchange_filter),
    st.sampled_from(["tick", OrderEvent, TradeEvent]).map(event_type_filter),
    seconds.map(lambda second: time_range_filter(START + timedelta(seconds=second))),
    seconds.map(lambda second: time_range_filter(end=START + timedelta(seconds=second))),
    st.just(lambda event: event.event_id[-1] in "02468ace"),
)
filters: st.SearchStrategy[Any] = st.none() | st.recursive(
    predefined,
    lambda inner: (
        st.builds(combined_filter, inner, inner, mode=st.sampled_from(["and", "or"])) | st.builds(not_filter, inner)
    ),
    max_leaves=4,
)


class Query(NamedTuple):
    """A question: a range of time, and the criteria beside it."""

    start: datetime | None
    end: datetime | None
    criteria: dict[str, Any]

    def choose(self, events: Iterable[BaseEvent]) -> list[BaseEvent]:
        """What the criteria select, of any time."""
        chosen = self.criteria
        return [
            event
            for event in events
            if is_of_type(event, chosen["event_type"])
            and is_like(event.exchange, chosen["exchange"])
            and is_like(event.symbol, chosen["symbol"])
            and (chosen["filter"] is None or chosen["filter"](event))
        ]

    def cut(self, events: Iterable[BaseEvent]) -> list[BaseEvent]:
        """What is in the range."""
        return [
            event
            for event in events
            if self.start is None or event.timestamp >= self.start
            if self.end is None or event.timestamp < self.end
        ]


queries = st.builds(
    Query,
    moments,
    moments,
    st.fixed_dictionaries({"event_type": event_types, "exchange": exchanges, "symbol": symbols, "filter": filters}),
)


def is_like(value: str | None, chosen: Any) -> bool:
    if chosen is None:
        return True
    several = [chosen] if isinstance(chosen, str) else chosen
    return any(fnmatchcase("_" if value is None else value, each) for each in several)


def is_of_type(event: BaseEvent, chosen: Any) -> bool:
    if chosen is None:
        return True
    if isinstance(chosen, str):
        return matches(chosen, event.topic)
    if isinstance(chosen, list):
        return any(is_of_type(event, each) for each in chosen)
    return isinstance(event, chosen)


def spans(events: Iterable[BaseEvent]) -> dict[str, Span]:
    """The span of each topic; the events are in order."""
    found: dict[str, Span] = {}
    for event in events:
        count, first, _ = found.get(event.topic, (0, event.timestamp, None))
        found[event.topic] = count + 1, first, event.timestamp
    return found
