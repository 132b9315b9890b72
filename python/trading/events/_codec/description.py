"""What an event class holds: one description, from its Pydantic fields, by which events are written and read."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import cached_property, lru_cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin
from uuid import UUID

from annotated_types import BaseMetadata, Ge, GroupedMetadata, Gt, Le, Lt, MaxLen, MinLen, Predicate, Unit
from pydantic import (
    AfterValidator,
    AllowInfNan,
    BaseModel,
    ConfigDict,
    Discriminator,
    FailFast,
    JsonValue,
    RootModel,
    SerializeAsAny,
    SkipValidation,
    Strict,
    Tag,
    TypeAdapter,
    ValidationError,
)
from pydantic.fields import FieldInfo
from pydantic.types import UuidVersion
from pydantic_core import SchemaValidator, core_schema

from trading.events import _core
from trading.events._codec.storable import (
    How,
    has_private,
    is_exact_in_json,
    judge,
    why_class_unstorable,
    why_pydantic,
    why_unstorable,
)
from trading.events._models.added_functions import adds, is_own
from trading.events.base import BaseEvent, Metadata, UtcDatetime
from trading.events.errors import NotAnEventError

Bound = tuple[str, Any]
"""A condition on values that is checked natively, and its limit: `("ge", 0)`."""

_SCALARS: Mapping[Any, str] = {
    NoneType: "none",
    None: "none",
    bool: "bool",
    int: "int",
    float: "float",
    str: "text",
    bytes: "bytes",
    Decimal: "decimal",
    datetime: "datetime",
    date: "date",
    time: "time",
    timedelta: "timedelta",
    UUID: "uuid",
    Any: "any",
    object: "any",
    JsonValue: "json",
}
_NUMBERS = ("int", "float", "decimal")
_SIZED = ("text", "bytes", "list", "tuple_of", "dict")
_SINGLE = (NoneType, bool, int, float, str)
_PLAIN_JSON: object = get_args(Metadata)[1]
_UTC: object = get_args(UtcDatetime)[1]
_NAMES = ((_core.check_exchange, "exchange"), (_core.check_symbol, "symbol"))
_FORMS = {
    "none": "text",
    "text": "text",
    "id": "text",
    "bool": "bool",
    "int": "int",
    "float": "float",
    "decimal": "decimal",
    "moment": "utc",
    "datetime": "time",
}
ROUTING_FORMS = {"event_type": "text", "timestamp": "utc", "exchange": "text", "symbol": "text"}
"""The forms of the fields by which an event is routed and stored."""

_ATOMS = frozenset(_SCALARS.values()) - {"any", "json"} | {
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
"""The kinds of values that lead back to no other object, and of choices between such."""

_MODEL_SCHEMAS = [getattr(cls.__get_pydantic_core_schema__, "__func__", None) for cls in (BaseModel, BaseEvent)]
_DECLARED = frozenset({"allow_inf_nan", "pattern", "multiple_of", "max_digits", "decimal_places"})
_CHECKED_BY_TYPE: Mapping[str, Any] = {name: type_ for type_, name in _SCALARS.items() if isinstance(type_, type)} | {
    "id": str,
    "moment": datetime,
    "uuid": UUID,
    "list": list,
    "tuple_of": tuple,
    "dict": dict,
    "any": Any,
    "none": Any,
}

_TYPE_STAYS: Any = (Discriminator, FailFast, SerializeAsAny, SkipValidation, Strict, Tag, UuidVersion)
"""What of Pydantic's own metadata leaves a type what it is, or only constrains it."""

_COMPARISONS: Mapping[type, str] = {Gt: "gt", Ge: "ge", Lt: "lt", Le: "le"}


@dataclass(frozen=True, slots=True)
class Shape:
    """What values a field holds, or a part of one.

    Attributes:
        kind: Its name. `pydantic` stands for whatever only Pydantic knows; `checked` for a shape whose values have
            constraints that only Pydantic knows; `proven` for what is read and written natively and proves as well that
            it comes back from JSON; `unstorable` for what does not come back.
        inner: The shapes of its parts, if it has any.
        detail: The choices of a literal, the class of an enumeration or a model, the type that only Pydantic knows or
            that is proven, what checks constraints, why it is not storable.
        bounds: What else holds of them.
        reason: Why they go through Pydantic, where it is not that only Pydantic knows the type.
    """

    kind: str
    inner: tuple["Shape", ...] = ()
    detail: Any = None
    bounds: tuple[Bound, ...] = ()
    reason: str | None = None

    def parts(self) -> Iterator["Shape"]:
        """The shape and all that it is made of; not the fields of models."""
        yield self
        for inner in self.inner:
            yield from inner.parts()

    @property
    def form(self) -> str:
        """The form of the columns for such values; `json` for whatever has no columns of its own."""
        match self:
            case Shape("optional" | "checked" | "proven", (inner,)):
                return inner.form
            case Shape("literal", _, choices):
                forms = {_FORMS.get(_SCALARS.get(type(choice), ""), "json") for choice in choices if choice is not None}
                return forms.pop() if len(forms) == 1 else "json"
            case Shape("enum", _, members) if all(map(_is_text, members)):
                return "text"
            case _:
                return _FORMS.get(self.kind, "json")

    def __str__(self) -> str:
        inner = ", ".join(map(str, self.inner))
        named = self.detail.__name__ if self.kind in {"enum", "model"} else ""
        return self.kind + (f"[{inner or named}]" if inner or named else "")


@dataclass(frozen=True, slots=True)
class FieldDescription:
    """One field of a class.

    Attributes:
        name: Its name.
        shape: What it holds.
        how: How its values come back equal: `native` by nature, `pydantic` as each of them proves when it is encoded,
            or `unstorable` not at all, so that an event with such a value stays in memory.
        reason: Why it is not `native`.
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
        rules: What this package's own classes demand of the whole model. It holds for each that is decoded; validators
            that other classes add are not asked again.
        has_private: Whether its instances have private attributes, which construction makes.
        keeps_extras: Whether it keeps fields that it does not know.
        is_frozen: Whether its instances cannot be changed.
        is_flat: Whether that is so, and they refer to nothing that could lead back to them.
        is_compared: Whether each instance is decoded again and compared when it is encoded: because it, or a model in
            it, has attributes that are no fields.
        reason: Why no event of the class can be stored or sent; None where its fields and values decide.
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
        """How events of the class come back equal: as the worst of its fields."""
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
    """How the events of a class are written and read, and which of its fields go through Pydantic.

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
        reason=why_class_unstorable(cls) or _why_unroutable(cls, fields),
    )


def _describe_field(cls: type[BaseModel], name: str, info: FieldInfo) -> FieldDescription:
    shape = _choose(info.annotation, info.metadata)
    if name == "event_id" and issubclass(cls, BaseEvent):
        shape = _as_id(shape)
    shape = _settle(shape, cls.model_config)
    shape = _refuse(cls, shape)
    if shape.form == "json" and not _is_opaque(shape) and not is_exact_in_json(shape, describe_class):
        shape = Shape("proven", (shape,), _annotate(info.annotation, info.metadata))
    how, reason = judge(shape, describe_class)
    return FieldDescription(name, shape, how, reason)


def _why_unroutable(cls: type[BaseModel], fields: Sequence[FieldDescription]) -> str | None:
    """Why it is not known from an event of the class where it belongs, or None."""
    odd = (field.name for field in fields if ROUTING_FORMS.get(field.name, field.shape.form) != field.shape.form)
    name = next(odd, None) if issubclass(cls, BaseEvent) else None
    return None if name is None else f"{name} must have the type that BaseEvent gives it, or one within that"


def _refuse(cls: type[BaseModel], shape: Shape) -> Shape:
    """The shape, in which what never comes back is marked as not storable."""
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


def _settle(shape: Shape, config: ConfigDict) -> Shape:
    """Gives every number and every text in the shape the bounds that its class gives it where it has none itself."""
    inner = tuple(_settle(part, config) for part in shape.inner)
    bounds = dict(shape.bounds)
    if shape.kind == "text":
        lengths = {"min_length": config.get("str_min_length"), "max_length": config.get("str_max_length")}
        bounds = {name: length for name, length in lengths.items() if length is not None} | bounds
    if shape.kind in {"float", "decimal"}:
        given = bounds.pop("allow_inf_nan", None)
        allowed = config.get("allow_inf_nan") if given is None else given
        if not (shape.kind == "float" if allowed is None else allowed):
            bounds["finite"] = None
    return replace(shape, inner=inner, bounds=tuple(bounds.items()))


def _holds_fields_alone(cls: type[BaseModel]) -> bool:
    """Whether its instances are frozen, and keep nothing but the values of their fields."""
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


def _choose(annotation: Any, metadata: Sequence[Any]) -> Shape:
    """The shape that a type calls for."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _choose(args[0], [*args[1:], *metadata])
    if any(map(_makes_type, _flatten(metadata))):
        return Shape("pydantic", detail=_annotate(annotation, metadata))
    shape = _with_metadata(_choose_plain(annotation, origin, args, metadata), metadata)
    return shape if shape.kind != "pydantic" else replace(shape, detail=_annotate(annotation, metadata))


def _annotate(annotation: Any, metadata: Sequence[Any]) -> Any:
    return Annotated[annotation, *metadata] if metadata else annotation


def _choose_plain(annotation: Any, origin: Any, args: tuple[Any, ...], metadata: Sequence[Any]) -> Shape:
    if _is_hashable(annotation) and annotation in _SCALARS:
        return Shape(_SCALARS[annotation])
    if origin in {Union, UnionType}:
        return _choose_union(args, metadata)
    if origin is Literal:
        values = all(type(value) in _SINGLE for value in args)
        return Shape("literal", detail=args) if values else Shape("pydantic")
    if isinstance(annotation, TypeVar) and annotation.__bound__ is None and not annotation.__constraints__:
        return Shape("any")
    if isinstance(annotation, type) and origin is None and issubclass(annotation, (Enum, BaseModel)):
        return _choose_class(annotation)
    return _choose_container(origin or annotation, args)


def _choose_class(cls: type[Enum] | type[BaseModel]) -> Shape:
    reason = why_pydantic(cls)
    if reason is not None:
        return Shape("pydantic", reason=reason)
    if issubclass(cls, BaseModel):
        own = getattr(cls.__get_pydantic_core_schema__, "__func__", None) not in _MODEL_SCHEMAS
        return Shape("pydantic") if own or issubclass(cls, RootModel) else Shape("model", detail=cls)
    simple = all(type(member.value) in _SINGLE for member in cls)
    return Shape("enum", detail=cls) if simple else Shape("pydantic")


def _choose_union(args: tuple[Any, ...], metadata: Sequence[Any]) -> Shape:
    present = [arg for arg in args if arg not in {None, NoneType}]
    if len(present) == 1:
        inner = _choose(present[0], metadata)
    else:
        members = tuple(_choose(arg, []) for arg in present)
        if any(part.bounds or part.kind == "checked" for member in members for part in member.parts()):
            # A value would be taken for one of the first member of its type, whose constraints it need not meet.
            whole = _annotate(Union[tuple(present)], metadata)  # noqa: UP007
            inner = Shape("pydantic", detail=whole, reason="a member of the union has constraints")
        else:
            inner = _with_metadata(Shape("union", members), metadata)
    return inner if len(present) == len(args) else Shape("optional", (inner,))


def _choose_container(container: Any, args: tuple[Any, ...]) -> Shape:
    if container is list:
        return Shape("list", (_choose((args or (Any,))[0], []),))
    if container is dict:
        return Shape("dict", tuple(_choose(arg, []) for arg in args or (Any, Any)))
    if container is tuple:
        if not args or args[-1] is Ellipsis:
            return Shape("tuple_of", (_choose((args or (Any,))[0], []),))
        return Shape("tuple", tuple(_choose(arg, []) for arg in args))
    return Shape("pydantic")


def _with_metadata(shape: Shape, metadata: Sequence[Any]) -> Shape:
    if shape.kind in {"optional", "checked", "pydantic"}:
        return shape
    kind, bounds = shape.kind, list(shape.bounds)
    others: list[Any] = []
    for item in _flatten(metadata):
        if item is _UTC and kind == "datetime":
            kind = "moment"
        elif item is _PLAIN_JSON and kind == "dict":
            kind = "metadata"
        elif (found := _bounds(kind, item)) is not None:
            bounds += found
        elif _is_constraint(item):
            others.append(item)
    made = Shape(kind, () if kind == "metadata" else shape.inner, shape.detail, tuple(bounds))
    if not others:
        return made
    check = _check_of(kind, others)
    return Shape("pydantic") if check is None else Shape("checked", (made,), check)


def _makes_type(item: object) -> bool:
    """Whether a piece of metadata makes another type of the one that it stands beside, as only Pydantic knows."""
    return hasattr(item, "__get_pydantic_core_schema__") and not (adds(item) or isinstance(item, _TYPE_STAYS))


def _is_constraint(item: object) -> bool:
    """Whether a piece of metadata declares what holds of values: functions that are asked about them do not."""
    return (
        bool(_declared(item))
        or isinstance(item, UuidVersion)
        or (isinstance(item, BaseMetadata) and not (_is_general(item) or isinstance(item, (Predicate, Strict, Unit))))
    )


def _check_of(kind: str, constraints: Sequence[Any]) -> Callable[[Any], Any] | None:
    """What raises where a value of a kind breaks one of the constraints, or None where only Pydantic can tell."""
    known: Any = _CHECKED_BY_TYPE.get(kind, Any)
    has_digits = any({"max_digits", "decimal_places"} & _declared(item).keys() for item in constraints)
    if kind == "decimal" and not has_digits:  # whether they are finite is checked natively
        constraints = [AllowInfNan(allow_inf_nan=True), *constraints]
    annotated: Any = Annotated[known, *constraints]
    try:
        validate = TypeAdapter[Any](annotated).validate_python
    except Exception:  # noqa: BLE001 - whatever Pydantic raises of a constraint that only some types have
        return None

    def check(value: Any) -> None:
        try:
            validate(value)
        except ValidationError as wrong:
            raise ValueError(f"{value!r:.80} is not what its field may hold: {wrong.errors()[0]['msg']}") from wrong

    return check


def _flatten(metadata: Sequence[Any]) -> Iterator[Any]:
    for item in metadata:
        if isinstance(item, FieldInfo):
            yield from _flatten(item.metadata)
        elif isinstance(item, GroupedMetadata):
            yield from _flatten(list(item))
        elif not isinstance(item, str):
            yield item


def _bounds(kind: str, item: Any) -> list[Bound] | None:
    """What a piece of metadata says of values of a kind, or None where only Pydantic knows."""
    comparison = next((name for kind_of, name in _COMPARISONS.items() if isinstance(item, kind_of)), None)
    if comparison is not None and kind in _NUMBERS:
        limit = getattr(item, comparison)
        fits = limit == 0 if kind == "decimal" else type(limit) in {int, float} and abs(limit) <= 2**63
        return [(comparison, limit)] if fits else None
    if isinstance(item, MinLen) and kind in _SIZED:
        return [("min_length", item.min_length)]
    if isinstance(item, MaxLen) and kind in _SIZED:
        return [("max_length", item.max_length)]
    if isinstance(item, AfterValidator) and kind == "text":
        return next(([(name, None)] for check, name in _NAMES if item.func is check), None)
    return _general_bounds(kind, item)


def _general_bounds(kind: str, item: Any) -> list[Bound] | None:
    settings = _declared(item)
    bounds: list[Bound] = []
    if "allow_inf_nan" in settings:
        bounds.append(("allow_inf_nan", settings.pop("allow_inf_nan")))
    if isinstance(pattern := settings.get("pattern"), str) and kind == "text":
        bounds.append(("check", SchemaValidator(core_schema.str_schema(pattern=pattern)).validate_python))
        del settings["pattern"]
    return bounds if bounds and not settings else None


def _declared(item: Any) -> dict[str, Any]:
    """What a piece of Pydantic's own metadata says of values; not how they are made."""
    return {name: getattr(item, name) for name in _DECLARED if _is_general(item) and hasattr(item, name)}


def _is_general(item: object) -> bool:
    """Whether it is Pydantic's own metadata, some of which constrains values."""
    return isinstance(item, AllowInfNan) or type(item).__name__.endswith("PydanticGeneralMetadata")


def _is_hashable(value: object) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _is_text(member: Enum) -> bool:
    return isinstance(member, str) and str.__eq__(member, member.value)
