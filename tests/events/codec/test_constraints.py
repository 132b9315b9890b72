"""What a class declares of its values holds for whatever is read; what makes a type is a part of it."""

import logging
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import msgpack
import pyarrow as pa
import pytest
from annotated_types import Len, Predicate
from pydantic import (
    UUID4,
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    PlainSerializer,
    PlainValidator,
    PrivateAttr,
    StringConstraints,
    field_validator,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema

from tests.support.classes.converting import CALLS, scale
from tests.support.classes.odd_fields import define
from tests.support.classes.samples import MOMENT, sample
from trading.events import (
    UnstorableEventError,
    decode_event,
    encode_batch,
    encode_event,
    events_to_table,
    table_to_events,
)
from trading.events.base import BaseEvent
from trading.events.errors import EventDecodeError
from trading.events.market_data import BarEvent, OrderBookEvent, QuoteEvent
from trading.events.order import OrderFilledEvent
from trading.events.persistence.schema.decoding import Kind, Rows
from trading.events.persistence.schema.event_schema import event_schema
from trading.events.position import PositionClosedEvent

pytestmark = pytest.mark.usefixtures("classes_are_forgotten", "calls_are_forgotten")


def checking(value: Any) -> Any:
    """A validator that leaves the value as it is."""
    return value


@pytest.mark.parametrize("validator", [None, AfterValidator(checking)])
@pytest.mark.parametrize(
    ("annotation", "good", "bad", "reason"),
    [
        (Annotated[int, Field(ge=0)], 1, -1, "that is at least 0"),
        (Annotated[int, Field(multiple_of=5)], 10, 7, "multiple of 5"),
        (Annotated[int, Field(ge=Decimal(1))], 1, 0, "greater than or equal to 1"),
        (Annotated[Decimal, Field(gt=0)], Decimal(1), "-1", "that is above 0"),
        (Annotated[Decimal, Field(le=Decimal("9.5"))], Decimal(9), "10", "less than or equal to 9.5"),
        (Annotated[Decimal, Field(max_digits=3, decimal_places=1)], Decimal("1.1"), "1.11", "1 decimal place"),
        (Annotated[Decimal, Field(multiple_of=Decimal("0.05"))], Decimal("1.10"), "1.11", "multiple of 0.05"),
        (Annotated[float, Field(lt=2.5)], 1.5, 3.5, "that is below 2.5"),
        (Annotated[str, Field(max_length=3)], "abc", "abcd", "at most 3 long"),
        (Annotated[str, Field(pattern="^a")], "abc", "bcd", "pattern"),
        (Annotated[str, StringConstraints(to_upper=True, min_length=2)], "AB", "a", "at least 2 long"),
        (UUID4, UUID("00000000-0000-4000-8000-000000000001"), UUID(int=1).bytes, "UUID version 4"),
        (Annotated[list[int], Len(1, 2)], [1], [1, 2, 3], "at most 2 long"),
        (list[Annotated[int, Field(multiple_of=5)]], [5], [5, 6], "multiple of 5"),
        (Annotated[int | str, Field(ge=1)] | None, 1, 0, "greater than or equal to 1"),
        (frozenset[Annotated[int, Field(ge=0)]], frozenset({1}), [-1], "greater than or equal to 0"),
        (AwareDatetime, MOMENT, "2024-01-01T00:00:00", "timezone"),
        (Annotated[datetime, Field(gt=datetime(2020, 1, 1))], datetime(2021, 1, 1), "2019-01-01", "greater than"),
    ],
)
def test_declared_constraints_hold_for_bytes_of_others(
    annotation: Any, good: Any, bad: Any, reason: str, validator: Any
) -> None:
    """Turned red by: leaving out a constraint that is not known natively, or that of a field with a validator."""
    event = define(annotation if validator is None else Annotated[annotation, validator])(value=good)
    said = msgpack.unpackb(encode_event(event))
    assert decode_event(msgpack.packb(said)).value == good  # type: ignore[attr-defined]
    with pytest.raises(EventDecodeError, match=f"(?s)value: .*{reason}"):
        decode_event(msgpack.packb(said | {"value": bad}))


@pytest.mark.parametrize(("name", "bad"), [("a", "abcd"), ("b", ["abc", "a"]), ("c", {"abcd": 1}), ("d", "a" * 10)])
def test_the_lengths_that_a_class_gives_its_texts_hold_for_bytes_of_others(name: str, bad: Any) -> None:
    """Turned red by: not giving them to texts that have none of their own."""

    class OddEvent(BaseEvent):
        event_type: Literal["odd"] = "odd"
        model_config = ConfigDict(str_min_length=2, str_max_length=3)
        a: str = "abc"
        b: list[str]
        c: dict[str, int]
        d: Annotated[str, Field(max_length=9)] = "abcdefghi"

    event = OddEvent(b=["ab"], c={"ab": 1})
    said = msgpack.unpackb(encode_event(event))
    assert decode_event(msgpack.packb(said)) == event
    with pytest.raises(EventDecodeError, match=f"{name}: its length is out of bounds"):
        decode_event(msgpack.packb(said | {name: bad}))


@pytest.mark.parametrize(
    ("cls", "change", "reason"),
    [
        (BarEvent, {"high": "1"}, "high 1 is below low"),
        (BarEvent, {"open": "1000000"}, "open 1000000 is outside"),
        (QuoteEvent, {"bid": None}, "without a bid"),
        (OrderFilledEvent, {"remaining_quantity": "7777"}, "do not add up"),
        (OrderBookEvent, {"bids": [{"price": "1", "quantity": "1"}] * 2}, "name the price 1 twice"),
        (OrderBookEvent, {"asks": [{"price": "1", "quantity": "-1"}]}, "asks: quantity: .* at least 0"),
        (PositionClosedEvent, {"open_time": msgpack.Timestamp(2**31)}, "is before open_time"),
    ],
)
def test_the_rules_of_our_own_classes_hold_also_in_subclasses(
    cls: type[BaseEvent], change: dict[str, Any], reason: str
) -> None:
    """Turned red by: forgetting the rules that a class inherits."""
    inherited = {"__annotations__": {"event_type": Literal["odd"]}, "__module__": __name__, "event_type": "odd"}
    for each in (cls, type("Odd", (cls,), inherited | {"_check": field_validator("symbol")(checking)})):
        event = each(**sample(cls).model_dump(exclude={"event_type"}))
        with pytest.raises(EventDecodeError, match=reason):
            decode_event(msgpack.packb(msgpack.unpackb(encode_event(event)) | change))


def define_negating() -> BaseEvent:
    class OddEvent(BaseEvent):
        event_type: Literal["odd"] = "odd"
        value: Annotated[Decimal, Field(gt=0)]
        _negate = field_validator("value")(lambda value: -value)

    return OddEvent(value=Decimal(1))


def define_setting() -> BaseEvent:
    class OddEvent(BaseEvent):
        event_type: Literal["odd"] = "odd"
        value: Annotated[Decimal, Field(gt=0)]

        @model_validator(mode="after")
        def _negate(self) -> Any:
            vars(self)["value"] = -self.value
            return self

    return OddEvent(value=Decimal(1))


def define_nested() -> BaseEvent:
    class Part(BaseModel):
        value: Annotated[int, Field(multiple_of=7), AfterValidator(lambda value: value + 1)]

    class OddEvent(BaseEvent):
        event_type: Literal["odd"] = "odd"
        parts: list[Part]

    return OddEvent(parts=[Part(value=7)])


@pytest.mark.parametrize("make", [define_negating, define_setting, define_nested])
def test_what_a_validator_has_made_against_its_class_s_constraints_is_refused_at_the_door(
    make: Callable[[], BaseEvent],
) -> None:
    """Turned red by: not reading an event of such a class once."""
    event = make()
    for encode in (encode_event, lambda event: encode_batch([event]), lambda event: events_to_table([event])):
        with pytest.raises(UnstorableEventError, match=r"OddEvent.* cannot be encoded: .*(constraints|multiple of 7)"):
            encode(event)


class Shouted(str):
    """A type that makes itself."""

    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(cls, core_schema.str_schema())


class AsPath:
    """Makes paths of texts."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        to_text = core_schema.plain_serializer_function_ser_schema(str)
        return core_schema.no_info_after_validator_function(Path, handler(source), serialization=to_text)


class Foreign:
    """A type that Pydantic knows nothing of."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Foreign) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"Foreign({self.text!r})"


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (Shouted, Shouted("a")),
        (Annotated[str, AsPath()], "a/b"),
        (Annotated[str, AsPath()] | None, "a/b"),
        (frozenset[Annotated[str, AsPath()]], {"a/b"}),
    ],
)
def test_what_makes_a_type_is_a_part_of_it(annotation: Any, value: Any) -> None:
    """Turned red by: taking every function for one that was added."""
    event = define(annotation)(value=value)
    for again in (decode_event(encode_event(event)), table_to_events(events_to_table([event]))[0]):
        assert again == event
        assert repr(again) == repr(event)


@pytest.mark.parametrize("kind", [PlainValidator, BeforeValidator])
def test_a_type_that_is_made_by_what_was_added_comes_back(kind: Any) -> None:
    """Turned red by: taking a validator away from a type of which Pydantic knows nothing else."""

    def make(value: Any) -> Foreign:
        return value if isinstance(value, Foreign) else Foreign(value)

    made = Annotated[Foreign, kind(make), PlainSerializer(lambda value: value.text)]
    config = ConfigDict(arbitrary_types_allowed=True)
    event = define(made, config=config)(value="a")
    assert decode_event(encode_event(event)) == event


def test_a_predicate_is_a_function_that_was_added() -> None:
    event = define(Annotated[int, Predicate(lambda value: value > 0)])(value=1)
    said = msgpack.unpackb(encode_event(event))
    assert decode_event(msgpack.packb(said | {"value": -1})).value == -1  # type: ignore[attr-defined]


def test_a_missing_field_takes_its_default_validated_where_the_class_says_so() -> None:
    """Turned red by: taking the default as it is written."""

    class OddEvent(BaseEvent):
        event_type: Literal["odd"] = "odd"
        value: Decimal
        other: Decimal = Field("1.50", validate_default=True)  # type: ignore[assignment]
        third: Decimal = Field(default_factory=lambda data: data["other"] * 2)

    said = msgpack.unpackb(encode_event(OddEvent(value=Decimal(1))))
    again: Any = decode_event(msgpack.packb({key: said[key] for key in said if key not in {"other", "third"}}))
    assert (again.other, again.third) == (Decimal("1.50"), Decimal("3.00"))


def test_what_initializes_an_event_and_raises_later_does_not_refuse_it(caplog: pytest.LogCaptureFixture) -> None:
    """Turned red by: letting the exception through."""

    class OddEvent(BaseEvent):
        event_type: Literal["odd"] = "odd"
        _seen: int = PrivateAttr(7)

        def model_post_init(self, context: object) -> None:
            CALLS["init"] += 1
            if CALLS["init"] > 1:
                raise ValueError("it is too late")

    event = OddEvent()
    with caplog.at_level(logging.WARNING, "trading.events"):
        again: Any = [decode_event(encode_event(event)) for _ in range(3)][-1]
    assert (again.event_id, again._seen) == (event.event_id, 7)
    [told] = caplog.messages
    assert "OddEvent" in told
    assert "it is too late" in told


def test_rows_of_another_form_are_converted_and_not_validated() -> None:
    """Turned red by: reading what was stored in another form by Pydantic's own schema of the class."""

    def store(annotation: Any, value: Any) -> tuple[pa.RecordBatch, Any]:
        event = define(annotation)(value=value)
        schema = event_schema(type(event))
        return schema.encode([event], [1]).to_batches()[0], {each.name: each.stored for each in schema.columns}

    batch, stored = store(int, 3)
    newer = define(Annotated[Decimal, AfterValidator(scale), Field(ge=0)])
    [again] = Rows(Kind.of(newer, stored), batch).decode([0])  # type: ignore[arg-type]
    assert repr(again.value) == "Decimal('3')"  # type: ignore[attr-defined]
    assert CALLS == {}
    batch, stored = store(int, -3)
    with pytest.raises(EventDecodeError, match="greater than or equal to 0"):
        Rows(Kind.of(newer, stored), batch).decode([0])  # type: ignore[arg-type]
