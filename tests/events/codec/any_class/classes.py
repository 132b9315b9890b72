"""Event classes of any fields, with what users add to them: validators, serializers, aliases, settings."""

import dataclasses
import itertools
from collections.abc import Callable
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any, Generic, Literal, TypeVar

import pydantic
from hypothesis import reject
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from tests.events.codec.any_class.composed import kinds
from tests.events.codec.any_class.leaves import anything
from tests.events.codec.any_class.odd_values import odd
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
    "a choice of aliases": (pydantic.Field(validation_alias=pydantic.AliasChoices("in", pydantic.AliasPath("at", 0))),),
    "the alias of another field": (pydantic.Field(serialization_alias="b"),),
    "no place in the constructor": (pydantic.Field(init=False),),
    "a default from others": (pydantic.Field(default_factory=lambda data: data.get("a")),),
    "no validation": (pydantic.SkipValidation(),),
    "no validation and a serializer": (pydantic.SkipValidation(), pydantic.PlainSerializer(lambda value: "other")),
    "a serializer and no validation": (pydantic.PlainSerializer(lambda value: "other"), pydantic.SkipValidation()),
    "a validator and no validation": (pydantic.AfterValidator(change), pydantic.SkipValidation()),
    "a length": (pydantic.Field(min_length=1, max_length=4),),
    "exclusion": (pydantic.Field(exclude=True),),
    "no repr": (pydantic.Field(repr=False),),
}

CONFIGS: list[dict[str, Any]] = [
    {},
    {"extra": "allow"},
    {"extra": "allow", "alias_generator": str.upper},
    {"extra": "ignore"},
    {"str_min_length": 1, "str_max_length": 3},
    {"str_to_upper": True},
    {"validate_by_name": True, "validate_by_alias": True},
    {"validate_assignment": True},
    {"from_attributes": True, "defer_build": True},
    {"ser_json_temporal": "milliseconds", "val_temporal_unit": "milliseconds"},
    {"val_json_bytes": "hex", "ser_json_bytes": "utf8"},
    {"allow_inf_nan": True},
    {"regex_engine": "python-re"},
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
    "a computed field": {"twice": pydantic.computed_field(return_type=int)(property(lambda self: 2))},
    "a cached property": {"once": cached_property(lambda self: [])},
    "a private attribute": {"_made": pydantic.PrivateAttr(0), "model_post_init": _post_init},
    "an equality": {"__eq__": lambda self, other: True, "__hash__": BaseEvent.__hash__},
    "a length": {"__len__": lambda self: 0},
    "an iterator": {"__iter__": lambda self: iter(())},
    "slots": {"__slots__": ("more",)},
    "a text": {"__repr__": lambda self: "?", "__str__": lambda self: "?"},
}


@dataclasses.dataclass(frozen=True)
class Defined:
    """A class and events of it.

    Attributes:
        events: At least one.
        description: What the class is made of.
        define_again: Defines the class again with other fields, as a notebook cell that is run again does.
    """

    events: list[BaseEvent]
    description: str
    define_again: Callable[[], object]

    def __repr__(self) -> str:
        return self.description


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
    beside, extras = draw(_beside(config))
    is_generic = draw(st.integers(0, 9)) == 0
    description = f"{annotations | beside}\nadded {added}, {member}, {config}{', generic' if is_generic else ''}"
    number = next(_numbers)
    cls = _define(number, annotations | beside, MEMBERS[member], config, is_generic=is_generic)
    names = [_name_in(cls, name) for name in annotations]
    several = draw(st.lists(st.tuples(*(kind.values for kind in fields), extras), min_size=1, max_size=2))
    events = [_make(cls, values[-1] | dict(zip(names, values, strict=False))) for values in several]
    others = {"a": draw(kinds).annotation, "z": int}
    return Defined(events, description, lambda: _define(number, others, {}, {}, is_generic=False))


@st.composite
def _beside(draw: DrawFn, config: dict[str, Any]) -> tuple[dict[str, Any], SearchStrategy[dict[str, Any]]]:
    """What a class says of values under names that are no fields, and such values."""
    if config.get("extra") != "allow":
        return {}, st.just({})
    names = st.sampled_from(["x", "a", "b", "_extra", "_v", "_t", "", "topic", "@", "\ud800", "exchange "])
    kind = draw(st.none() | kinds)
    values = anything | odd if kind is None else kind.values
    return {} if kind is None else {"__pydantic_extra__": dict[str, kind.annotation]}, st.dictionaries(
        names, values, max_size=2
    )


def _define(
    number: int, annotations: dict[str, Any], members: dict[str, Any], config: Any, *, is_generic: bool
) -> type[BaseEvent]:
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
    alias = alias.choices[0] if isinstance(alias, pydantic.AliasChoices) else alias
    return alias if isinstance(alias, str) else name


def _make(cls: type[BaseEvent], values: dict[str, Any]) -> BaseEvent:
    try:
        return cls(**values)
    except Exception:  # noqa: BLE001 - what Pydantic or the class refuses is no event
        reject()
