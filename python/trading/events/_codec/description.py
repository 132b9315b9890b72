"""Descriptions of classes, from their Pydantic fields, by which events are written and read."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from trading.events._codec.constraints import with_class_bounds
from trading.events._codec.forms import ROUTING_FORMS
from trading.events._codec.shapes import KIND_OF_TYPE, Shape
from trading.events._codec.storable import (
    How,
    has_private,
    is_exact_in_json,
    judge,
    skips_validation,
    why_class_unstorable,
    why_unstorable,
)
from trading.events._codec.type_shapes import annotate, shape_of
from trading.events._models.added_functions import is_own
from trading.events.base import BaseEvent
from trading.events.errors import NotAnEventError

_ATOMS = frozenset(KIND_OF_TYPE.values()) - {"any", "json"} | {
    "id",
    "moment",
    "literal",
    "enum",
    "metadata",
    "optional",
    "union",
    "checked",
    "proven",
}
"""The kinds of values that refer to no other object, and of choices between such."""


@dataclass(frozen=True, slots=True)
class FieldDescription:
    """One field of a class.

    Attributes:
        name: Its name.
        shape: The shape of its values.
        how: The way in which its values come back equal: `native` by nature, `pydantic` as each of them proves when it
            is encoded, or `unstorable` not at all, so that an event with such a value stays in memory.
        reason: The reason why it is not `native`.
    """

    name: str
    shape: Shape
    how: How = "native"
    reason: str | None = None

    def __str__(self) -> str:
        why = f" ({self.reason})" if self.reason else ""
        return f"{self.name}: {self.how}{why}"


@dataclass(frozen=True, slots=True)
class ClassDescription:
    """An event class, or the class of a model in an event.

    Attributes:
        described_class: The class.
        fields: Its fields, in their order.
        rules: Validators of the whole model that this package's own classes have. They run for each decoded instance;
            those that other classes add do not.
        has_private: Whether its instances have private attributes, which construction makes.
        keeps_extras: Whether it keeps fields that it does not know.
        is_frozen: Whether its instances cannot be changed.
        is_flat: Whether that is so, and they refer to nothing that could lead back to them.
        is_compared: Whether each instance is decoded again and compared when it is encoded: because it, or a model in
            it, has attributes that are no fields.
        reason: The reason why no event of the class can be stored or sent; None where its fields and values decide.
    """

    described_class: type[BaseModel]
    fields: tuple[FieldDescription, ...]
    rules: tuple[Callable[[Any], Any], ...]
    has_private: bool
    keeps_extras: bool
    is_frozen: bool
    is_flat: bool
    is_compared: bool
    reason: str | None

    @property
    def how(self) -> How:
        """The way in which events of the class come back equal: that of the worst of its fields."""
        found = {field.how for field in self.fields}
        if self.reason is not None or "unstorable" in found:
            return "unstorable"
        return "pydantic" if "pydantic" in found else "native"

    @property
    def pydantic_fields(self) -> tuple[str, ...]:
        """The names of the fields whose values go through Pydantic, which is slower."""
        return tuple(field.name for field in self.fields if field.how == "pydantic")

    def __str__(self) -> str:
        why = f" ({self.reason})" if self.reason else ""
        return "\n  ".join([f"{self.described_class.__name__}: {self.how}{why}", *map(str, self.fields)])


def describe(event_class: type[BaseEvent]) -> ClassDescription:
    """Describes how the events of a class are written and read, and which of its fields go through Pydantic.

    Raises:
        NotAnEventError: It is no event class.
    """
    if not (isinstance(event_class, type) and issubclass(event_class, BaseEvent)):
        raise NotAnEventError(f"{event_class!r} is no event class: it does not derive from BaseEvent")
    return describe_class(event_class)


def describe_class(cls: type[BaseModel]) -> ClassDescription:
    """The description of a class."""
    known: Any = cls
    return _describe_once(known)


@lru_cache(maxsize=1024)
def _describe_once(cls: type[BaseModel]) -> ClassDescription:
    if not cls.__pydantic_complete__:
        cls.model_rebuild()
    fields = tuple(_describe_field(cls, name, info) for name, info in cls.model_fields.items())
    return ClassDescription(
        described_class=cls,
        fields=fields,
        rules=tuple(_rules(cls)),
        has_private=bool(cls.__private_attributes__),
        keeps_extras=cls.model_config.get("extra") == "allow",
        is_frozen=bool(cls.model_config.get("frozen")),
        is_flat=_holds_fields_alone(cls) and all(map(_is_flat, fields)),
        is_compared=has_private(cls),
        reason=why_class_unstorable(cls) or (why_unroutable(fields) if issubclass(cls, BaseEvent) else None),
    )


def _describe_field(cls: type[BaseModel], name: str, info: FieldInfo) -> FieldDescription:
    shape = shape_of(info.annotation, info.metadata)
    if name == "event_id" and issubclass(cls, BaseEvent):
        shape = _as_id(shape)
    shape = with_class_bounds(shape, cls.model_config)
    shape = _refuse(cls, shape)
    is_exact = is_exact_in_json(shape, describe_class) and not skips_validation(info.annotation, info.metadata)
    if shape.form == "json" and not _is_opaque(shape) and not is_exact:
        shape = Shape("proven", (shape,), annotate(info.annotation, info.metadata))
    how, reason = judge(shape, describe_class)
    return FieldDescription(name, shape, how, reason)


def why_unroutable(fields: Sequence[FieldDescription]) -> str | None:
    """The reason why events with these fields cannot be routed and stored, or None where they can."""
    odd = (field.name for field in fields if ROUTING_FORMS.get(field.name, field.shape.form) != field.shape.form)
    name = next(odd, None)
    return None if name is None else f"{name} must have the type that BaseEvent gives it, or one within that"


def _refuse(cls: type[BaseModel], shape: Shape) -> Shape:
    """The shape, in which parts that never come back equal are marked as not storable."""
    if shape.kind == "pydantic":
        reason = why_unstorable(cls, shape.detail)
        return shape if reason is None else Shape("unstorable", detail=reason)
    return replace(shape, inner=tuple(_refuse(cls, part) for part in shape.inner))


def _is_opaque(shape: Shape) -> bool:
    return shape.kind in {"pydantic", "unstorable"} or (shape.kind == "optional" and _is_opaque(shape.inner[0]))


def _as_id(shape: Shape) -> Shape:
    if shape.kind == "checked":
        return replace(shape, inner=(_as_id(shape.inner[0]),))
    return replace(shape, kind="id") if shape.kind == "text" else shape


def _holds_fields_alone(cls: type[BaseModel]) -> bool:
    """Returns whether its instances are frozen, and keep nothing but the values of their fields."""
    added = [vars(base) for base in cls.__mro__ if base not in BaseModel.__mro__]
    return bool(
        cls.model_config.get("frozen")
        and cls.model_config.get("extra") != "allow"
        and not cls.__private_attributes__
        and cls.__setattr__ is BaseModel.__setattr__
        and not any(names.get("__slots__") for names in added)
        and not any(isinstance(value, cached_property) for names in added for value in names.values())
    )


def _is_flat(field: FieldDescription) -> bool:
    return all(part.kind in _ATOMS for part in field.shape.parts())


def _rules(cls: type[BaseModel]) -> Iterator[Callable[[Any], Any]]:
    for validator in cls.__pydantic_decorators__.model_validators.values():
        if validator.info.mode == "after" and is_own(validator.func):
            yield validator.func
