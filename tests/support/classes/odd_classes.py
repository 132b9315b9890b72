"""Event classes as people write them, and events of them."""

import enum
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, NamedTuple, Optional, TypeVar
from zoneinfo import ZoneInfo

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PrivateAttr,
    SecretStr,
    SkipValidation,
    computed_field,
    field_serializer,
)
from pydantic.dataclasses import dataclass as pydantic_dataclass
from typing_extensions import TypeAliasType, TypedDict

from tests.support.classes.odd_fields import Leg, define
from trading.events.base import BaseEvent
from trading.events.market_data import TickEvent
from trading.events.order import OrderEvent

T = TypeVar("T")
Make = Callable[[], BaseEvent]


class Kind(enum.StrEnum):
    SIGNAL = "odd_signal"


class OldKind(str, enum.Enum):  # noqa: UP042 - as people wrote it before Python 3.11
    ALARM = "odd_alarm"


class Permission(enum.Flag):
    READ = 1
    WRITE = 2


Unvalidated = Annotated[Permission, SkipValidation()]
Unreadable = Annotated[Kind, SkipValidation(), PlainSerializer(lambda _: "text")]
"""The serializer takes the place of all that Pydantic keeps of the type."""


class Node(BaseModel):
    price: Decimal
    kids: list["Node"] = []


class Left(BaseModel):
    right: Optional["Right"] = None


class Right(BaseModel):
    left: Left | None = None


class Open(BaseModel):
    """Keeps what it does not know."""

    model_config = ConfigDict(extra="allow")
    number: int = Field(0, alias="alias")


class OpenEvent(BaseEvent):
    event_type: Literal["odd_open"] = "odd_open"
    model_config = ConfigDict(extra="allow")
    number: int = Field(alias="value")


@pydantic_dataclass(config=ConfigDict(extra="allow"))
class OpenRecord:
    number: int


class Row(TypedDict):
    rows: list["Row"]


@dataclass
class Branch:
    price: Decimal
    twigs: list["Branch"]


Tree = TypeAliasType("Tree", "list[Tree] | Decimal")


class Pair(NamedTuple):
    first: Decimal
    second: int


class Account(BaseModel):
    name: str
    token: SecretStr | None = None


class Shown(BaseModel):
    """Its JSON is not what it holds."""

    price: Decimal

    @field_serializer("price")
    def _round(self, price: Decimal) -> str:
        return f"{price:.1f}"


class Doubled(BaseModel):
    model_config = ConfigDict(extra="forbid")
    price: Decimal

    @computed_field
    def double(self) -> Decimal:
        return 2 * self.price


class Hidden(BaseModel):
    price: Decimal = Field(exclude=True)


class Unasked(BaseModel):
    kind: SkipValidation[Kind]

    @field_serializer("kind")
    def _write(self, _: Kind) -> str:
        return "text"


class Text(str):
    __slots__ = ()


class Later(datetime):
    pass


class WideLeg(Leg):
    venue: str = "x"


class Box(BaseModel, Generic[T]):
    value: T


class BoxEvent(BaseEvent, Generic[T]):
    event_type: Literal["odd_box"] = "odd_box"
    value: T


class DecimalBoxEvent(BoxEvent[Decimal]):
    event_type: Literal["odd_decimal_box"] = "odd_decimal_box"


class SignalEvent(BaseEvent):
    event_type: Literal[Kind.SIGNAL]


class AlarmEvent(BaseEvent):
    event_type: Literal[OldKind.ALARM] = OldKind.ALARM


class ChainEvent(BaseEvent):
    event_type: Literal["odd_chain"] = "odd_chain"
    cause: Optional["ChainEvent"] = None


class CausedEvent(BaseEvent):
    event_type: Literal["odd_caused"] = "odd_caused"
    cause: BaseEvent | None = None
    order: OrderEvent | None = None
    others: list[BaseEvent] = Field(default_factory=list)


class WideTickEvent(TickEvent):
    event_type: Literal["odd_wide_tick"] = "odd_wide_tick"
    depth: int = 0


class TaggedEvent(BaseEvent):
    event_type: Literal["odd_tagged"] = "odd_tagged"
    metadata: SkipValidation[Open]  # type: ignore[assignment] # pyright: ignore[reportGeneralTypeIssues]


class NaiveEvent(BaseEvent):
    event_type: Literal["odd_naive"] = "odd_naive"
    timestamp: datetime  # pyright: ignore[reportGeneralTypeIssues]


class CountingEvent(BaseEvent):
    event_type: Literal["odd_counting"] = "odd_counting"
    _count: int = PrivateAttr(default=7)


def counting(count: int) -> BaseEvent:
    event = CountingEvent()
    event._count = count
    return event


def field(annotation: Any, value: Any) -> Make:
    """An event with one field of this type."""
    config = ConfigDict(arbitrary_types_allowed=True)
    return lambda: define(annotation, config=config)(value=value)


def junk(annotation: Any, value: Any, *, good: Any) -> Make:
    """One that was made past its validators."""

    def make() -> BaseEvent:
        event: BaseEvent = define(annotation)(value=good)
        return type(event).model_construct(**dict(event) | {"value": value})

    return make


def chain(depth: int) -> BaseEvent:
    event = ChainEvent()
    for _ in range(depth):
        event = ChainEvent.model_construct(**dict(ChainEvent()) | {"cause": event})
    return event


def nested(depth: int) -> list[Any]:
    """Lists in each other."""
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


def endless() -> BaseEvent:
    node = Node(price=Decimal(1))
    node.kids.append(node)
    return field(Node, Node(price=Decimal(1)))().model_copy(update={"value": node})


def wide_leg() -> Leg:
    return WideLeg(r=Decimal(1), venue="y")


def zoned(name: str, *, month: int = 7) -> datetime:
    return datetime(2024, month, 1, tzinfo=ZoneInfo(name))
