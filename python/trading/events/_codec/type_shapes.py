"""The shape of a type annotation."""

from collections.abc import Sequence
from dataclasses import replace
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, RootModel

from trading.events._codec.constraints import makes_type, with_metadata
from trading.events._codec.shapes import KIND_OF_TYPE, Shape
from trading.events._codec.storable import why_pydantic
from trading.events.base import BaseEvent

_SINGLE = (NoneType, bool, int, float, str)
_MODEL_SCHEMAS = [getattr(cls.__get_pydantic_core_schema__, "__func__", None) for cls in (BaseModel, BaseEvent)]


def shape_of(annotation: Any, metadata: Sequence[Any]) -> Shape:
    """The shape of a type."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return shape_of(args[0], [*args[1:], *metadata])
    if makes_type(metadata):
        return Shape("pydantic", detail=annotate(annotation, metadata))
    shape = with_metadata(_choose_plain(annotation, origin, args, metadata), metadata)
    return shape if shape.kind != "pydantic" else replace(shape, detail=annotate(annotation, metadata))


def annotate(annotation: Any, metadata: Sequence[Any]) -> Any:
    """A type with metadata, if there is some."""
    return Annotated[annotation, *metadata] if metadata else annotation


def _choose_plain(annotation: Any, origin: Any, args: tuple[Any, ...], metadata: Sequence[Any]) -> Shape:
    if _is_hashable(annotation) and annotation in KIND_OF_TYPE:
        return Shape(KIND_OF_TYPE[annotation])
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
        inner = shape_of(present[0], metadata)
    else:
        members = tuple(shape_of(arg, []) for arg in present)
        if any(part.bounds or part.kind == "checked" for member in members for part in member.parts()):
            # A value would be taken for one of the first member of its type, whose constraints it need not meet.
            whole = annotate(Union[tuple(present)], metadata)  # noqa: UP007
            inner = Shape("pydantic", detail=whole, reason="a member of the union has constraints")
        else:
            inner = with_metadata(Shape("union", members), metadata)
    return inner if len(present) == len(args) else Shape("optional", (inner,))


def _choose_container(container: Any, args: tuple[Any, ...]) -> Shape:
    if container is list:
        return Shape("list", (shape_of((args or (Any,))[0], []),))
    if container is dict:
        return Shape("dict", tuple(shape_of(arg, []) for arg in args or (Any, Any)))
    if container is tuple:
        if not args or args[-1] is Ellipsis:
            return Shape("tuple_of", (shape_of((args or (Any,))[0], []),))
        return Shape("tuple", tuple(shape_of(arg, []) for arg in args))
    return Shape("pydantic")


def _is_hashable(value: object) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True
