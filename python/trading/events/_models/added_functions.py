"""The functions that classes and fields add to types: validators and serializers, but none that makes a type."""

from collections.abc import Callable, Iterator
from dataclasses import is_dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints

from pydantic import AfterValidator, BaseModel, BeforeValidator, PlainSerializer, PlainValidator, WrapSerializer
from pydantic.fields import FieldInfo
from pydantic.functional_validators import WrapValidator

_ADDING = (AfterValidator, BeforeValidator, PlainValidator, WrapValidator, PlainSerializer, WrapSerializer)
_DECORATORS = (
    "validators",
    "field_validators",
    "root_validators",
    "model_validators",
    "field_serializers",
    "model_serializers",
)


def is_own(function: Any) -> bool:
    """True if a function is of this package: what such a one says of a value always holds."""
    module = getattr(function, "__module__", None) or ""
    return f"{module}.".startswith("trading.events.")


def identify(function: Any) -> int:
    """The identity of a function, the same for all methods bound of it."""
    return id(getattr(function, "__func__", function))


def adds(item: object) -> bool:
    """True if a piece of a type's metadata adds a function to it."""
    return isinstance(item, _ADDING)


class AddedFunctions:
    """The added functions of types and of their parts.

    Pydantic's schemas do not tell whether a function was added to a type or makes it, so that types are asked.
    """

    def __init__(self) -> None:
        self._found: dict[int, Callable[..., Any]] = {}
        self._seen: list[Any] = []

    def __contains__(self, function: object) -> bool:
        return identify(function) in self._found

    def __bool__(self) -> bool:
        return bool(self._found)

    def look_into(self, annotation: Any) -> None:
        """Finds those of a type."""
        if any(annotation is known for known in self._seen):
            return
        self._seen.append(annotation)
        self._take_metadata(getattr(annotation, "__metadata__", ()))
        for part in _parts(annotation):
            self.look_into(part)
        if isinstance(annotation, type):
            self._look_into_class(annotation)

    def _look_into_class(self, cls: type[Any]) -> None:
        decorators = getattr(cls, "__pydantic_decorators__", None)
        for kind in _DECORATORS if decorators is not None else ():
            for decorator in getattr(decorators, kind).values():
                self._add(decorator.func)
        infos = cls.model_fields if issubclass(cls, BaseModel) else getattr(cls, "__pydantic_fields__", {})
        for info in infos.values():
            self._take_metadata(info.metadata)
            self.look_into(info.annotation)
        if _has_hints(cls):
            for hint in _hints(cls).values():
                self.look_into(hint)

    def _take_metadata(self, metadata: Any) -> None:
        for item in metadata:
            if isinstance(item, FieldInfo):
                self._take_metadata(item.metadata)
            elif isinstance(item, _ADDING):
                self._add(item.func)

    def _add(self, function: Any) -> None:
        if not is_own(function):
            self._found[identify(function)] = function


def _parts(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) is not Literal:
        yield from get_args(annotation)
    if hasattr(annotation, "__type_params__") and hasattr(annotation, "__value__"):
        yield annotation.__value__
    origin = get_origin(annotation)
    if origin is not None:
        yield origin


def _has_hints(cls: Any) -> bool:
    """True if it is a dataclass, a typed dict or a named tuple."""
    return is_dataclass(cls) or hasattr(cls, "__total__") or hasattr(cls, "_fields")


def _hints(cls: type[Any]) -> dict[str, Any]:
    try:
        return get_type_hints(cls, include_extras=True)
    except (NameError, TypeError):  # it names a class that only stood where it was defined
        return dict(getattr(cls, "__annotations__", {}))
