"""The stored columns of a field of an event class."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

from trading.events._codec.columns import FORMS, free_name
from trading.events._codec.description import FieldDescription
from trading.events._codec.typed_json import field_json
from trading.events.base import BaseEvent
from trading.events.persistence.schema.stored_schema import StoredColumn


@dataclass(frozen=True, slots=True)
class FieldColumn:
    """One field of an event class.

    Attributes:
        name: The field.
        stored: Its form and columns.
        parse: Turns the column's text into the value, if the form is json or the values are members of an enumeration.
    """

    name: str
    stored: StoredColumn
    parse: Callable[[str], Any] | None = None


def make_column(event_class: type[BaseEvent], field: FieldDescription) -> FieldColumn:
    """The columns of a field of an event class."""
    name, form = field.name, field.shape.form
    beside = tuple(free_name(f"{name}_{end}", event_class.model_fields) for end in FORMS[form].beside)
    stored = StoredColumn(form=form, beside=beside)
    if form != "json":
        members = [part.detail for part in field.shape.parts() if part.kind == "enum"]
        return FieldColumn(name, stored, parse=members[0] if members else None)
    if field.shape.kind == "metadata":
        return FieldColumn(name, stored, parse=from_json)
    _, parse_json = field_json(event_class, name)
    return FieldColumn(name, stored, parse=parse_json)
