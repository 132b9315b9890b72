"""Fields of an instance given anew, or by their default: validated one by one, the others left as they are."""

from collections.abc import Mapping
from functools import lru_cache
from inspect import signature
from typing import Any, NamedTuple, cast

from pydantic import BaseModel
from pydantic_core import CoreSchema, SchemaValidator

from trading.events._models.restoring import restore_private
from trading.events._models.stored_type import complete_schema, find_fields, with_definitions


class _Validators(NamedTuple):
    """The validator of single fields of a class, and the checks of the whole model after that."""

    fields: SchemaValidator
    whole: SchemaValidator


def update_fields(model: BaseModel, update: Mapping[str, Any]) -> None:
    """Gives fields of a model, which nobody else has yet, new values.

    Each is validated as in construction, by all validators of its field. Then validators of the whole model are asked
    that run after its fields; what they do to fields that are not updated is undone. Private attributes and cached
    properties are made anew.

    Raises:
        pydantic.ValidationError: A new value is impossible, or the model has no such field.
    """
    cls = type(model)
    validators = _validators(cls)
    extra = model.__pydantic_extra__
    fields: dict[str, Any] = {}
    for name in cls.model_fields:  # as in construction, each sees those before it
        fields[name] = _validate(validators, fields, name, update[name]) if name in update else model.__dict__[name]
    others = {name: _validate(validators, fields, name, update[name]) for name in update if name not in fields}
    object.__setattr__(model, "__dict__", dict(fields))
    object.__setattr__(model, "__pydantic_extra__", None if extra is None else extra | others)
    object.__setattr__(model, "__pydantic_fields_set__", model.__pydantic_fields_set__ | update.keys())
    restore_private(model)
    checked = validators.whole.validate_python(model).__dict__
    kept = {name: checked[name] if name in update else value for name, value in fields.items()}
    object.__setattr__(model, "__dict__", kept)


def default_of(cls: type[BaseModel], name: str, before: dict[str, Any]) -> Any:
    """The value of a field that is not given; `before` are those of the fields before it."""
    info = cls.model_fields[name]
    factory: Any = info.default_factory
    default = info.get_default() if factory is None else factory(before) if _takes_fields(cls, name) else factory()
    validates = cls.model_config.get("validate_default") if info.validate_default is None else info.validate_default
    if not validates:
        return default
    return _validate(_validators(cls), before, name, default)


@lru_cache(maxsize=1024)
def _takes_fields(cls: type[BaseModel], name: str) -> bool:
    """True if the factory of a field's default takes the fields before it; Pydantic reads its signature each time."""
    return bool(cls.model_fields[name].default_factory_takes_validated_data)


def _validate(validators: _Validators, before: dict[str, Any], name: str, value: Any) -> Any:
    made: Any = validators.fields.validate_assignment(before, name, value)
    fields, extra, _ = made
    return fields[name] if name in fields else extra[name]


@lru_cache(maxsize=256)
def _validators(cls: type[BaseModel]) -> _Validators:
    schema = complete_schema(cls)
    found = find_fields(schema)
    node = cast("dict[str, Any]", found.schema)
    fields = {name: {key: field[key] for key in field if key != "frozen"} for name, field in node["fields"].items()}
    alone = with_definitions(schema, {key: node[key] for key in node if key != "ref"} | {"fields": fields})
    return _Validators(SchemaValidator(alone, found.config), SchemaValidator(_whole(cls), found.config))


def _whole(cls: type[BaseModel]) -> CoreSchema:
    asked: dict[str, Any] = {"type": "any"}
    for validator in cls.__pydantic_decorators__.model_validators.values():
        if validator.info.mode == "after":
            kind = "no-info" if len(signature(validator.func).parameters) == 1 else "with-info"
            asked = {
                "type": "function-after",
                "function": {"type": kind, "function": validator.func},
                "schema": asked,
            }
    return cast("CoreSchema", asked)
