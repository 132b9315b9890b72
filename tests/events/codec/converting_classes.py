"""Event classes that change their values in each way there is when they are made, each with an event."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    AliasChoices,
    AliasPath,
    ConfigDict,
    Field,
    FutureDatetime,
    PastDatetime,
    PrivateAttr,
    computed_field,
    field_serializer,
    field_validator,
    model_serializer,
    model_validator,
)

from tests.support.classes.converting import CALLS, ONE, Scaled, scale, scale_around, scale_text
from tests.support.classes.samples import MOMENT, sample
from trading.events.base import Amount, BaseEvent
from trading.events.market_data import TradeEvent

Odd = Literal["odd"]
CASES: dict[str, Callable[[], BaseEvent]] = {}


def case(make: Callable[[], BaseEvent]) -> Callable[[], BaseEvent]:
    """Enters a case by the function's name."""
    CASES[make.__name__.replace("_", " ")] = make
    return make


@case
def a_field_validator_after() -> BaseEvent:
    class OddEvent(BaseEvent):
        event_type: Odd
        value: Decimal
        _scale = field_validator("value")(scale)

    return OddEvent(value=ONE)


@case
def a_field_validator_before() -> BaseEvent:
    class OddEvent(BaseEvent):
        event_type: Odd
        value: Decimal
        _scale = field_validator("value", mode="before")(scale_text)

    return OddEvent(value=ONE)


@case
def a_field_validator_around() -> BaseEvent:
    class OddEvent(BaseEvent):
        event_type: Odd
        value: Decimal
        _scale = field_validator("value", mode="wrap")(scale_around)

    return OddEvent(value=ONE)


@case
def a_field_validator_instead() -> BaseEvent:
    class OddEvent(BaseEvent):
        event_type: Odd
        value: Decimal
        _scale = field_validator("value", mode="plain")(scale_text)

    return OddEvent(value=ONE)


@case
def a_field_validator_of_every_field() -> BaseEvent:
    class OddEvent(BaseEvent):
        event_type: Odd
        value: str

        @field_validator("*")
        @classmethod
        def _count(cls, value: Any) -> Any:
            CALLS["every"] += 1
            return value + "!" if value == "a" else value

    return OddEvent(value="a")


@case
def a_model_validator_after_that_sets() -> BaseEvent:
    class OddEvent(BaseEvent):
        event_type: Odd
        value: Decimal

        @model_validator(mode="after")
        def _scale(self) -> Self:
            vars(self)["value"] = scale(self.value)
            return self

    return OddEvent(value=ONE)


@case
def a_model_validator_before() -> BaseEvent:
    class OddEvent(BaseEvent):
        event_type: Odd
        value: Decimal

        @model_validator(mode="before")
        @classmethod
        def _scale(cls, data: dict[str, Any]) -> dict[str, Any]:
            return data | {"value": scale(data["value"])}

    return OddEvent(value=ONE)


@case
def a_model_validator_around() -> BaseEvent:
    class OddEvent(BaseEvent):
        event_type: Odd
        value: Decimal

        @model_validator(mode="wrap")
        @classmethod
        def _scale(cls, data: Any, handler: Any) -> Any:
            return handler(data | {"value": scale(data["value"])})

    return OddEvent(value=ONE)


@case
def a_model_validator_that_asks_the_clock() -> BaseEvent:
    class OddEvent(BaseEvent):
        event_type: Odd
        value: int

        @model_validator(mode="after")
        def _only_once(self) -> Self:
            CALLS["once"] += 1
            if CALLS["once"] > 1:
                raise ValueError("it is too late")
            return self

    return OddEvent(value=1)


@case
def a_constructor_of_its_own() -> BaseEvent:
    class OddEvent(BaseEvent):
        event_type: Odd
        value: Decimal

        def __init__(self, value: Decimal, **others: Any) -> None:
            super().__init__(value=scale(value), **others)

    return OddEvent(ONE)


@case
def a_maker_of_its_own() -> BaseEvent:
    class OddEvent(BaseEvent):
        event_type: Odd
        value: Decimal

        def __new__(cls, value: Decimal, **others: Any) -> Self:
            CALLS["new"] += 1
            return super().__new__(cls)

    return OddEvent(value=ONE)


@case
def what_follows_construction_changes_a_field() -> BaseEvent:
    class OddEvent(BaseEvent):
        event_type: Odd
        value: Decimal

        def model_post_init(self, context: object) -> None:
            vars(self)["value"] = scale(self.value)

    return OddEvent(value=ONE)


@case
def private_attributes_by_default() -> BaseEvent:
    class OddEvent(BaseEvent):
        event_type: Odd
        value: Scaled
        _seen: list[int] = PrivateAttr(default_factory=list)

    return OddEvent(value=ONE)


@case
def private_attributes_that_follow_from_fields() -> BaseEvent:
    class OddEvent(BaseEvent):
        event_type: Odd
        value: Scaled
        _half: Decimal = PrivateAttr()

        def model_post_init(self, context: object) -> None:
            self._half = self.value / 2
            vars(self)["symbol"] = f"{self.symbol}X"

    event = OddEvent(value=ONE, symbol="A")
    assert (event._half, event.symbol) == (5500, "AX")
    return event


@case
def what_is_computed_and_serialized() -> BaseEvent:
    class OddEvent(BaseEvent):
        event_type: Odd
        value: Scaled

        @computed_field
        def twice(self) -> Decimal:
            return self.value * 2

        @cached_property
        def thrice(self) -> Decimal:
            return self.value * 3

        @field_serializer("value")
        def _hide(self, _: Decimal) -> str:
            return "hidden"

        @model_serializer
        def _hide_all(self) -> str:
            return "hidden"

    event = OddEvent(value=ONE)
    assert event.thrice == 33000
    return event


@case
def defaults() -> BaseEvent:
    class OddEvent(BaseEvent):
        model_config = ConfigDict(validate_default=True)
        event_type: Odd
        value: Scaled = Decimal(2)
        other: Scaled = Field(default_factory=lambda data: data["value"])
        third: int = Field(3, init=False)

    return OddEvent(timestamp=MOMENT)


@case
def aliases() -> BaseEvent:
    class OddEvent(BaseEvent):
        model_config = ConfigDict(alias_generator=str.upper, extra="ignore")
        event_type: Odd
        value: Scaled
        other: Scaled = Field(validation_alias=AliasChoices("o", "p"), serialization_alias="q")
        third: Scaled = Field(validation_alias=AliasPath("third", 0))

    return OddEvent.model_validate({"VALUE": ONE, "p": ONE, "third": [ONE]})


@case
def other_fields_of_a_type() -> BaseEvent:
    class OddEvent(BaseEvent):
        model_config = ConfigDict(extra="allow")
        __pydantic_extra__: dict[str, Annotated[int, AfterValidator(scale)]]
        event_type: Odd
        value: Scaled

    return OddEvent.model_validate({"value": ONE, "other": 1})


@case
def one_that_may_be_changed() -> BaseEvent:
    class OddEvent(BaseEvent):
        model_config = ConfigDict(frozen=False, validate_assignment=True)
        event_type: Odd
        value: Scaled

    event = OddEvent(value=ONE)
    event.value = Decimal(2)
    return event


@case
def one_of_our_own_with_more_to_it() -> BaseEvent:
    class OddEvent(TradeEvent):
        event_type: Odd  # type: ignore[assignment]
        price: Annotated[Amount, AfterValidator(scale)]
        _scale = field_validator("quantity")(scale)

    return OddEvent(**sample(TradeEvent).model_dump(exclude={"event_type"}))


@case
def moments_that_pass() -> BaseEvent:
    class OddEvent(BaseEvent):
        event_type: Odd
        until: FutureDatetime
        since: PastDatetime | None

    # What was the future when it was made.
    made = OddEvent(until=datetime.now(UTC) + timedelta(days=1), since=None)
    vars(made).update(until=MOMENT, since=datetime(2999, 1, 1, tzinfo=UTC))
    return made
