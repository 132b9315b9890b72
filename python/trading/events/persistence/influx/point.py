"""Events as points in line protocol.

A point's measurement is the event type, its tags `exchange` and `symbol`, where the event has them, its time the
event's, in nanoseconds, and its fields the rest. None is no field. A field has one type for all events of a class:

    text     text; one with control characters stands as JSON text in `<name>_exact` instead
    bool     boolean
    float    float; NaN and infinity, which the protocol does not know, stand as text in `<name>_exact` instead
    int      integer; one beyond 64 bits stands as text in `<name>_exact` instead
    decimal  float, the nearest one, and the number itself as text in `<name>_exact`; one beyond all floats only there
    utc      integer, microseconds since 1970
    time     the same, and ISO text in `<name>_exact`; a naive one only there
    json     JSON as text: everything else

Tags cannot be told exactly with backslashes in them: servers differ in what these mean. So in a tag `%5C` stands for a
backslash, `%25` for a percent sign, and control characters likewise.
"""

import json
import math
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple

from trading.events._codec.columns import take_name
from trading.events._codec.description import FieldDescription, describe
from trading.events._codec.micros import to_micros
from trading.events._codec.typed_json import field_json, render_json
from trading.events._models.decimals import WIDE
from trading.events.base import BaseEvent
from trading.events.errors import UnstorableEventError
from trading.events.persistence.encoding import encode_row, refuse_extra

EXACT = "exact"
"""The suffix of a field that holds exactly what the field before it cannot."""

RESERVED = frozenset({"time"})
"""Names that no field of a point may have; `_` is appended to them."""

_IN_PLACE = frozenset({"event_type", "timestamp", "exchange", "symbol"})
_UNPLAIN = re.compile(r"[\x00-\x1f\x7f%\\]")
_SEPARATORS = str.maketrans({",": r"\,", "=": r"\=", " ": r"\ "})
_QUOTED = str.maketrans({'"': r"\"", "\\": r"\\"})
_CONTROL = re.compile(r"[\x00-\x1f]")

_Render = Callable[[Any], Iterator[str]]


class Point(NamedTuple):
    """A point without its time."""

    series: str
    """Measurement and tags: points of one series at one time replace each other."""

    fields: str
    """Its fields."""

    micros: int
    """The time of the event, in microseconds since 1970."""


def make_point(event: BaseEvent) -> Point:
    """The point that holds an event.

    Raises:
        NotAnEventError: It is no event.
        UnstorableEventError: A value of it cannot be stored exactly.
    """
    encode_row(event)  # refuses what no store takes
    refuse_extra(event)
    cls = type(event)
    if cls not in _RENDERERS:
        _RENDERERS[cls] = tuple(_renderers(cls))
    fields: list[str] = []
    for name, render in _RENDERERS[cls]:
        value = getattr(event, name)
        if value is not None:
            try:
                fields += render(value)
            except (TypeError, ValueError) as wrong:
                raise UnstorableEventError(
                    f"{cls.__name__} {event.event_id} cannot be stored exactly: in {name}, {wrong}"
                ) from wrong
    tags = {"exchange": event.exchange, "symbol": event.symbol}
    series = [event.event_type, *(f"{key}={escape_tag(name)}" for key, name in tags.items() if name is not None)]
    return Point(",".join(series), ",".join(fields), to_micros(event.timestamp))


def escape_tag(name: str) -> str:
    """A name as the value of a tag."""
    return _UNPLAIN.sub(lambda found: f"%{ord(found[0]):02X}", name).translate(_SEPARATORS)


_RENDERERS: dict[type[BaseEvent], tuple[tuple[str, _Render], ...]] = {}


def _renderers(cls: type[BaseEvent]) -> Iterator[tuple[str, _Render]]:
    """A function for each field of an event class, which makes fields of a point of its values."""
    taken = {*cls.model_fields, *_IN_PLACE, *RESERVED}
    for field in describe(cls).fields:
        if field.name not in _IN_PLACE:
            own = take_name(field.name + "_", taken) if field.name in RESERVED else field.name
            exact = take_name(f"{field.name}_{EXACT}", taken)
            yield field.name, partial(_choose(cls, field), escape_tag(own), escape_tag(exact))


def _choose(cls: type[BaseEvent], field: FieldDescription) -> Callable[[str, str, Any], Iterator[str]]:
    form = field.shape.form
    if form != "json":
        return _FORMS[form]
    return partial(_render_json, render_json if field.shape.kind == "metadata" else field_json(cls, field.name)[0])


def _quote(text: str) -> str:
    return f'"{text.translate(_QUOTED)}"'


def _render_text(own: str, exact: str, value: str) -> Iterator[str]:
    text = str.__str__(value)
    if _CONTROL.search(text):
        yield f"{exact}={_quote(json.dumps(text, ensure_ascii=False))}"
    else:
        yield f"{own}={_quote(text)}"


def _render_bool(own: str, _exact: str, value: bool) -> Iterator[str]:  # noqa: FBT001 - it is the value
    yield f"{own}={'t' if value else 'f'}"


def _render_float(own: str, exact: str, value: float) -> Iterator[str]:
    yield f"{own}={float(value)!r}" if math.isfinite(value) else f'{exact}="{float(value)!r}"'


def _render_int(own: str, exact: str, value: int) -> Iterator[str]:
    yield f"{own}={int(value)}i" if -(2**63) <= value < 2**63 else f'{exact}="{int(value)}"'


def _render_decimal(own: str, exact: str, value: Decimal) -> Iterator[str]:
    nearest = float(value)
    if math.isfinite(nearest):
        yield f"{own}={nearest!r}"
    yield f'{exact}="{WIDE.to_sci_string(value)}"'


def _render_moment(own: str, _exact: str, value: datetime) -> Iterator[str]:
    yield f"{own}={to_micros(value)}i"


def _render_time(own: str, exact: str, value: datetime) -> Iterator[str]:
    if value.utcoffset() is not None:
        yield f"{own}={to_micros(value)}i"
    yield f'{exact}="{value.isoformat()}"'


def _render_json(to_text: Callable[[Any], str], own: str, _exact: str, value: Any) -> Iterator[str]:
    yield f"{own}={_quote(to_text(value))}"


_FORMS: dict[str, Callable[[str, str, Any], Iterator[str]]] = {
    "text": _render_text,
    "bool": _render_bool,
    "float": _render_float,
    "int": _render_int,
    "decimal": _render_decimal,
    "utc": _render_moment,
    "time": _render_time,
}
