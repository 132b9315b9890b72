"""The schema by which values that were accepted are kept and read again.

It is Pydantic's own schema of their type without the functions that classes and fields add to it, and without what
depends on the moment: neither is asked again. Functions that make a type, as those of `Path` do, and declared
constraints stay. Pydantic's schema is taken, not the annotation, because models and dataclasses inside a type are built
by it as well.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields as fields_of
from datetime import timezone
from functools import lru_cache, partial
from typing import Any, NamedTuple, TypeGuard, cast

from pydantic import BaseModel, ConfigDict, ValidationInfo, create_model
from pydantic_core import (
    CoreSchema,
    PydanticSerializationUnexpectedValue,
    SchemaSerializer,
    SchemaValidator,
    TzInfo,
    to_json,
)

from trading.events._models.added_functions import AddedFunctions
from trading.events._models.any_event import FindClass, choose_event, chosen_class
from trading.events._models.restoring import Parts, initialize, restore_model, take_apart

Node = dict[str, Any]
"""A part of a schema."""

_OPAQUE = frozenset({"metadata", "config", "default", "members", "expected", "cls", "function", "discriminator"})
"""The keys of a part that hold no further parts."""

_LEFT_OUT = frozenset(
    {
        "now_op",
        "now_utc_offset",
        "strip_whitespace",
        "to_lower",
        "to_upper",
        "computed_fields",
        "serialization_exclude",
        "serialization_exclude_if",
        "frozen",
    }
)
"""Keys of checks that depend on the moment, change values, or keep them from being stored."""

_CONVERSIONS = frozenset({"str_strip_whitespace", "str_to_lower", "str_to_upper"})
_UNKNOWN = frozenset({"is-instance", "is-subclass", "callable"})
"""Types that Pydantic knows nothing of: functions added to one are what makes it."""


class FieldSchema(NamedTuple):
    """A part of a model's schema, whole in itself, and the configuration that it stands under."""

    schema: CoreSchema
    config: Any


def stored_schema(schema: CoreSchema, *types: Any) -> CoreSchema:
    """A schema without what was added to it; `types` are those that it is of."""
    added = AddedFunctions()
    for each in types:
        added.look_into(each)
    for cls in _classes(schema):
        added.look_into(cls)
    return cast("CoreSchema", _Stripping(added).strip(schema))


def stored_validator(cls: type[BaseModel]) -> SchemaValidator:
    """Builds instances of a class of values that were accepted before, by the names of its fields."""
    return SchemaValidator(stored_schema(complete_schema(cls), cls))


def complete_schema(cls: type[BaseModel]) -> CoreSchema:
    """Pydantic's own schema of a class.

    Raises:
        PydanticUndefinedAnnotation: It names a class that is not there yet.
    """
    if not cls.__pydantic_complete__ or not isinstance(cls.__pydantic_core_schema__, dict):
        cls.model_rebuild(force=True)
    return cls.__pydantic_core_schema__


def stored_json(annotation: Any, config: ConfigDict, module: str) -> tuple[SchemaValidator, SchemaSerializer]:
    """The validator and the serializer for stored values of a type, under a class's configuration."""
    exact = ConfigDict(
        val_json_bytes="base64",
        ser_json_bytes="base64",
        ser_json_inf_nan="strings",
        ser_json_timedelta="iso8601",
        alias_generator=None,
        defer_build=False,
        frozen=False,
    )
    fields: dict[str, Any] = {"value": (annotation, ...)}
    holder = create_model("Stored", __config__=config | exact, __module__=module, **fields)
    model_fields = find_fields(complete_schema(holder))
    field = cast("Node", model_fields.schema)
    schema = with_definitions(complete_schema(holder), field["fields"]["value"]["schema"])
    stored = stored_schema(schema, annotation)
    return SchemaValidator(stored, model_fields.config), SchemaSerializer(stored, model_fields.config)


def find_fields(schema: CoreSchema) -> FieldSchema:
    """The fields of a model's schema, past all that is asked of the whole model."""
    node = cast("Node", schema)
    definitions = {each["ref"]: each for each in node["definitions"]} if node["type"] == "definitions" else {}
    config: Any = None
    while node["type"] != "model-fields":
        config = node.get("config", config)
        node = definitions[node["schema_ref"]] if node["type"] == "definition-ref" else node["schema"]
    return FieldSchema(cast("CoreSchema", node), config)


def with_definitions(whole: CoreSchema, part: Node) -> CoreSchema:
    """A part of a schema that can stand alone."""
    definitions = cast("Node", whole).get("definitions")
    made = part if definitions is None else {"type": "definitions", "schema": part, "definitions": definitions}
    return cast("CoreSchema", made)


def _is_node(part: Any) -> TypeGuard[Node]:
    return isinstance(part, dict)


def _is_schema(node: Node) -> bool:
    """True if it is a part of a schema itself, and not parts by name."""
    return isinstance(node.get("type"), str)


def _is_sequence(part: Any) -> TypeGuard[list[Any] | tuple[Any, ...]]:
    return isinstance(part, (list, tuple))


def _classes(schema: Any) -> list[type]:
    """The classes that a schema names."""
    found: list[type] = []
    waiting: list[Any] = [schema]
    while waiting:
        part = waiting.pop()
        if _is_sequence(part):
            waiting += part
        elif _is_node(part):
            is_schema = _is_schema(part)
            found += [part["cls"]] if is_schema and isinstance(part.get("cls"), type) else []
            waiting += [value for key, value in part.items() if not (is_schema and key in _OPAQUE)]
    return found


class _Stripping:
    """Makes schemas anew without some functions."""

    def __init__(self, added: AddedFunctions) -> None:
        self._added = added

    def strip(self, node: Any) -> Any:
        """A part of a schema, and its parts."""
        if _is_sequence(node):
            return type(node)(map(self.strip, node))
        if not _is_node(node):
            return node
        if not _is_schema(node):
            return {key: self.strip(value) for key, value in node.items()}
        if _is_choice(node):
            return self._strip_choice(node)
        if _skips_validation(node):
            return self.strip(node["serialization"]["schema"])
        return self._strip_added(node) if self._is_added(node) else self._strip_schema(node)

    def _strip_choice(self, node: Node) -> Node:
        """A field of events of several classes: those, too, are built as they were."""
        chosen: Any = node["function"]["function"]
        stored = {**node["function"], "function": partial(_choose_stored, *chosen.args)}
        return self._strip_schema({**node, "function": stored})

    def _is_added(self, node: Node) -> bool:
        function: Any = node.get("function")
        return _is_node(function) and function.get("function") in self._added

    def _strip_added(self, node: Node) -> Any:
        inner = self._inner(node)
        if inner is None or self._is_unknown(inner):
            return node
        stripped = self.strip(inner)
        if "ref" not in node:
            return stripped
        if "ref" in stripped or stripped["type"] == "definition-ref":
            stripped = {"type": "chain", "steps": [stripped]}
        return stripped | {"ref": node["ref"]}

    def _inner(self, node: Node) -> Node | None:
        """The schema a function was added to. Where the function replaces it, Pydantic keeps it for serialization."""
        found: Node | None = node.get("schema")
        if found is None and node.get("serialization", {}).get("function") not in self._added:
            found = node.get("serialization", {}).get("schema")
        return found

    def _is_unknown(self, node: Node | None) -> bool:
        while node is not None and self._is_added(node):
            node = self._inner(node)
        return node is None or node["type"] in _UNKNOWN

    def _strip_schema(self, node: Node) -> Node:
        kept = {key: value for key, value in node.items() if key not in _LEFT_OUT}
        made = {key: value if key in _OPAQUE else self.strip(value) for key, value in kept.items()}
        if "serialization" in node:
            del made["serialization"]
            if node["serialization"].get("function") not in self._added:
                made["serialization"] = self._strip_serialization(node["serialization"])
        if "config" in made:
            made["config"] = {key: value for key, value in made["config"].items() if key not in _CONVERSIONS}
        return _REMADE.get(made["type"], _as_it_is)(made)

    def _strip_serialization(self, node: Node) -> Node:
        return {key: self.strip(value) if key in {"schema", "return_schema"} else value for key, value in node.items()}


def _is_choice(node: Node) -> bool:
    """True if it chooses the class of an event by its event type."""
    function: Any = node.get("function")
    return _is_node(function) and getattr(function.get("function"), "func", None) is choose_event


def _skips_validation(node: Node) -> bool:
    """True for what `SkipValidation` makes of a type, whose schema is kept for serialization alone."""
    return node["type"] == "any" and _is_node(node.get("serialization", {}).get("schema"))


def _choose_stored(
    abstract: type[BaseModel], find: FindClass, value: Any, handler: Callable[[Any], Any], info: ValidationInfo
) -> Any:
    if isinstance(value, abstract):
        return value
    if not isinstance(value, Mapping):
        return handler(value)
    fields = cast("Mapping[str, Any]", value)
    validator = _stored_validator_of(chosen_class(abstract, find, fields))
    if info.mode == "json":
        return validator.validate_json(to_json(fields), by_alias=False, by_name=True)
    return validator.validate_python(fields, by_alias=False, by_name=True)


@lru_cache(maxsize=256)
def _stored_validator_of(cls: type[BaseModel]) -> SchemaValidator:
    return stored_validator(cls)


def _as_it_is(node: Node) -> Node:
    return node


def _by_parts(node: Node) -> Node:
    """A model of which Pydantic makes the parts alone, without its constructor or a validator that was built before."""
    cls = node["cls"]
    parts = {key: value for key, value in node.items() if key not in {"custom_init", "post_init", "ref"}}
    parts["cls"] = Parts
    before = {"type": "no-info", "function": partial(_dismantle, cls)}
    made = _then({"type": "function-before", "function": before, "schema": parts}, partial(restore_model, cls))
    made["serialization"] = {"type": "function-wrap", "function": partial(_take_apart, cls), "schema": parts}
    return made | ({"ref": node["ref"]} if "ref" in node else {})


def _dismantle(cls: type[BaseModel], value: Any) -> Any:
    return take_apart(value) if isinstance(value, cls) else value


def _take_apart(cls: type[BaseModel], value: Any, handler: Any) -> Any:
    if not isinstance(value, cls):
        raise PydanticSerializationUnexpectedValue(f"it is no {cls.__name__}")
    return handler(take_apart(value))


def _without_initializer(node: Node) -> Node:
    """A dataclass whose fields are as they were before its `__post_init__`, which may change them, was called."""
    cls = node["cls"]
    node["generic_origin"] = node.get("generic_origin", cls)  # or a validator that was built before would be used
    given = node["schema"].get("fields", [])
    if not node.get("post_init") or any(field.get("init_only") for field in given):
        return node
    names = [field["name"] for field in given if field["name"] in {each.name for each in fields_of(cls)}]
    del node["post_init"]
    return _then(node, partial(_initialize_dataclass, names))


def _initialize_dataclass(names: list[str], instance: Any) -> Any:
    kept = {name: getattr(instance, name) for name in names}
    initialize(instance, instance.__post_init__)
    for name, value in kept.items():
        object.__setattr__(instance, name, value)
    return instance


def _in_plain_zone(node: Node) -> Node:
    """Times in a zone of Python's own, as most events have them, and not in one of Pydantic's."""
    return _then(node, _to_plain_zone)


def _to_plain_zone(moment: Any) -> Any:
    return moment.replace(tzinfo=timezone(moment.utcoffset())) if isinstance(moment.tzinfo, TzInfo) else moment


def _then(node: Node, function: Callable[[Any], Any]) -> Node:
    """A schema whose values a function finishes."""
    inner = {key: value for key, value in node.items() if key != "ref"}
    made = {"type": "function-after", "function": {"type": "no-info", "function": function}, "schema": inner}
    return made | ({"ref": node["ref"]} if "ref" in node else {})


_REMADE: Mapping[str, Callable[[Node], Node]] = {
    "model": _by_parts,
    "dataclass": _without_initializer,
    "datetime": _in_plain_zone,
    "time": _in_plain_zone,
}
