"""Values of any type that Pydantic knows as JSON text, and back, exactly."""

from collections.abc import Callable
from functools import cache
from typing import Annotated, Any

from pydantic import BaseModel, ValidationError
from pydantic_core import SchemaSerializer, SchemaValidator, to_json

from trading.events._codec.exactness import is_same, show
from trading.events._models.stored_type import stored_json

TypedJson = tuple[Callable[[Any], str], Callable[[str], Any]]
"""Functions that turn a value into its text, and a text into the value."""


def render_json(value: Any) -> str:
    """A value as JSON.

    Raises:
        ValueError: It holds something that has no JSON.
    """
    return to_json(value, by_alias=False, bytes_mode="base64", inf_nan_mode="strings").decode()


def typed_json(cls: type[BaseModel], annotation: Any) -> TypedJson:
    """Renders and parses the values of a type within a class. Rendering checks that each value comes back equal.

    Functions that a class or a field adds to the type are not called, as the value has passed them before.

    Rendering raises a ValueError or TypeError for one that does not.
    """

    @cache
    def stored() -> tuple[SchemaValidator, SchemaSerializer]:
        return stored_json(annotation, cls.model_config, cls.__module__)

    def parse(text: str) -> Any:
        return stored()[0].validate_json(text, by_alias=False, by_name=True)

    def render(value: Any) -> str:
        text = stored()[1].to_json(value, by_alias=False, round_trip=True, warnings=False).decode()
        try:
            again = parse(text)
        except ValidationError as wrong:
            raise ValueError(f"its JSON does not come back: {wrong.errors()[0]['msg']}") from wrong
        if not is_same(value, again):
            raise ValueError(f"as JSON it comes back as {show(again)}")
        return text

    return render, parse


def field_json(cls: type[BaseModel], name: str) -> TypedJson:
    """Renders and parses the values of a field, as `typed_json` does."""
    info = cls.model_fields[name]
    annotation: Any = info.annotation
    return typed_json(cls, Annotated[annotation, *info.metadata] if info.metadata else annotation)
