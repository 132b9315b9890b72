"""Event classes of any fields, with what users add to them: validators, serializers, aliases, settings."""

import itertools
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar

import pydantic
from hypothesis import reject
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from tests.events.any_class.composed import kinds
from tests.events.any_class.leaves import Kind
from trading.events import BaseEvent

T = TypeVar("T")
_numbers = itertools.count()


def change(value: Any) -> Any:
    """A validator that does more to a value each time it is called."""
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return value * 10
    if type(value) in {str, list, tuple, bytes}:
        return value + value[:1]
    return value


def through(value: Any, handler: pydantic.ValidatorFunctionWrapHandler) -> Any:
    """A validator around others that does more to a value each time it is called."""
    return change(handler(value))


ADDED: dict[str, tuple[Any, ...]] = {
    "nothing": (),
    "a validator before": (pydantic.BeforeValidator(change),),
    "a validator after": (pydantic.AfterValidator(change),),
    "a validator around": (pydantic.WrapValidator(through),),
    "a serializer": (pydantic.PlainSerializer(lambda value: "other"),),
    "a serializer around": (pydantic.WrapSerializer(lambda value, handler: [handler(value)]),),
    "an alias": (pydantic.Field(alias="Other name"),),
    "aliases": (pydantic.Field(validation_alias="in", serialization_alias="out"),),
    "exclusion": (pydantic.Field(exclude=True),),
    "no repr": (pydantic.Field(repr=False),),
}

CONFIGS: list[dict[str, Any]] = [
    {},
    {"extra": "allow"},
    {"extra": "ignore"},
    {"frozen": False},
    {"str_strip_whitespace": True, "str_to_lower": True},
    {"use_enum_values": True},
    {"arbitrary_types_allowed": True},
    {"coerce_numbers_to_str": True},
    {"ser_json_bytes": "hex", "ser_json_timedelta": "float", "ser_json_inf_nan": "constants"},
    {"alias_generator": str.upper},
    {"strict": True},
    {"revalidate_instances": "always"},
    {"validate_default": True},
    {"protected_namespaces": (), "title": "Odd"},
]


def _changed_before(cls: type, data: Any) -> Any:
    return {name: change(value) for name, value in data.items()} if isinstance(data, dict) else data


def _changed_after(self: Any) -> Any:
    self.__dict__["a"] = change(self.__dict__["a"])
    return self


def _changed_around(cls: type, data: Any, handler: Any) -> Any:
    return _changed_after(handler(data))


def _post_init(self: Any, context: Any) -> None:
    self._made += 1


MEMBERS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "a validator before": {"before": pydantic.model_validator(mode="before")(classmethod(_changed_before))},
    "a validator after": {"after": pydantic.model_validator(mode="after")(_changed_after)},
    "a validator around": {"around": pydantic.model_validator(mode="wrap")(classmethod(_changed_around))},
    "a field's validator": {"check": pydantic.field_validator("a")(classmethod(lambda cls, value: change(value)))},
    "a serializer": {"dump": pydantic.model_serializer(lambda self: {"nothing": "true"})},
    "a field's serializer": {"dump": pydantic.field_serializer("a")(lambda self, value: "other")},
    "a computed field": {"twice": pydantic.computed_field(property(lambda self: 2))},
    "a cached property": {"once": cached_property(lambda self: [])},
    "a private attribute": {"_made": pydantic.PrivateAttr(0), "model_post_init": _post_init},
    "an equality": {"__eq__": lambda self, other: True, "__hash__": BaseEvent.__hash__},
    "a length": {"__len__": lambda self: 0},
    "an iterator": {"__iter__": lambda self: iter(())},
    "a text": {"__repr__": lambda self: "?", "__str__": lambda self: "?"},
}


class Defined(NamedTuple):
    """A class and events of it.

    Attributes:
        events: At least one.
        description: What the class is made of.
    """

    events: list[BaseEvent]
    description: str


@st.composite
def defined(draw: DrawFn) -> Defined:
    """A new event class with some events."""
    fields = draw(st.lists(kinds, min_size=1, max_size=3))
    added = [draw(st.sampled_from(list(ADDED)) | st.just("nothing")) for _ in fields]
    member = draw(st.sampled_from(list(MEMBERS)) | st.just("nothing"))
    config = draw(st.sampled_from(CONFIGS) | st.just({}))
    annotations = {
        name: Annotated[kind.annotation, *ADDED[what]] if ADDED[what] else kind.annotation
        for name, kind, what in zip("abc", fields, added, strict=False)
    }
    is_generic = draw(st.integers(0, 9)) == 0
    description = f"{annotations}\nadded {added}, {member}, {config}{', generic' if is_generic else ''}"
    cls = _define(annotations, MEMBERS[member], config, is_generic=is_generic)
    names = [_name_in(cls, name) for name in annotations]
    several = draw(st.lists(st.tuples(*(kind.values for kind in fields)), min_size=1, max_size=2))
    events = [_make(cls, dict(zip(names, values, strict=True))) for values in several]
    return Defined(events, description)


def _define(annotations: dict[str, Any], members: dict[str, Any], config: Any, *, is_generic: bool) -> type[BaseEvent]:
    number = next(_numbers)
    namespace = {
        "__annotations__": {"event_type": Literal[f"odd_{number}"], **annotations},  # type: ignore[valid-type]
        "__module__": __name__,
        "__qualname__": f"Odd{number}",
        "model_config": pydantic.ConfigDict(**config),
        **members,
    }
    try:
        if not is_generic:
            return type(BaseEvent)(f"Odd{number}", (BaseEvent,), namespace)
        parameter, annotations = annotations["a"], {**annotations, "a": T}
        namespace["__annotations__"] = {"event_type": Literal[f"odd_{number}"], **annotations}  # type: ignore[valid-type]
        return type(BaseEvent)(f"Odd{number}", (BaseEvent, Generic[T]), namespace)[parameter]  # type: ignore[index, return-value]
    except Exception:  # noqa: BLE001 - what cannot be defined makes no events
        reject()


def _name_in(cls: type[BaseEvent], name: str) -> str:
    alias = cls.model_fields[name].validation_alias
    return alias if isinstance(alias, str) else name


def _make(cls: type[BaseEvent], values: dict[str, Any]) -> BaseEvent:
    try:
        return cls(**values)
    except Exception:  # noqa: BLE001 - what Pydantic or the class refuses is no event
        reject()


def kinds_of_one(kind: Kind) -> SearchStrategy[Defined]:
    """Classes with one plain field of a kind."""
    return kind.values.map(lambda value: Defined([_make(_define({"a": kind.annotation}, {}, {}, is_generic=False),
        {"a": value})], str(kind.annotation)))  # fmt: skip
