"""Models, dataclasses, typed dicts, named tuples and events as users may write them inside their events."""

import collections
import dataclasses
import typing
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any, Literal

import pydantic
import pydantic.dataclasses
import typing_extensions
from hypothesis import strategies as st

from tests.events.codec.any_class.leaves import Kind, anything, ints, texts
from tests.support.classes.samples import SAMPLES
from trading.events import BaseEvent, MarketDataEvent, TickEvent


class Open(pydantic.BaseModel):
    """Keeps what it does not know."""

    model_config = pydantic.ConfigDict(extra="allow")
    a: int = pydantic.Field(0, alias="Other")


class OpenToDecimals(pydantic.BaseModel):
    """Keeps what it does not know if it is a decimal."""

    __pydantic_extra__: dict[str, Decimal]
    model_config = pydantic.ConfigDict(extra="allow")


class ManyNames(pydantic.BaseModel):
    a: int = pydantic.Field(validation_alias=pydantic.AliasChoices("x", pydantic.AliasPath("y", 0)))
    b: str = pydantic.Field("b", serialization_alias="a")


class Derived(pydantic.BaseModel):
    a: int
    b: int = pydantic.Field(default_factory=lambda data: data["a"] + 1)
    c: list[int] = pydantic.Field(default_factory=list, exclude=True)


class Remembering(pydantic.BaseModel):
    """Has more than its fields."""

    a: int
    _seen: list[int] = pydantic.PrivateAttr(default_factory=list)

    @cached_property
    def twice(self) -> int:
        return self.a * 2


class Short(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(str_max_length=4, str_min_length=1, str_to_upper=True)
    a: str
    b: str = "longer than that"


class Guarded(pydantic.BaseModel):
    a: int

    @pydantic.field_validator("a")
    @classmethod
    def more(cls, value: int) -> int:
        return value * 10

    @pydantic.model_validator(mode="after")
    def most(self) -> "Guarded":
        self.a += 1
        return self


@dataclasses.dataclass(slots=True, kw_only=True)
class Slotted:
    a: int
    b: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Initialized:
    """Has a field that its constructor does not take, and an argument that it does not keep."""

    a: int
    start: dataclasses.InitVar[int] = 1
    total: int = dataclasses.field(init=False, default=0)

    def __post_init__(self, start: int) -> None:
        self.total = self.a + start


@dataclasses.dataclass
class Counted:
    """Has a field that its constructor does not take."""

    a: int
    total: int = dataclasses.field(init=False, default=0)

    def __post_init__(self) -> None:
        self.a += 1
        self.total += self.a


@pydantic.dataclasses.dataclass(config=pydantic.ConfigDict(extra="allow"))
class Checked:
    a: int

    @pydantic.field_validator("a")
    @classmethod
    def more(cls, value: int) -> int:
        return value * 10


class Partial(typing_extensions.TypedDict):
    a: int
    b: typing_extensions.NotRequired[str]


class Rest(typing_extensions.TypedDict, total=False):
    __pydantic_config__ = pydantic.ConfigDict(extra="allow")  # type: ignore[misc]
    a: int


class Defaulted(typing.NamedTuple):
    a: int
    b: str = "b"


class GrowingEvent(BaseEvent):
    """An event whose validator does more to it each time."""

    event_type: Literal["growing"] = "growing"
    size: int

    @pydantic.field_validator("size")
    @classmethod
    def more(cls, value: int) -> int:
        return value * 10


class WideTickEvent(TickEvent):
    """An event in a field of a class that it derives from."""

    event_type: Literal["wide_tick"] = "wide_tick"  # type: ignore[assignment]
    depth: int = 0


def _which(value: Any) -> str:
    return "short" if isinstance(value, Short) or (isinstance(value, dict) and "b" in value) else "many"


Told = Annotated[
    Annotated[Short, pydantic.Tag("short")] | Annotated[ManyNames, pydantic.Tag("many")],
    pydantic.Discriminator(_which),
]

_extras = st.dictionaries(st.sampled_from(["x", "a", "_extra", "é", ""]), anything, max_size=2)
_growing = st.builds(GrowingEvent, size=ints)
_wide = st.integers(0, 9).map(lambda depth: WideTickEvent(**SAMPLES[TickEvent], depth=depth))

MODELS = [
    Kind(Open, _extras),
    Kind(OpenToDecimals, st.dictionaries(texts, st.decimals(allow_nan=False).map(str), max_size=2)),
    Kind(ManyNames, st.sampled_from([{"x": 1}, {"y": [2]}, {"x": 1, "b": "c"}])),
    Kind(Derived, st.sampled_from([{"a": 1}, {"a": 1, "b": 5, "c": [1]}])),
    Kind(Remembering, st.builds(dict, a=ints)),
    Kind(Short, st.sampled_from([{"a": "abc"}, {"a": "abcd", "b": "x"}])),
    Kind(Guarded, st.builds(dict, a=ints) | st.builds(Guarded, a=st.integers(0, 9))),
    Kind(Slotted, st.builds(Slotted, a=ints, b=st.lists(texts, max_size=2))),
    Kind(Initialized, st.builds(Initialized, a=ints) | st.builds(dict, a=ints, start=ints)),
    Kind(Counted, st.builds(Counted, a=ints) | st.builds(dict, a=ints)),
    Kind(Checked, st.builds(dict, a=ints) | st.just({"a": 1, "b": 2})),
    Kind(Partial, st.sampled_from([{"a": 1}, {"a": 1, "b": "x"}])),
    Kind(Rest, st.sampled_from([{}, {"a": 1}, {"c": 1.5}])),
    Kind(Defaulted, st.sampled_from([Defaulted(1), (1,), (1, "x"), {"a": 1}])),
    Kind(BaseEvent, _growing | _wide),
    Kind(list[BaseEvent], st.lists(_growing | _wide, max_size=2)),
    Kind(MarketDataEvent | None, _wide),
    Kind(TickEvent, _wide),
    Kind(GrowingEvent, _growing),
    Kind(Told, st.sampled_from([{"a": "x", "b": "y"}, {"x": 1}, Short(a="x")])),
    Kind(collections.deque[int], st.builds(collections.deque, st.lists(ints, max_size=3), st.sampled_from([None, 3]))),
    Kind(
        collections.defaultdict[str, list[int]],
        st.sampled_from([{}, {"a": [1]}, collections.defaultdict(list), collections.defaultdict(int)]),
    ),
]
