"""Shapes: the values that a field of a class holds, or a part of one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from types import NoneType
from typing import Any
from uuid import UUID

from pydantic import JsonValue

from trading.events._codec.forms import form_of

Bound = tuple[str, Any]
"""A condition on values that is checked natively, and its limit: `("ge", 0)`."""

KIND_OF_TYPE: Mapping[Any, str] = {
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
"""The kinds of values of plain types."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The values that a field holds, or a part of one.

    Attributes:
        kind: Its name. `pydantic` stands for whatever only Pydantic knows; `checked` for a shape whose values have
            constraints that only Pydantic knows; `proven` for what is read and written natively and proves as well that
            it comes back from JSON; `unstorable` for what does not come back.
        inner: The shapes of its parts, if it has any.
        detail: The choices of a literal, the class of an enumeration or a model, the type that only Pydantic knows or
            that is proven, what checks constraints, why it is not storable.
        bounds: The conditions that they meet.
        reason: The reason why they go through Pydantic, where it is not that only Pydantic knows the type.
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
                forms = {form_of(KIND_OF_TYPE.get(type(choice), "")) for choice in choices if choice is not None}
                return forms.pop() if len(forms) == 1 else "json"
            case Shape("enum", _, members) if all(map(_is_text, members)):
                return "text"
            case _:
                return form_of(self.kind)

    def __str__(self) -> str:
        inner = ", ".join(map(str, self.inner))
        named = self.detail.__name__ if self.kind in {"enum", "model"} else ""
        return self.kind + (f"[{inner or named}]" if inner or named else "")


def _is_text(member: Enum) -> bool:
    return isinstance(member, str) and str.__eq__(member, member.value)
