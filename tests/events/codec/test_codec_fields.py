"""Every type that a user's event class may have: its values come back exactly from bytes, or are refused."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Optional

import pytest
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr, field_validator, model_validator

from tests.support.classes.odd_fields import ODD_FIELDS, define
from tests.support.classes.samples import sample
from trading.events import base, decode_event, describe, encode_event, events_to_table, table_to_events
from trading.events._core import RowTable
from trading.events.base import BaseEvent
from trading.events.errors import EventDecodeError, EventEncodeError
from trading.events.market_data import TickEvent

pytestmark = pytest.mark.usefixtures("classes_are_forgotten")


def assert_comes_back(event: BaseEvent) -> None:
    table = RowTable()
    [from_columns] = table_to_events(events_to_table([event]))
    for again in (decode_event(encode_event(event)), table.unpack(table.pack(event)), from_columns):
        assert again == event
        assert repr(again) == repr(event)


@pytest.mark.parametrize(("annotation", "value"), [pytest.param(*rest, id=name) for name, *rest in ODD_FIELDS])
def test_a_field_of_any_type_comes_back_exactly(annotation: Any, value: Any) -> None:
    assert_comes_back(define(annotation)(value=value))


@pytest.mark.parametrize(("annotation", "value"), [pytest.param(*rest, id=name) for name, *rest in ODD_FIELDS])
def test_an_optional_field_of_any_type_comes_back_exactly(annotation: Any, value: Any) -> None:
    cls = define(Optional[annotation])  # noqa: UP045 - `|` does not take a mere None
    assert_comes_back(cls(value=value))
    assert_comes_back(cls(value=None))


class Cash(BaseModel):
    model_config = ConfigDict(frozen=True)

    amount: Decimal


class Share(BaseModel):
    model_config = ConfigDict(frozen=True)

    amount: Decimal
    venue: str


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (Cash | Share, Share(amount=Decimal("1.0"), venue="x")),
        (Decimal | str, "x"),
        (Decimal | str, Decimal("1.0")),
        (list[int] | list[str], ["a"]),
        (int | str | None, None),
        (dict[str, list[tuple[int, Decimal]]], {"a": [(1, Decimal("1.0"))]}),
        (tuple[()] | None, ()),
        (dict[str, Any], {"a": "text", "b": [1, 2.5, None]}),
    ],
)
def test_unions_and_what_is_nested_come_back(annotation: Any, value: Any) -> None:
    event = define(annotation)(value=value)
    table = RowTable()
    for again in (decode_event(encode_event(event)), table.unpack(table.pack(event))):
        assert again == event
        assert repr(again) == repr(event)


def test_what_only_pydantic_knows_is_named_and_comes_back() -> None:
    class SetEvent(BaseEvent):
        event_type: Literal["sets"] = "sets"
        venues: frozenset[str]
        price: Decimal

    event = SetEvent(venues=frozenset({"a"}), price=Decimal("1.0"))
    assert describe(SetEvent).pydantic_fields == ("venues",)
    assert describe(TickEvent).pydantic_fields == ()
    assert_comes_back(event)


def test_a_class_that_keeps_unknown_fields_gets_them_back() -> None:
    class OpenEvent(BaseEvent):
        model_config = ConfigDict(extra="allow")

        event_type: Literal["open"] = "open"

    event = OpenEvent.model_validate({"venue": "x", "_odd": [1, None], "__odder": {"a": 1.5}})
    assert_comes_back(event)
    assert decode_event(encode_event(event)).__pydantic_extra__ == event.__pydantic_extra__
    with pytest.raises(EventEncodeError, match=r"OpenEvent\.venue cannot be encoded: .* is no plain data"):
        encode_event(OpenEvent.model_validate({"venue": {1, 2}}))


def test_an_older_class_skips_what_it_does_not_know_and_a_newer_one_takes_defaults() -> None:
    class NewEvent(BaseEvent):
        event_type: Literal["moving"] = "moving"
        price: Decimal
        note: list[str] = Field(default_factory=lambda: ["none"])

    written = encode_event(NewEvent(price=Decimal(1), note=["x"], event_id="a"))
    table = RowTable()
    row = table.pack(NewEvent(price=Decimal(1), note=["x"], event_id="a"))
    base._CLASSES.pop("moving")

    class OldEvent(BaseEvent):
        event_type: Literal["moving"] = "moving"
        price: Decimal

    for older in (decode_event(written), table.unpack(row)):
        assert isinstance(older, OldEvent)
        assert older.price == 1
    again = encode_event(OldEvent(price=Decimal(2)))
    row = table.pack(OldEvent(price=Decimal(2)))
    base._CLASSES["moving"] = NewEvent
    for newer in (decode_event(again), table.unpack(row)):
        assert isinstance(newer, NewEvent)
        assert newer.note == ["none"]
        assert "note" not in newer.model_fields_set


def test_constraints_hold_for_what_is_decoded_and_validators_are_not_asked_again() -> None:
    class EvenEvent(BaseEvent):
        event_type: Literal["even"] = "even"
        count: int = Field(lt=100)
        limit: Annotated[int, AfterValidator(abs)] = 10
        _cached: int = PrivateAttr(default=7)

        @field_validator("count")
        @classmethod
        def _is_even(cls, value: int) -> int:
            if value % 2:
                raise ValueError(f"{value} is odd")
            return value

        @model_validator(mode="after")
        def _is_within(self) -> "EvenEvent":
            if self.count > self.limit:
                raise ValueError(f"{self.count} is above {self.limit}")
            return self

    event = EvenEvent(count=2)
    assert_comes_back(event)
    data = encode_event(event)
    assert decode_event(data.replace(b"count\x02", b"count\x0d")).count == 13
    with pytest.raises(EventDecodeError, match="count: 100 is no integer that its field may hold: that is below 100"):
        decode_event(data.replace(b"count\x02", b"count\x64"))


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            lambda event: event.__dict__.update(metadata={"a": float("nan")}),
            "TickEvent.metadata cannot be encoded: JSON has no NaN",
        ),
        (
            lambda event: event.__dict__.update(metadata={"a": Decimal(1)}),
            "metadata cannot be encoded: .*Decimal.* is no plain data",
        ),
        (lambda event: event.__dict__.update(metadata={1: 2}), "metadata cannot be encoded: a name in it is no text"),
        (
            lambda event: event.__dict__.update(metadata={"a": "\ud800"}),
            "metadata cannot be encoded: a text is no Unicode",
        ),
        (
            lambda event: event.__dict__.update(metadata={"a": nested(300)}),
            "metadata cannot be encoded: it is nested more than 192 deep",
        ),
        (
            lambda event: event.__dict__.update(bid=1.5),
            "TickEvent.bid holds what its type does not say, .*float.*: 1.5",
        ),
        (lambda event: event.__dict__.update(timestamp=datetime(2024, 1, 1)), "timestamp holds what"),
        (lambda event: event.__dict__.pop("bid"), "TickEvent.*bid is missing"),
    ],
)
def test_what_would_not_come_back_is_refused(change: Callable[[BaseEvent], None], reason: str) -> None:
    event = sample(TickEvent)
    change(event)
    for encode in (encode_event, RowTable().pack, lambda event: events_to_table([event])):
        with pytest.raises(EventEncodeError, match=reason.split(":", maxsplit=1)[0]):
            encode(event)
    with pytest.raises(EventEncodeError, match=reason):
        encode_event(event)
