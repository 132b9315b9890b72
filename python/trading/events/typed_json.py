"""Values of any type that Pydantic knows as JSON text, and back, exactly."""

from collections.abc import Callable
from functools import cache
from types import GenericAlias
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic_core import to_json

from trading.events.exactness import is_same, show

TypedJson = tuple[Callable[[Any], str], Callable[[str], Any]]
"""From a value to its text, and from a text to the value."""


def render_json(value: Any) -> str:
    """A value as JSON.

    Raises:
        ValueError: It holds something that has no JSON.
    """
    return to_json(value, by_alias=False, bytes_mode="base64", inf_nan_mode="strings").decode()


def typed_json(cls: type[BaseModel], annotation: Any) -> TypedJson:
    """Renders and parses the values of a type within a class, and proves with each value that it comes back.

    Rendering raises a ValueError or TypeError for one that does not.
    """

    @cache
    def adapter() -> TypeAdapter[tuple[Any]]:
        # In a tuple, because a type that has a configuration of its own is not given another.
        single: Any = GenericAlias(tuple, (annotation,))
        return TypeAdapter[tuple[Any]](single, config=cls.model_config | ConfigDict(val_json_bytes="base64"))

    def parse(text: str) -> Any:
        return adapter().validate_json(f"[{text}]", by_alias=False, by_name=True)[0]

    def render(value: Any) -> str:
        text = render_json(value)
        try:
            again = parse(text)
        except ValidationError as wrong:
            raise ValueError(f"its JSON does not come back: {wrong.errors()[0]['msg']}") from wrong
        if not is_same(value, again):
            raise ValueError(f"as JSON it comes back as {show(again)}")
        return text

    return render, parse


def field_json(cls: type[BaseModel], name: str) -> TypedJson:
    """The same for the values of a field."""
    info = cls.model_fields[name]
    annotation: Any = info.annotation
    return typed_json(cls, Annotated[annotation, *info.metadata] if info.metadata else annotation)
