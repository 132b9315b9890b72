"""Fields that hold events of several classes: each is found by its event type."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from pydantic import BaseModel, ValidationInfo
from pydantic_core import to_json

FindClass = Callable[[str], type[BaseModel] | None]
"""Gives the class of an event type, if there is one."""


def choose_event(
    abstract: type[BaseModel], find: FindClass, value: Any, handler: Callable[[Any], Any], info: ValidationInfo
) -> Any:
    """Validates a value of a field that holds events of any class derived from an abstract one.

    Raises:
        ValueError: It is a mapping without the event type of such a class.
        pydantic.ValidationError: It is no event of its class.
    """
    if not isinstance(value, Mapping):
        return handler(value)
    found = chosen_class(abstract, find, cast("Mapping[str, Any]", value))
    if info.mode == "json":
        return found.model_validate_json(to_json(value), by_alias=True, by_name=True)
    return found.model_validate(value, by_alias=True, by_name=True)


def chosen_class(abstract: type[BaseModel], find: FindClass, fields: Mapping[str, Any]) -> type[BaseModel]:
    """The class that a mapping of fields names.

    Raises:
        ValueError: It names none that derives from the abstract one.
    """
    event_type = fields.get("event_type")
    found = find(event_type) if isinstance(event_type, str) else None
    if found is None or not issubclass(found, abstract):
        raise ValueError(f"no {abstract.__name__} has the event type {event_type!r:.80}")
    return found
