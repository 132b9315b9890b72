"""Decides whether the values of a type come back equal from every form that outlasts the process.

It decides once for each class. A field is exact natively where every value of its type comes back from bytes, from
columns and from JSON; exact through Pydantic where only its values can tell, each of which is then made JSON, read
again and compared; and not storable where no value of its type comes back.
"""

from collections.abc import Callable, Iterable, Iterator
from enum import Flag
from functools import lru_cache
from inspect import isclass
from types import GenericAlias
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Secret, SecretBytes, SecretStr, SkipValidation, TypeAdapter

from trading.events._codec.shapes import Shape
from trading.events.base import BaseEvent
from trading.events.unknown import UnknownEvent

How = Literal["native", "pydantic", "unstorable"]
"""The way in which the values of a field come back equal: by nature, as each of them proves, or not at all."""

Verdict = tuple[How, str | None]
"""That way, and the reason where it is not native."""

_SECRETS = (SecretStr, SecretBytes, Secret)
_NO_JSON = {
    "is-instance": "only its own code knows what is in it",
    "is-subclass": "it is a class",
    "callable": "it is code",
    "generator": "it can be read only once",
}
"""Pydantic's schemas of values that cannot be read back, with the reasons."""

_WRAPPING = {"nullable", "default", "definitions", "model-field"}
_SAFE_IN_JSON = frozenset(
    {"none", "bool", "int", "text", "id", "moment", "uuid", "date", "json", "metadata", "any"}
    | {"checked", "optional", "list", "tuple_of", "tuple"}
)
_TEXT_OR_INT = ({str}, {int})


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The classes of models that a type names."""
    if isclass(annotation) and get_origin(annotation) is None and issubclass(annotation, BaseModel):
        yield annotation
    for arg in get_args(annotation):
        yield from models_in(arg)


@lru_cache(maxsize=1024)
def contains_itself(cls: type[BaseModel]) -> bool:
    """Returns whether instances of a class of models may hold others of the same class, at any depth."""
    return any(cls in _models_in_fields(known) for known in _reach(cls))


def _reach(cls: type[BaseModel]) -> list[type[BaseModel]]:
    """The class, and those of all models that its fields lead to."""
    reached = [cls]
    for known in reached:
        reached.extend(found for found in _models_in_fields(known) if found not in reached)
    return reached


def _models_in_fields(cls: type[BaseModel]) -> list[type[BaseModel]]:
    fields = cls.model_fields.values()
    return list(dict.fromkeys(found for info in fields for found in models_in(info.annotation)))


@lru_cache(maxsize=1024)
def has_private(cls: type[BaseModel]) -> bool:
    """Returns whether instances of a class of models, or those in them, have attributes that are no fields."""
    return any(known.__private_attributes__ for known in _reach(cls))


def is_any_event(cls: type[Any]) -> bool:
    """Returns whether a field of this type holds events of several classes: it is an abstract class of events."""
    return issubclass(cls, BaseEvent) and bool(cls.__dict__.get("__abstractmethods__"))


def why_pydantic(cls: type[Any]) -> str | None:
    """The reason why the values of a class of models or an enumeration are not read and written natively, or None."""
    if issubclass(cls, Flag):
        return f"{cls.__name__} is a flag"
    if is_any_event(cls):
        return f"{cls.__name__} stands for events of several classes"
    if issubclass(cls, BaseModel) and contains_itself(cls):
        return f"{cls.__name__} contains itself"
    return None


def why_unstorable(owner: type[BaseModel], annotation: Any) -> str | None:
    """The reason why no value of a type that only Pydantic knows comes back, or None where its values can tell."""
    secret = next(_secrets_in(annotation), None)
    if secret is not None:
        return f"{secret} hides what it holds"
    single: Any = GenericAlias(tuple, (annotation,))
    try:
        schema: Any = TypeAdapter[Any](
            single, config=owner.model_config | ConfigDict(val_json_bytes="base64")
        ).core_schema
    except Exception as wrong:  # noqa: BLE001 - whatever a type of the user's own may do
        return f"Pydantic cannot read it from JSON: {str(wrong).splitlines()[0]}"
    while schema["type"] in _WRAPPING:
        schema = schema["schema"]
    [schema] = schema["items_schema"]
    while schema["type"] in _WRAPPING and "schema" in schema:
        schema = schema["schema"]
    return _NO_JSON.get(schema["type"])


def _secrets_in(annotation: Any) -> Iterator[str]:
    plain: object = get_origin(annotation) or annotation
    if isclass(plain) and any(secret in plain.__mro__ for secret in _SECRETS):
        yield plain.__name__
    for arg in get_args(annotation):
        yield from _secrets_in(arg)


def skips_validation(annotation: Any, metadata: Iterable[Any] = ()) -> bool:
    """Returns whether Pydantic takes any value for a type or a part of it, and may not know how to read it back."""
    skipping: Any = SkipValidation
    found = any(isinstance(item, skipping) for item in (annotation, *metadata))
    return found or any(map(skips_validation, get_args(annotation)))


def why_class_unstorable(cls: type[BaseModel]) -> str | None:
    """The reason why no event of a class comes back equal, or None."""
    if issubclass(cls, UnknownEvent):
        return "no class here is for its type: it has no bytes, and no columns of its own"
    origin: type[BaseModel] | None = cls.__pydantic_generic_metadata__["origin"]
    if origin is None or not issubclass(cls, BaseEvent):
        return None
    event_type = cls.model_fields["event_type"].default
    return (
        f"its event type {event_type!r} stands for {origin.__name__}; give it a class and an event type of its own: "
        f"class ...({cls.__name__})"
    )


def is_exact_in_json(shape: Shape, describe: Callable[[type[BaseModel]], Any]) -> bool:
    """Returns whether every value of a shape comes back equal from Pydantic's JSON."""
    if shape.kind == "model":
        return _is_model_exact_in_json(shape.detail, describe)
    if shape.kind == "literal":
        exact = {type(choice) for choice in shape.detail if choice is not None} in _TEXT_OR_INT
    elif shape.kind == "enum":
        exact = {type(member.value) for member in shape.detail} in _TEXT_OR_INT
    elif shape.kind in {"float", "decimal"}:
        exact = ("finite", None) in shape.bounds
    elif shape.kind == "dict":
        exact = shape.inner[0].kind == "text"
    else:
        exact = shape.kind in _SAFE_IN_JSON
    return exact and all(is_exact_in_json(inner, describe) for inner in shape.inner)


def _is_model_exact_in_json(cls: type[BaseModel], describe: Callable[[type[BaseModel]], Any]) -> bool:
    description = describe(cls)
    if description.keeps_extras:
        return False
    if any(skips_validation(info.annotation, info.metadata) for info in cls.model_fields.values()):
        return False
    return all(is_exact_in_json(field.shape, describe) for field in description.fields)


def judge(shape: Shape, describe: Callable[[type[BaseModel]], Any]) -> Verdict:
    """The way in which the values of a shape come back equal, and the reason where it is not native."""
    found: Verdict = ("native", None)
    for part in shape.parts():
        if part.kind == "model":
            inner = next((field for field in describe(part.detail).fields if field.how == "unstorable"), None)
            if inner is not None:
                return "unstorable", f"{part.detail.__name__}.{inner.name}: {inner.reason}"
        if part.kind == "unstorable":
            return "unstorable", str(part.detail)
        if part.kind == "pydantic":
            return "pydantic", part.reason or f"only Pydantic knows {_name(part.detail)}"
        if part.kind == "proven":
            found = "pydantic", "not every value of its type comes back from JSON, which is what a column holds of it"
    return found


def _name(annotation: Any) -> str:
    return annotation.__name__ if isclass(annotation) and get_origin(annotation) is None else str(annotation)
