"""A user's own event class works by being defined; one that could not is refused at its definition."""

import pickle
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, TypeVar

import pytest
from pydantic import BaseModel, Field, ValidationError

from tests.support.classes.samples import MOMENT
from trading.events.base import Amount, BaseEvent, Count, event_class, event_classes
from trading.events.errors import EventDefinitionError, EventError
from trading.events.market_data import MarketDataEvent, TickEvent

pytestmark = pytest.mark.usefixtures("classes_are_forgotten")

T = TypeVar("T")


def define_funding_rate() -> type[Any]:
    class FundingRateEvent(MarketDataEvent):
        event_type: Literal["funding_rate"] = "funding_rate"
        rate: Amount

    return FundingRateEvent


def test_a_class_with_a_literal_is_an_event_class_at_once() -> None:
    cls = define_funding_rate()
    assert event_class("funding_rate") is cls
    assert list(event_classes())[-1] is cls
    event = cls(exchange="binance", symbol="BTC/USDT", rate=0.0001)
    assert event.topic == "events.funding_rate.binance.BTC/USDT"
    assert event.rate == Decimal("0.0001")
    assert cls.model_validate_json(event.model_dump_json()) == event
    with pytest.raises(ValidationError, match="frozen"):
        event.rate = Decimal(1)


def test_the_literal_is_the_default_where_none_is_written() -> None:
    class ListingEvent(MarketDataEvent):
        event_type: Literal["listing"]
        price: Amount

    event = ListingEvent(exchange="binance", symbol="X", price=Decimal(1), timestamp=MOMENT)
    assert event.event_type == "listing"
    assert ListingEvent.model_validate_json(event.model_dump_json()) == event
    with pytest.raises(ValidationError, match="listing"):
        ListingEvent.model_validate(event.model_dump() | {"event_type": "other"})

    class SecondListingEvent(ListingEvent):
        event_type: Literal["second_listing"]

    assert SecondListingEvent(exchange="x", symbol="y", price=Decimal(1)).topic == "events.second_listing.x.y"


def test_the_literal_may_be_annotated() -> None:
    class HaltEvent(MarketDataEvent):
        event_type: Annotated[Literal["halt"], Field(description="Always `halt`.")] = "halt"

    assert HaltEvent(exchange="nyse", symbol="GME").topic == "events.halt.nyse.GME"


def test_a_field_may_name_a_class_that_comes_later() -> None:
    class Chain(BaseEvent):
        event_type: Literal["chain"]
        links: "list[Link]"

    class Link(BaseModel):
        strike: Amount

    Chain.model_rebuild()
    event = Chain.model_validate({"links": [{"strike": "1.50"}]})
    assert event.event_type == "chain"
    assert event.links[0].strike == Decimal("1.50")


def test_a_class_without_a_literal_is_abstract_and_groups_its_subclasses() -> None:
    class OptionEvent(MarketDataEvent):
        strike: Amount

    class ExerciseEvent(OptionEvent):
        event_type: Literal["exercise"] = "exercise"

    with pytest.raises(TypeError, match="abstract class OptionEvent"):
        OptionEvent(event_type="option", exchange="x", symbol="y", strike=Decimal(1))
    event = ExerciseEvent(exchange="x", symbol="y", strike=Decimal(1))
    assert isinstance(event, OptionEvent)


def test_the_same_class_may_be_defined_again_as_a_notebook_does() -> None:
    first, second = define_funding_rate(), define_funding_rate()
    assert first is not second
    assert event_class("funding_rate") is second


def test_two_classes_of_one_event_type_are_an_error_at_definition() -> None:
    first = define_funding_rate()
    with pytest.raises(EventDefinitionError, match=r"Other has the event_type 'funding_rate' of .*FundingRateEvent"):

        class Other(BaseEvent):
            event_type: Literal["funding_rate"] = "funding_rate"

    assert event_class("funding_rate") is first


def test_a_class_of_the_package_keeps_its_event_type() -> None:
    with pytest.raises(EventDefinitionError, match=r"'tick' of trading\.events\.market_data\.TickEvent"):

        class Other(BaseEvent):
            event_type: Literal["tick"] = "tick"

    assert event_class("tick") is TickEvent


def test_a_subclass_of_a_concrete_class_needs_a_literal_of_its_own() -> None:
    with pytest.raises(EventDefinitionError, match=r"RichTick has the event_type 'tick' of .* a Literal of its own"):

        class RichTick(TickEvent):
            spread: Amount

    class OwnTick(TickEvent):
        event_type: Literal["own_tick"] = "own_tick"
        spread: Amount

    assert event_class("own_tick") is OwnTick


def define_several() -> None:
    class Several(BaseEvent):
        event_type: Literal["one", "two"]


def define_number() -> None:
    class Number(BaseEvent):
        event_type: Literal[1]


def define_capital() -> None:
    class Capital(BaseEvent):
        event_type: Literal["Funding"]


def define_dotted() -> None:
    class Dotted(BaseEvent):
        event_type: Literal["funding.rate"]


def define_empty() -> None:
    class Empty(BaseEvent):
        event_type: Literal[""]


def define_plain_text() -> None:
    class PlainText(BaseEvent):
        event_type: str = "funding"


def define_another_default() -> None:
    class AnotherDefault(BaseEvent):
        event_type: Literal["funding"] = "fundign"


@pytest.mark.parametrize(
    ("define", "words"),
    [
        (define_several, r"Several\.event_type must be a Literal of one text, not of \('one', 'two'\)"),
        (define_number, r"Number\.event_type must be a Literal of one text"),
        (define_capital, r"Capital: \"Funding\" cannot be an event type: .* lower-case"),
        (define_dotted, r"Dotted: \"funding\.rate\" cannot be an event type"),
        (define_empty, r"Empty: \"\" cannot be an event type"),
        (define_plain_text, r"PlainText\.event_type is not a Literal; write event_type: Literal\['funding'\]"),
        (define_another_default, r"AnotherDefault\.event_type is 'funding', its default 'fundign'"),
    ],
)
def test_an_event_type_that_is_no_single_name_is_refused_at_definition(define: Callable[[], None], words: str) -> None:
    before = list(event_classes())
    with pytest.raises(EventDefinitionError, match=words) as refused:
        define()
    assert isinstance(refused.value, TypeError)
    assert isinstance(refused.value, EventError)
    assert list(event_classes()) == before


class SignalEvent(BaseEvent, Generic[T]):
    """Generic and concrete; at the top of the module, where pickle finds it and its parametrizations."""

    event_type: Literal["signal"] = "signal"
    payload: T


COUNTED = SignalEvent[Count]


def test_a_generic_class_is_one_event_class_with_all_its_parametrizations() -> None:
    event = COUNTED(payload=3)
    assert event_class("signal") is SignalEvent
    assert event.topic == "events.signal._._"
    assert COUNTED.model_validate_json(event.model_dump_json()) == event
    assert pickle.loads(pickle.dumps(event)) == event
    with pytest.raises(ValidationError, match="payload"):
        COUNTED(payload=-1)


def test_a_generic_class_without_a_literal_is_abstract_with_all_its_parametrizations() -> None:
    class Wrapped(BaseEvent, Generic[T]):
        payload: T

    for cls in (Wrapped, Wrapped[int]):
        with pytest.raises(TypeError, match="abstract class Wrapped"):
            cls(event_type="wrapped", payload=1)

    class WrappedCount(Wrapped[Count]):
        event_type: Literal["wrapped_count"] = "wrapped_count"

    assert WrappedCount(payload=3).topic == "events.wrapped_count._._"
    with pytest.raises(ValidationError, match="payload"):
        WrappedCount(payload=-1)
