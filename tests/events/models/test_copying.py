"""A copy with new values: they are validated, and the rest stays as it is."""

from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any, Literal, Self

import pytest
from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from tests.support.classes.converting import CALLS, Scaled, scale
from tests.support.classes.samples import sample
from trading.events import decode_event, encode_event
from trading.events.base import BaseEvent
from trading.events.market_data import BarEvent, QuoteEvent

pytestmark = pytest.mark.usefixtures("classes_are_forgotten", "calls_are_forgotten")


@pytest.fixture
def event() -> Any:
    """Two scaled numbers in order, and what follows from them."""

    class RangeEvent(BaseEvent):
        event_type: Literal["odd"] = "odd"
        low: Scaled
        high: Scaled = Field(alias="h", frozen=True)
        _width: Decimal = PrivateAttr()

        def model_post_init(self, context: object) -> None:
            self._width = self.high - self.low

        @cached_property
        def middle(self) -> Decimal:
            return (self.low + self.high) / 2

        @model_validator(mode="after")
        def _is_a_range(self) -> Self:
            CALLS["range"] += 1
            if self.low > self.high:
                raise ValueError(f"{self.low} is above {self.high}")
            return self

    event = RangeEvent(low=Decimal(1), h=Decimal(3))
    assert (event.low, event.high, event.middle, event._width) == (10_000, 30_000, 20_000, 20_000)
    return event


def test_a_new_value_passes_its_validators_and_the_others_are_not_asked(event: Any) -> None:
    """Turned red by: making the copy by `model_validate`; leaving what follows from the fields as it was."""
    CALLS.clear()
    copied = event.model_copy(update={"high": "5"})
    assert (copied.low, copied.high) == (10_000, 50_000)
    assert (copied.middle, copied._width) == (30_000, 40_000)
    assert CALLS == {"scale": 1, "range": 1}
    assert (event.high, event.middle, event._width) == (30_000, 20_000, 20_000)
    assert copied == type(event).model_validate(event.model_dump(exclude={"high", "low"}) | {"low": 1, "h": 5})


def test_a_copy_of_what_was_decoded_leaves_that_as_it_was(event: Any) -> None:
    """Turned red by: adding to the set of names that decoded events share."""
    sparse = decode_event(encode_event(event))
    before = set(sparse.model_fields_set)
    assert sparse.model_copy(update={"exchange": "x"}).exchange == "x"
    assert (sparse.exchange, sparse.model_fields_set) == (None, before)


@pytest.mark.parametrize(
    ("update", "field", "words"),
    [
        ({"low": "x"}, ("low",), "valid decimal"),
        ({"h": 1}, ("h",), "no attribute 'h'"),
        ({"low": 9}, (), "90000 is above 30000"),
        ({"high": None}, ("high",), "Decimal"),
    ],
)
def test_what_is_impossible_is_refused_with_its_field(
    event: Any, update: dict[str, Any], field: tuple[str, ...], words: str
) -> None:
    with pytest.raises(ValidationError, match=words) as refused:
        event.model_copy(update=update)
    assert [error["loc"] for error in refused.value.errors()] == [field]
    assert refused.value.title == "RangeEvent"


def test_a_rule_of_our_own_holds_for_a_copy() -> None:
    with pytest.raises(ValidationError, match="is below low"):
        sample(BarEvent).model_copy(update={"high": 0})
    with pytest.raises(ValidationError, match="without a bid"):
        sample(QuoteEvent).model_copy(update={"bid": None})
    moved = sample(BarEvent).model_copy(update=dict.fromkeys(("open", "high", "low", "close"), 7))
    assert moved.high == moved.low == 7


def test_a_model_validator_changes_only_what_is_updated() -> None:
    class OddEvent(BaseEvent):
        event_type: Literal["odd"] = "odd"
        one: Decimal
        two: Decimal

        @model_validator(mode="after")
        def _scale(self, info: ValidationInfo) -> Self:
            return type(self).model_construct(**dict(self) | {"one": scale(self.one), "two": scale(self.two)})

        @model_validator(mode="before")
        @classmethod
        def _rename(cls, data: dict[str, Any]) -> dict[str, Any]:
            return {"one": data["1"], "two": data["2"]}

    event = OddEvent.model_validate({"1": 1, "2": 2})
    copied = event.model_copy(update={"two": 3})
    assert (copied.one, copied.two) == (10_000, 30_000)


def test_a_validator_sees_the_fields_before_its_own_as_in_construction() -> None:
    class OddEvent(BaseEvent):
        event_type: Literal["odd"] = "odd"
        one: int
        two: int

        @field_validator("*")
        @classmethod
        def _is_within(cls, value: Any, info: ValidationInfo) -> Any:
            assert "two" not in info.data
            if info.field_name == "two" and info.data["one"] > value:
                raise ValueError("one is above two")
            return value

    event = OddEvent(one=1, two=2)
    assert event.model_copy(update={"two": 7, "one": 5, "exchange": "x"}).one == 5
    with pytest.raises(ValidationError, match="one is above two"):
        event.model_copy(update={"two": 0})


def test_other_fields_than_its_own_are_kept_and_given_anew() -> None:
    class OddEvent(BaseEvent):
        model_config = ConfigDict(extra="allow")
        __pydantic_extra__: dict[str, Annotated[int, AfterValidator(scale)]]
        event_type: Literal["odd"] = "odd"

    event = OddEvent.model_validate({"one": 1, "two": 2})
    copied = event.model_copy(update={"two": "3", "three": 4, "symbol": "x"})
    assert copied.model_extra == {"one": 10_000, "two": 30_000, "three": 40_000}
    assert event.model_extra == {"one": 10_000, "two": 20_000}
    with pytest.raises(ValidationError, match="three"):
        event.model_copy(update={"three": "x"})
