"""Types with validators, serializers and initializers that change values each time they are called, and count that."""

import dataclasses
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, NamedTuple, Self, TypeVar

from annotated_types import Predicate
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FutureDatetime,
    GetCoreSchemaHandler,
    PlainSerializer,
    PlainValidator,
    PrivateAttr,
    RootModel,
    WrapSerializer,
    WrapValidator,
    computed_field,
    field_serializer,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic.dataclasses import dataclass as checked_dataclass
from pydantic_core import CoreSchema, core_schema
from typing_extensions import TypedDict

CALLS: Counter[str] = Counter()
"""How often the functions below were called."""


def scale(value: Any) -> Any:
    """Ten thousand times as much."""
    CALLS["scale"] += 1
    return value * 10_000


def scale_around(value: Any, handler: Any) -> Any:
    """The same, around what is validated otherwise."""
    return scale(handler(value))


def scale_text(value: Any) -> Any:
    """The same, whatever the value is made of."""
    return scale(Decimal(value))


def hide_all(value: Any, handler: Any) -> str:
    """The same, around another one."""
    return "hidden"


def hide(value: Any) -> str:
    """A serializer that tells nothing of the value."""
    return "hidden"


def accept(value: Any) -> bool:
    """A predicate that holds once for each value."""
    CALLS["accept"] += 1
    return CALLS["accept"] == 1


Scaled = Annotated[Decimal, AfterValidator(scale)]


class Price(BaseModel):
    model_config = ConfigDict(frozen=True)
    amount: Scaled
    _note: str = PrivateAttr("none")

    @model_validator(mode="after")
    def _count(self) -> Self:
        CALLS["model"] += 1
        return self

    @field_serializer("amount")
    def _hide(self, _: Decimal) -> str:
        return "hidden"

    @computed_field
    def twice(self) -> Decimal:
        return self.amount * 2


class Node(BaseModel):
    model_config = ConfigDict(frozen=True)
    amount: Scaled
    kids: tuple["Node", ...] = ()

    @model_serializer
    def _hide(self) -> str:
        return "hidden"


class Amount(RootModel[Scaled]):
    model_config = ConfigDict(frozen=True)


@dataclasses.dataclass(frozen=True)
class Size:
    amount: Scaled

    def __post_init__(self) -> None:
        object.__setattr__(self, "amount", self.amount + 1)


@checked_dataclass(frozen=True)
class CheckedSize:
    amount: Decimal

    @field_validator("amount")
    @classmethod
    def _scale(cls, value: Decimal) -> Decimal:
        return Decimal(scale(value))


class Row(TypedDict):
    amount: Scaled


class Pair(NamedTuple):
    amount: Scaled
    name: str


class Buy(BaseModel):
    model_config = ConfigDict(frozen=True)
    side: Literal["buy"] = "buy"
    amount: Scaled


class Sell(BaseModel):
    model_config = ConfigDict(frozen=True)
    side: Literal["sell"] = "sell"
    amount: Scaled


T = TypeVar("T")


class Box(BaseModel, Generic[T]):
    model_config = ConfigDict(frozen=True)
    held: T


class Doubled:
    """Makes lists of texts, which is part of the type."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = core_schema.no_info_after_validator_function(lambda text: [text], handler(source))
        alone = core_schema.list_schema(core_schema.str_schema(), min_length=1)
        return core_schema.union_schema([schema, alone])


ONE = Decimal("1.10")

FIELDS: list[tuple[str, Any, Any]] = [
    ("after", Scaled, ONE),
    ("before", Annotated[Decimal, BeforeValidator(scale_text)], "1.10"),
    ("wrap", Annotated[Decimal, WrapValidator(scale_around)], ONE),
    ("plain", Annotated[Decimal, PlainValidator(scale_text)], "1.10"),
    ("several", Annotated[Decimal, BeforeValidator(scale_text), AfterValidator(scale)], "1"),
    ("predicate", Annotated[int, Predicate(accept)], 1),
    ("serializer", Annotated[Decimal, PlainSerializer(hide)], ONE),
    ("wrapping serializer", Annotated[Decimal, WrapSerializer(hide_all)], ONE),
    ("optional", Scaled | None, ONE),
    ("list", list[Scaled], [ONE, ONE]),
    ("set", frozenset[Scaled], {ONE}),
    ("keys", dict[Scaled, Scaled], {ONE: ONE}),
    ("union", int | Annotated[str, AfterValidator(str.swapcase)], "a"),
    ("model", Price, {"amount": ONE}),
    ("model in a set", frozenset[Price], [{"amount": ONE}]),
    ("model in a union", Price | Row, {"amount": ONE}),
    ("tree in a set", frozenset[Node], [{"amount": ONE, "kids": [{"amount": 1}]}]),
    ("root model", Amount, ONE),
    ("dataclass", Size, {"amount": ONE}),
    ("dataclass of Pydantic", CheckedSize, {"amount": ONE}),
    ("typed dict", Row, {"amount": ONE}),
    ("named tuple", Pair, (ONE, "a")),
    ("told by a field", frozenset[Annotated[Buy | Sell, Field(discriminator="side")]], [{"side": "sell", "amount": 1}]),
    ("generic", Box[Scaled], {"held": ONE}),
    ("generic in a set", frozenset[Box[Scaled]], [{"held": ONE}]),
    ("made and added", Annotated[Path, AfterValidator(lambda path: path / "x")], "a"),
    ("what makes a type", Annotated[str, Doubled()], "a"),
    ("future in a set", frozenset[FutureDatetime], [datetime.now(UTC) + timedelta(hours=1)]),
]
"""Types by name, each with what a field of it is made of."""
