"""Every event class: its place, its fields, its round trips, and that an event never changes."""

import ast
import copy
import importlib
import pickle
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.support.classes.samples import MOMENT, SAMPLES, sample
from tests.support.classes.strategies import event_of, events
from trading.events.base import BaseEvent, event_class, event_classes
from trading.events.market_data import (
    BarEvent,
    BookLevel,
    MarketDataEvent,
    OrderBookEvent,
    QuoteEvent,
    TickEvent,
    TradeEvent,
)
from trading.events.order import (
    OrderAcceptedEvent,
    OrderCancelledEvent,
    OrderEvent,
    OrderExpiredEvent,
    OrderFilledEvent,
    OrderRejectedEvent,
    OrderSubmittedEvent,
)
from trading.events.portfolio import PortfolioEvent, PortfolioValueEvent, RiskLimitEvent
from trading.events.position import PositionClosedEvent, PositionEvent, PositionModifiedEvent, PositionOpenedEvent
from trading.events.system import ConnectionEvent, ErrorEvent, HeartbeatEvent, SystemEvent

TREE: dict[type[BaseEvent], dict[str, type[BaseEvent]]] = {
    MarketDataEvent: {
        "tick": TickEvent,
        "trade": TradeEvent,
        "orderbook": OrderBookEvent,
        "bar": BarEvent,
        "quote": QuoteEvent,
    },
    OrderEvent: {
        "order_submitted": OrderSubmittedEvent,
        "order_accepted": OrderAcceptedEvent,
        "order_rejected": OrderRejectedEvent,
        "order_cancelled": OrderCancelledEvent,
        "order_expired": OrderExpiredEvent,
        "order_filled": OrderFilledEvent,
    },
    PositionEvent: {
        "position_opened": PositionOpenedEvent,
        "position_modified": PositionModifiedEvent,
        "position_closed": PositionClosedEvent,
    },
    PortfolioEvent: {"portfolio_value": PortfolioValueEvent, "risk_limit": RiskLimitEvent},
    SystemEvent: {"connection": ConnectionEvent, "error": ErrorEvent, "heartbeat": HeartbeatEvent},
}
PLACES = [(parent, event_type, cls) for parent, children in TREE.items() for event_type, cls in children.items()]
CLASSES = [cls for _, _, cls in PLACES]
MODULES = ("base", "market_data", "order", "position", "portfolio", "system")

each_class = pytest.mark.parametrize("cls", CLASSES)


@pytest.mark.parametrize(("parent", "event_type", "cls"), PLACES)
def test_each_class_stands_in_its_place_and_is_found_by_its_event_type(
    parent: type[BaseEvent], event_type: str, cls: type[BaseEvent]
) -> None:
    assert cls.__bases__ == (parent,)
    assert parent.__bases__ == (BaseEvent,)
    assert event_class(event_type) is cls
    assert sample(cls).event_type == event_type


def test_there_are_no_other_classes() -> None:
    assert {cls for cls in event_classes() if cls.__module__.startswith("trading.events.")} == set(CLASSES)
    assert set(SAMPLES) == set(CLASSES)
    assert event_class("no_such_type") is None


@pytest.mark.parametrize("cls", [BaseEvent, *TREE])
def test_an_abstract_class_refuses_to_be_instantiated(cls: type[BaseEvent]) -> None:
    child = sample(next(child for child in CLASSES if issubclass(child, cls)))
    fields = {name: value for name, value in child if name in cls.model_fields}
    for make in (lambda: cls(**fields), lambda: cls.model_validate(fields), cls.model_construct):
        with pytest.raises(TypeError, match=f"abstract class {cls.__name__}"):
            make()


@pytest.mark.parametrize(
    ("cls", "names"),
    [
        (TickEvent, "raw_symbol, bid, ask, last, volume, exchange_timestamp, local_timestamp"),
        (OrderSubmittedEvent, "order_id, client_order_id, side, order_type, quantity, price, strategy_id"),
        (
            PositionModifiedEvent,
            "position_id, side, quantity, entry_price, current_price, unrealized_pnl, realized_pnl",
        ),
    ],
)
def test_the_fields_that_the_request_names_stand_in_its_order(cls: type[BaseEvent], names: str) -> None:
    assert ", ".join(cls.model_fields) == f"event_id, event_type, timestamp, exchange, symbol, metadata, {names}"


@pytest.mark.parametrize(
    ("cls", "names"),
    [
        (TickEvent, "exchange, symbol, raw_symbol, exchange_timestamp"),
        (OrderSubmittedEvent, "exchange, symbol, order_id, client_order_id, side, order_type, quantity"),
        (PortfolioValueEvent, "portfolio_id, currency, total_value, cash, positions_value"),
        (HeartbeatEvent, "component, sequence"),
    ],
)
def test_a_field_without_a_default_is_required(cls: type[BaseEvent], names: str) -> None:
    with pytest.raises(ValidationError) as refused:
        cls()
    assert ", ".join(str(error["loc"][0]) for error in refused.value.errors()) == names
    assert {error["type"] for error in refused.value.errors()} == {"missing"}


@pytest.mark.parametrize("parent", [MarketDataEvent, OrderEvent, PositionEvent])
def test_market_data_orders_and_positions_always_have_exchange_and_symbol(parent: type[BaseEvent]) -> None:
    for cls in TREE[parent].values():
        for name in ("exchange", "symbol"):
            with pytest.raises(ValidationError, match=name):
                sample(cls, **{name: None})


@pytest.mark.parametrize("parent", [PortfolioEvent, SystemEvent])
def test_portfolio_and_system_events_may_have_neither(parent: type[BaseEvent]) -> None:
    for event_type, cls in TREE[parent].items():
        assert sample(cls).topic == f"events.{event_type}._._"
        assert sample(cls, exchange="okx").topic == f"events.{event_type}.okx._"
        assert sample(cls, symbol="BRK.B").topic == f"events.{event_type}._.BRK.B"


def test_an_event_gets_an_identity_of_32_hex_digits_and_the_time_now() -> None:
    before = datetime.now(UTC)
    first, second = sample(HeartbeatEvent), sample(HeartbeatEvent)
    assert len(first.event_id) == 32
    assert int(first.event_id, 16) < int(second.event_id, 16)
    assert before <= first.timestamp <= second.timestamp <= datetime.now(UTC)
    assert first.timestamp.tzinfo is UTC
    assert sample(HeartbeatEvent, event_id="any text").event_id == "any text"


@pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")
def test_the_tick_of_the_request_is_taken_as_written_there() -> None:
    tick = TickEvent(
        exchange="binance",
        symbol="BTC/USDT",
        raw_symbol="BTCUSDT",
        bid=Decimal("50000.5"),
        ask=Decimal("50000.6"),
        last=Decimal("50000.55"),
        exchange_timestamp=datetime.utcnow(),  # noqa: DTZ003 - the request writes it so
    )
    assert tick.topic == "events.tick.binance.BTC/USDT"
    assert tick.volume is None
    assert tick.exchange_timestamp.tzinfo is UTC
    assert abs(tick.exchange_timestamp - tick.local_timestamp).total_seconds() < 60


@each_class
@settings(max_examples=25)
@given(data=st.data())
def test_an_event_comes_back_the_same_from_json_pickle_and_copies(cls: type[BaseEvent], data: Any) -> None:
    event = data.draw(event_of(cls))
    returned = [
        cls.model_validate_json(event.model_dump_json()),
        cls.model_validate(event.model_dump()),
        pickle.loads(pickle.dumps(event)),
        copy.copy(event),
        copy.deepcopy(event),
        event.model_copy(),
        event.model_copy(deep=True),
    ]
    for other in returned:
        assert other == event
        assert repr(other) == repr(event)  # exact: 1.0 equals 1.00, but does not read the same
        assert type(other) is cls
        assert hash(other) == hash(event)


@given(event=events())
def test_a_topic_is_made_of_type_exchange_and_symbol(event: BaseEvent) -> None:
    assert event.topic == f"events.{event.event_type}.{event.exchange or '_'}.{event.symbol or '_'}"


@given(event=events())
def test_every_time_of_an_event_is_aware_and_in_utc(event: BaseEvent) -> None:
    times = [value for _, value in event if isinstance(value, datetime)]
    assert times
    assert all(type(time) is datetime and time.tzinfo is UTC for time in times)


@each_class
def test_an_event_is_frozen(cls: type[BaseEvent]) -> None:
    event = sample(cls)
    for name in cls.model_fields:
        with pytest.raises(ValidationError, match="frozen"):
            setattr(event, name, getattr(event, name))
        with pytest.raises(ValidationError, match="frozen"):
            delattr(event, name)


def test_the_levels_of_a_book_are_frozen_and_hashable() -> None:
    level = sample(OrderBookEvent).bids[0]
    with pytest.raises(ValidationError, match="frozen"):
        level.price = Decimal(1)
    assert hash(level) == hash(BookLevel(price=Decimal(5), quantity=Decimal(1)))


def test_a_copy_with_another_symbol_has_another_topic() -> None:
    tick = sample(TickEvent)
    assert tick.topic == "events.tick.binance.BTC/USDT"
    copied = tick.model_copy(update={"symbol": "ETH/USDT", "exchange": "okx"})
    assert copied.topic == "events.tick.okx.ETH/USDT"
    assert tick.topic == "events.tick.binance.BTC/USDT"
    assert copied.model_dump_json() != tick.model_dump_json()


@pytest.mark.parametrize(
    ("update", "words"),
    [
        ({"symbol": ""}, "symbol"),
        ({"bid": "NaN"}, "finite"),
        ({"event_type": "trade"}, "tick"),
        ({"spread": 1}, "spread"),
    ],
)
def test_a_copy_is_validated(update: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        sample(TickEvent).model_copy(update=update)


def test_a_copy_takes_what_construction_takes() -> None:
    copied = sample(TickEvent).model_copy(update={"bid": 0.1, "timestamp": datetime(2024, 1, 1)})
    assert copied.bid == Decimal("0.1")
    assert copied.timestamp == MOMENT


def test_a_deep_copy_shares_the_metadata_which_nobody_can_change() -> None:
    event = sample(TickEvent, metadata={"tags": ["a"]})
    deep = event.model_copy(update={"bid": 1}, deep=True)
    assert deep.metadata == event.metadata
    assert event.model_copy(deep=True).metadata is event.metadata


@pytest.mark.skipif(sys.version_info < (3, 13), reason="copy.replace came with Python 3.13")
def test_replace_validates_as_well() -> None:
    tick = sample(TickEvent)
    assert copy.replace(tick, symbol="ETH/USDT").topic == "events.tick.binance.ETH/USDT"
    with pytest.raises(ValidationError, match="symbol"):
        copy.replace(tick, symbol="*")


def test_events_are_equal_if_class_and_all_fields_are() -> None:
    same = {"event_id": "1", "timestamp": MOMENT}
    tick = sample(TickEvent, **same)
    assert tick == sample(TickEvent, **same)
    assert len({tick, sample(TickEvent, **same)}) == 1
    assert tick != sample(TickEvent, **same, metadata={"a": 1})
    assert sample(OrderCancelledEvent, **same) != sample(OrderExpiredEvent, **same)


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValidationError, match="spread"):
        sample(TickEvent, spread=1)


def test_a_fill_knows_whether_it_was_the_last() -> None:
    assert not sample(OrderFilledEvent).is_full
    assert sample(OrderFilledEvent, cumulative_quantity=4, remaining_quantity="0.0").is_full


@pytest.mark.parametrize("name", MODULES)
def test_every_class_and_every_field_is_documented(name: str) -> None:
    source = Path(str(importlib.import_module(f"trading.events.{name}").__file__)).read_text(encoding="utf-8")
    classes = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
    assert classes
    for cls in classes:
        assert ast.get_docstring(cls), cls.name
        following = [*cls.body[1:], ast.Pass()]
        for field, after in zip(cls.body, following, strict=True):
            if isinstance(field, ast.AnnAssign):
                text = ast.unparse(after)
                assert isinstance(after, ast.Expr), f"{cls.name}.{ast.unparse(field.target)} has no docstring"
                assert text.endswith((".'", '."', '."""')), f"{cls.name}.{ast.unparse(field.target)}: {text}"
