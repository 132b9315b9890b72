"""How one field of an event class is stored: the form that its type calls for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic_core import from_json

from trading.events.base import BaseEvent, Metadata, UtcDatetime
from trading.events.persistence.columns import FORMS
from trading.events.persistence.stored_schema import StoredColumn
from trading.events.typed_json import field_json

_SCALARS: Mapping[Any, str] = {
    NoneType: "text",
    str: "text",
    bool: "bool",
    int: "int",
    float: "float",
    Decimal: "decimal",
}
_PLAIN_JSON: object = get_args(Metadata)[1]
_UTC: object = get_args(UtcDatetime)[1]


@dataclass(frozen=True, slots=True)
class FieldColumn:
    """One field of an event class.

    Attributes:
        name: The field.
        stored: As it is stored.
        parse: From the column's text to the value, where the form is json or the text stands for something.
    """

    name: str
    stored: StoredColumn
    parse: Callable[[str], Any] | None = None


def make_column(event_class: type[BaseEvent], name: str) -> FieldColumn:
    """How a field of an event class is stored."""
    info = event_class.model_fields[name]
    form, parse = _choose_form(info.annotation, info.metadata)
    beside = tuple(_free_name(f"{name}_{end}", event_class.model_fields) for end in FORMS[form].beside)
    stored = StoredColumn(form=form, beside=beside)
    if form != "json":
        return FieldColumn(name, stored, parse=parse)
    if _PLAIN_JSON in info.metadata:
        return FieldColumn(name, stored, parse=from_json)
    _, parse_json = field_json(event_class, name)
    return FieldColumn(name, stored, parse=parse_json)


def _free_name(name: str, taken: Mapping[str, object]) -> str:
    while name in taken:
        name += "_"
    return name


def _choose_form(annotation: Any, metadata: Sequence[Any]) -> tuple[str, Callable[[str], Any] | None]:
    """The form that a type calls for, and what makes its values of texts if they are not texts themselves."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _choose_form(args[0], [*metadata, *args[1:]])
    if origin in {Union, UnionType}:
        present = [arg for arg in args if arg is not NoneType]
        return _choose_form(present[0], metadata) if len(present) == 1 else ("json", None)
    if origin is Literal:
        forms = {_SCALARS.get(type(arg), "json") for arg in args if arg is not None}
        return (forms.pop() if len(forms) == 1 else "json"), None
    if annotation is datetime:
        return ("utc" if _UTC in metadata else "time"), None
    if isinstance(annotation, type) and issubclass(annotation, Enum) and all(map(_is_text, annotation)):
        return "text", annotation
    return _SCALARS.get(annotation, "json"), None


def _is_text(member: Enum) -> bool:
    return isinstance(member, str) and str.__eq__(member, member.value)
