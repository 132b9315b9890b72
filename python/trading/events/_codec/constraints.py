"""Constraints on values: bounds of a shape are checked natively, the others by Pydantic."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, get_args
from uuid import UUID

from annotated_types import BaseMetadata, Ge, GroupedMetadata, Gt, Le, Lt, MaxLen, MinLen, Predicate, Unit
from pydantic import (
    AfterValidator,
    AllowInfNan,
    ConfigDict,
    Discriminator,
    FailFast,
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
from trading.events._codec.shapes import KIND_OF_TYPE, Bound, Shape
from trading.events._models.added_functions import adds
from trading.events.base import Metadata, UtcDatetime

_NUMBERS = ("int", "float", "decimal")
_SIZED = ("text", "bytes", "list", "tuple_of", "dict")
_PLAIN_JSON: object = get_args(Metadata)[1]
_UTC: object = get_args(UtcDatetime)[1]
_NAMES = ((_core.check_exchange, "exchange"), (_core.check_symbol, "symbol"))
_DECLARED = frozenset({"allow_inf_nan", "pattern", "multiple_of", "max_digits", "decimal_places"})

_CHECKED_BY_TYPE: Mapping[str, Any] = {
    name: type_ for type_, name in KIND_OF_TYPE.items() if isinstance(type_, type)
} | {
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
"""Pydantic's own metadata that leaves a type as it is, or only constrains it."""

_COMPARISONS: Mapping[type, str] = {Gt: "gt", Ge: "ge", Lt: "lt", Le: "le"}


def with_metadata(shape: Shape, metadata: Sequence[Any]) -> Shape:
    """The shape with the constraints of the metadata beside its type."""
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


def with_class_bounds(shape: Shape, config: ConfigDict) -> Shape:
    """The shape, in which numbers and texts without bounds of their own have those of the class."""
    inner = tuple(with_class_bounds(part, config) for part in shape.inner)
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


def makes_type(metadata: Sequence[Any]) -> bool:
    """Returns whether metadata turns its type into another one, which only Pydantic knows."""
    return any(map(_makes_type, _flatten(metadata)))


def _makes_type(item: object) -> bool:
    return hasattr(item, "__get_pydantic_core_schema__") and not (adds(item) or isinstance(item, _TYPE_STAYS))


def _is_constraint(item: object) -> bool:
    """Returns whether a piece of metadata declares a constraint; functions that check values do not."""
    return (
        bool(_declared(item))
        or isinstance(item, UuidVersion)
        or (isinstance(item, BaseMetadata) and not (_is_general(item) or isinstance(item, (Predicate, Strict, Unit))))
    )


def _check_of(kind: str, constraints: Sequence[Any]) -> Callable[[Any], Any] | None:
    """A function that raises if a value of a kind breaks one of the constraints; None where only Pydantic can tell."""
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
    """The bounds that a piece of metadata sets for values of a kind; None where only Pydantic knows."""
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
    """The constraints that a piece of Pydantic's own metadata declares."""
    return {name: getattr(item, name) for name in _DECLARED if _is_general(item) and hasattr(item, name)}


def _is_general(item: object) -> bool:
    """Returns whether it is Pydantic's own metadata, some of which constrains values."""
    return isinstance(item, AllowInfNan) or type(item).__name__.endswith("PydanticGeneralMetadata")
