"""Types that are made of others: containers, unions, models, data classes, aliases, generics, events."""

import collections
import dataclasses
import itertools
import typing
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, TypeVar, Union

import pydantic
import typing_extensions
from hypothesis import reject
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from tests.events.codec.any_class.leaves import Kind, decimals, ints, keys, leaves, texts
from tests.events.codec.any_class.models import MODELS
from tests.events.codec.any_class.odd_values import ODD
from tests.support.classes.samples import SAMPLES, sample
from trading.events import BaseEvent, OrderEvent, TickEvent

T = TypeVar("T")
_numbers = itertools.count()


class Tree(pydantic.BaseModel):
    """A schema that contains itself."""

    value: int = 0
    children: list["Tree"] = []


class Ping(pydantic.BaseModel):
    pong: "Pong | None" = None


class Pong(pydantic.BaseModel):
    ping: Ping | None = None
    note: str = ""


class TypedTree(typing_extensions.TypedDict):
    children: list["TypedTree"]


JsonLike = typing_extensions.TypeAliasType("JsonLike", "int | str | list[JsonLike] | dict[str, JsonLike]")


class Box(pydantic.BaseModel, Generic[T]):
    content: T


class Narrow(pydantic.BaseModel):
    a: int = 1


class Wide(Narrow):
    b: str = "lost?"


class Cat(pydantic.BaseModel):
    kind: Literal["cat"] = "cat"
    lives: int = 9


class Dog(pydantic.BaseModel):
    kind: Literal["dog"] = "dog"
    name: str = ""


trees: SearchStrategy[Any] = st.recursive(
    st.builds(dict, value=ints),
    lambda inner: st.builds(dict, value=ints, children=st.lists(inner, max_size=2)),
    max_leaves=4,
)
events = st.sampled_from(list(SAMPLES)).map(sample)

FIXED = [
    Kind(Tree, trees),
    Kind(Ping, st.sampled_from([{}, {"pong": {"note": "x"}}, {"pong": {"ping": {"pong": {}}}}])),
    Kind(TypedTree, st.sampled_from([{"children": []}, {"children": [{"children": []}]}])),
    Kind(JsonLike, st.sampled_from([1, "a", [1, ["b"]], {"a": [1, {"b": "c"}]}])),
    Kind(BaseEvent, events),
    Kind(TickEvent, st.builds(sample, st.just(TickEvent), bid=decimals.filter(Decimal.is_finite))),
    Kind(OrderEvent, events.filter(lambda event: isinstance(event, OrderEvent))),
    Kind(Narrow, st.sampled_from([Narrow(), Wide(), Wide(b="x")])),
    Kind(pydantic.SerializeAsAny[Narrow], st.sampled_from([Narrow(), Wide()])),
    Kind(Annotated[Cat | Dog, pydantic.Field(discriminator="kind")], st.sampled_from([Cat(), Dog(name="d"), Cat()])),
    Kind(pydantic.RootModel[list[int]], st.lists(ints, max_size=3)),
]


Makers = list[tuple[Callable[[], Any], SearchStrategy[Any]]]


@st.composite
def _of_one(draw: DrawFn, inner: Kind) -> Kind:
    annotation, values = inner.annotation, inner.values
    several = st.lists(values, max_size=3)
    named = st.dictionaries(texts, values, max_size=2)
    makers: Makers = [
        (lambda: list[annotation], several),
        (lambda: tuple[annotation, ...], several),
        (lambda: Sequence[annotation], several | several.map(tuple)),
        (lambda: collections.deque[annotation], several),
        (lambda: Union[annotation, None], st.none() | values),  # noqa: UP007 - `|` does not take every type
        (lambda: dict[str, annotation], named),
        (lambda: Mapping[str, annotation], named),
        (lambda: collections.OrderedDict[str, annotation], named),
        (lambda: Annotated[list[annotation], pydantic.Field(max_length=3)], several),
        (lambda: typing_extensions.TypeAliasType(f"Alias{next(_numbers)}", annotation), values),
        (lambda: Box[annotation], values.map(lambda value: {"content": value})),
        (lambda: pydantic.RootModel[annotation], values),
    ]
    if inner.is_key:
        makers += [
            (lambda: set[annotation], several),
            (lambda: frozenset[annotation], several),
            (lambda: collections.defaultdict[annotation, int], st.dictionaries(values, ints, max_size=2)),
        ]
    return _made(*draw(st.sampled_from(makers)))


def _made(make: Callable[[], Any], values: SearchStrategy[Any]) -> Kind:
    try:
        return Kind(make(), values)
    except (pydantic.errors.PydanticUserError, TypeError):
        reject()  # a type that Pydantic does not take


@st.composite
def _of_two(draw: DrawFn, first: Kind, second: Kind) -> Kind:
    key = draw(keys)
    pair = st.tuples(first.values, second.values)
    fields = {"a": first.annotation, "b": second.annotation}
    records = st.fixed_dictionaries({"a": first.values, "b": second.values})
    pairs = st.dictionaries(st.tuples(key.values, texts), second.values, max_size=2)
    name = f"Made{next(_numbers)}"
    makers: Makers = [
        (lambda: Union[first.annotation, second.annotation], first.values | second.values),  # noqa: UP007 - as above
        (lambda: tuple[first.annotation, second.annotation], pair),
        (lambda: dict[key.annotation, first.annotation], st.dictionaries(key.values, first.values, max_size=2)),
        (lambda: dict[tuple[key.annotation, str], second.annotation], pairs),
        (lambda: _as_model(name, fields), records),
        (lambda: _as_dataclass(name, fields), records),
        (lambda: _as_typed_dict(name, fields), records),
        (lambda: _as_named_tuple(name, fields), pair),
    ]
    return _made(*draw(st.sampled_from(makers)))


def _as_model(name: str, fields: dict[str, Any]) -> Any:
    return pydantic.create_model(name, **{field: (annotation, ...) for field, annotation in fields.items()})


def _as_dataclass(name: str, fields: dict[str, Any]) -> Any:
    return dataclasses.make_dataclass(name, fields.items())


def _as_typed_dict(name: str, fields: dict[str, Any]) -> Any:
    return typing_extensions.TypedDict(name, fields)  # type: ignore[operator]


def _as_named_tuple(name: str, fields: dict[str, Any]) -> Any:
    return typing.NamedTuple(name, list(fields.items()))


kinds: SearchStrategy[Kind] = st.recursive(
    leaves | st.sampled_from(FIXED) | st.sampled_from(MODELS) | st.sampled_from(ODD),
    lambda inner: inner.flatmap(_of_one) | st.tuples(inner, inner).flatmap(lambda pair: _of_two(*pair)),
    max_leaves=4,
)
"""Any type at all."""
