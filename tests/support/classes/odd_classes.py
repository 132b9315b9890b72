"""Event classes as people write them, with a value of each, and whether it comes back or is refused by name."""

import enum
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, NamedTuple, Optional, TypeVar, Union
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import (
    UUID4,
    BaseModel,
    ConfigDict,
    Field,
    Json,
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
from tests.support.classes.samples import sample
from trading.events.base import BaseEvent
from trading.events.market_data import TickEvent
from trading.events.order import OrderEvent, OrderSubmittedEvent

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


def endless() -> BaseEvent:
    node = Node(price=Decimal(1))
    node.kids.append(node)
    return field(Node, Node(price=Decimal(1)))().model_copy(update={"value": node})


def wide_leg() -> Leg:
    return WideLeg(r=Decimal(1), venue="y")


def zoned(name: str, *, month: int = 7) -> datetime:
    return datetime(2024, month, 1, tzinfo=ZoneInfo(name))


KEPT: list[tuple[str, Make]] = [
    ("a tree of models", field(Node, Node(price=Decimal("1.10"), kids=[Node(price=Decimal("-0"))]))),
    ("several trees", field(list[Node], [Node(price=Decimal("1.10"))])),
    ("models that hold each other", field(Left, Left(right=Right(left=Left())))),
    ("None where anything may be", field(Union[Any, Node], None)),  # noqa: UP007 - `Any` takes no `|` before 3.14
    ("a union tried in order", field(Annotated[Leg | int, Field(union_mode="left_to_right")], 1)),
    ("a date that comes again", field(list[date], [date(2024, 1, 2)] * 3)),
    ("a list that is given as JSON", field(Json[list[int]], "[1, 2]")),
    ("a UUID of one version", field(UUID4, UUID("00000000-0000-4000-8000-000000000001"))),
    ("values under unknown names", lambda: OpenEvent(value=1, _extra={"a": [1.5]}, _t="x", _v=2)),
    ("such values in a model", field(Open, Open.model_validate({"a": [1.5], "_t": "x"}))),
    ("a recursive alias", field(Tree, [[Decimal("1.0")], Decimal("2.00")])),
    ("a recursive dictionary of known keys", field(Row, {"rows": [{"rows": []}]})),
    ("a recursive dataclass", field(Branch, Branch(Decimal("1.0"), [Branch(Decimal("-0"), [])]))),
    ("an event caused by one of its own kind", lambda: chain(3)),
    ("an event with any event as its cause", lambda: CausedEvent(cause=sample(TickEvent))),
    (
        "causes at any depth, and of a group",
        lambda: CausedEvent(
            cause=CausedEvent(order=sample(OrderSubmittedEvent)),
            others=[
                sample(TickEvent),
                WideTickEvent.model_validate(
                    dict(sample(TickEvent, event_id="w")) | {"event_type": "odd_wide_tick", "depth": 3}
                ),
            ],
        ),
    ),
    ("an event type that is a member of an enumeration", SignalEvent),
    ("the same, as it was before Python 3.11", AlarmEvent),
    ("a generic class without an argument", lambda: BoxEvent(value=[1, "a"])),
    ("a class derived from a generic one", lambda: DecimalBoxEvent(value=Decimal("1.10"))),
    ("a generic model", field(Box[Decimal], Box[Decimal](value=Decimal("1.10")))),
    ("a secret that is not there", field(SecretStr | None, None)),
    ("a model whose secret is not there", field(Account, Account(name="a"))),
    ("an int of 600 digits", field(int, 10**600)),
    ("a list of such", field(list[int], [10**600, -(10**600)])),
    ("a flag of several", field(Permission, Permission.READ | Permission.WRITE)),
    ("an enumeration that is not validated", field(SkipValidation[Kind], Kind.SIGNAL)),
    ("one that is not written as it is either", field(Unreadable, Kind.SIGNAL)),
    ("a list of flags that are not validated", field(list[Unvalidated], [Permission.READ])),
    ("a named tuple", field(Pair, Pair(Decimal("1.10"), 1))),
    ("a deque", field(deque[int], deque([1, 2]))),
    ("a NaN that Pydantic writes", field(frozenset[Annotated[float, Field(allow_inf_nan=True)]] | None, None)),
    ("NaN in a list", field(list[Annotated[float, Field(allow_inf_nan=True)]], [float("nan"), float("-inf"), -0.0])),
    ("bytes in a list", field(list[bytes], [b"\x00\xff"])),
    ("a time with an offset", field(time, time(1, tzinfo=timezone(timedelta(hours=5, minutes=45))))),
    ("an offset of seconds", field(datetime, datetime(2024, 1, 1, tzinfo=timezone(timedelta(seconds=20_730))))),
    ("a model with a serializer that rounds", field(Shown, Shown(price=Decimal("1.11")))),
    ("a model with computed fields", field(Doubled, Doubled(price=Decimal(1)))),
    ("a model that leaves a field out of what is dumped", field(Hidden, Hidden(price=Decimal(1)))),
    ("a class with private attributes as they are made", lambda: counting(7)),
]

REFUSED: list[tuple[str, Make, str]] = [
    ("a secret", field(SecretStr, SecretStr("hush")), r"OddEvent\.value .*SecretStr hides what it holds.*\*\*\*"),
    ("secrets in a list", field(list[SecretStr], [SecretStr("hush")]), r"SecretStr hides"),
    ("a secret in a model", field(Account, Account(name="a", token=SecretStr("hush"))), r"SecretStr hides"),
    ("a class", field(type[int], bool), r"OddEvent\.value .*it is a class"),
    ("code", field(Callable[[], None], print), r"OddEvent\.value .*it is code"),
    ("an int of 5,000 digits", field(int, 10**5000), r"OddEvent\.value .*an integer may have 2048 bits: <int>"),
    ("such an int in a list", field(list[int], [10**5000]), r"2048 bits"),
    ("such an int in metadata", lambda: BoxEvent(value=None, metadata={"a": 10**1000}), r"metadata .*2048 bits"),
    ("a text for an enumeration that is not validated", field(SkipValidation[Kind], "odd_signal"), r"'odd_signal'"),
    ("several that are not written as they are either", field(list[Unreadable], [Kind.SIGNAL]), r"comes back as"),
    ("such a one in a model", field(Unasked, Unasked(kind=Kind.SIGNAL)), r"comes back as"),
    ("an empty dictionary for a model that is not validated", field(SkipValidation[Left], {}), r"comes back as Left"),
    ("the same for metadata", lambda: TaggedEvent(metadata={}), r"TaggedEvent\.metadata"),
    ("the same for a list", field(SkipValidation[list[Left]], {}), r"its type does not say.*: \{\}"),
    ("too few values", junk(Annotated[dict[str, int], Field(min_length=1)], {}, good={"a": 1}), r"OddEvent\.value"),
    ("tuples as keys", field(dict[tuple[str, str], Decimal], {("a", "b"): Decimal(1)}), r"its JSON does not come back"),
    ("a text that JSON takes for a decimal", field(Decimal | str, "1.0"), r"comes back as Decimal\('1\.0'\): '1\.0'"),
    ("bytes where anything may be", field(Any, b"a"), r"JSON has no bytes: b'a'"),
    ("NaN where anything may be", field(Any, [float("nan")]), r"JSON has no NaN"),
    ("a text of a class of its own", field(Any, Text("a")), r"is no plain data: 'a'"),
    ("a zone with rules", field(datetime, zoned("Europe/Paris")), r"its zone and fold would be lost"),
    ("a zone that is at UTC now", field(datetime, zoned("Europe/London", month=1)), r"its zone and fold would be lost"),
    ("a time with such a zone", field(time, time(1, tzinfo=ZoneInfo("Europe/Paris"))), r"its zone and fold"),
    ("a fold", field(datetime, datetime(2024, 1, 1, fold=1)), r"its zone and fold would be lost"),
    ("a fold in UTC", field(datetime, datetime(2024, 1, 1, fold=1, tzinfo=UTC)), r"its zone and fold would be lost"),
    ("a list of such", field(list[datetime], [zoned("Europe/Paris")]), r"its zone and fold would be lost"),
    ("a datetime of a class of its own", field(datetime, Later(2024, 1, 1)), r"holds what its type does not say"),
    ("a deque with a bound", field(deque[int], deque([1], maxlen=3)), r"comes back as deque\(\[1\]\)"),
    ("a dataclass with values under unknown names", field(OpenRecord, OpenRecord(1, more=2)), r"comes back as"),
    ("an unknown name that is a field's", lambda: OpenEvent(value=1, number=2), r"number .*a field has that name: 2"),
    ("the same in a model", field(Open, Open(alias=1, number=2)), r"OddEvent\.value .*a field has that name"),
    (
        "decimals under unknown names",
        lambda: OpenEvent(value=1, price=Decimal(1)),
        r"OpenEvent\.price .*is no plain data",
    ),
    (
        "a model of a class derived from its field's",
        field(Leg, wide_leg()),
        r"holds what its type does not say",
    ),
    (
        "a generic class with an argument",
        lambda: BoxEvent[Decimal](value="1.10"),
        r"'odd_box' stands for BoxEvent; give",
    ),
    ("a decimal in a generic class", lambda: BoxEvent(value=Decimal(1)), r"BoxEvent\.value .*is no plain data"),
    ("a chain of 10,000 causes", lambda: chain(10_000), r"ChainEvent\.cause cannot be encoded"),
    ("a chain beyond what JSON takes", lambda: chain(195), r"ChainEvent\.cause cannot be encoded"),
    ("a tree that holds itself", endless, r"OddEvent\.value cannot be encoded: .*Circular reference"),
    (
        "private attributes that were changed",
        lambda: counting(8),
        r"CountingEvent cannot be encoded: what it has beside",
    ),
    (
        "a time that does not say its zone",
        lambda: NaiveEvent(timestamp=datetime(2024, 1, 1, tzinfo=UTC)),
        r"timestamp must",
    ),
    ("a number beyond its constraint", junk(Annotated[int, Field(ge=0)], -1, good=1), r"beyond the constraints .*: -1"),
    ("a negative quantity", junk(Annotated[Decimal, Field(ge=0)], Decimal(-1), good=1), r"beyond the constraints"),
    ("a decimal that is none", junk(Decimal, Decimal("NaN"), good=1), r"beyond the constraints"),
    ("an infinite float", junk(float, float("inf"), good=1), r"beyond the constraints"),
    ("a text too long", junk(Annotated[str, Field(max_length=2)], "abc", good="a"), r"beyond the constraints"),
    ("too many values", junk(Annotated[list[int], Field(max_length=1)], [1, 2], good=[1]), r"beyond the constraints"),
    ("a member of an enumeration for a text", junk(str, Kind.SIGNAL, good="a"), r"holds what its type does not say"),
    ("True for an int", junk(int, bool("x"), good=1), r"holds what its type does not say"),
    ("a named tuple for a tuple", junk(tuple[int, ...], Pair(Decimal(1), 1), good=(1,)), r"holds what its type"),
    ("bytes of another kind", junk(bytes, bytearray(b"a"), good=b"a"), r"holds what its type does not say"),
]
