"""Events of one topic as a frame of columns, and back."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pydantic import BaseModel
from pydantic_core import SchemaValidator, from_json

from trading.events._codec.columns import take_name
from trading.events._codec.description import describe
from trading.events._codec.micros import from_micros, to_micros
from trading.events._codec.typed_json import field_json, render_json
from trading.events._models.stored_type import stored_validator
from trading.events.base import BaseEvent
from trading.events.persistence.arctic.columns import FORMS
from trading.events.unknown import UnknownEvent

SEQ = "_seq"
"""The column of sequence numbers, which give the order of recording."""

VERSION = 1
"""The version of the format that is written here. Later versions are refused."""

_IN_PLACE = frozenset({"event_type", "timestamp", "exchange", "symbol"})
_NS_PER_MICRO = 1_000


class StoredField(BaseModel, frozen=True):
    """The stored form of a field, and its columns, its own first."""

    form: str
    columns: tuple[str, ...]


class Heading(BaseModel, frozen=True):
    """The metadata of a symbol in the library: the topic of its events, and the columns of their fields."""

    version: int = VERSION
    event_type: str
    exchange: str | None
    symbol: str | None
    fields: dict[str, StoredField]


@dataclass(frozen=True, slots=True)
class _Field:
    """A field of a class."""

    name: str
    stored: StoredField
    render: Callable[[Any], str] | None
    parse: Callable[[str], Any] | None


@dataclass(frozen=True, slots=True)
class FrameSchema:
    """The columns of one event class; `frame_schema` makes it."""

    event_type: str
    fields: tuple[_Field, ...]
    validator: SchemaValidator

    def heading(self, exchange: str | None, symbol: str | None) -> Heading:
        """The metadata of a symbol with events of this class."""
        fields = {field.name: field.stored for field in self.fields}
        return Heading(event_type=self.event_type, exchange=exchange, symbol=symbol, fields=fields)

    def encode(self, events: Sequence[BaseEvent], seqs: Sequence[int]) -> pd.DataFrame:
        """Events of the class, sorted by time, as a frame; its index are their times."""
        columns: dict[str, np.ndarray] = {}
        for field in self.fields:
            values = [getattr(event, field.name) for event in events]
            if field.render is not None:
                values = [None if value is None else field.render(value) for value in values]
            columns.update(zip(field.stored.columns, FORMS[field.stored.form].encode(values), strict=True))
        columns[SEQ] = np.array(seqs, dtype=np.int64)
        times = np.array([to_micros(event.timestamp) for event in events], dtype=np.int64) * _NS_PER_MICRO
        return pd.DataFrame(columns, index=pd.DatetimeIndex(times.view("datetime64[ns]"), name="timestamp"))

    def decode(self, table: pa.Table, heading: Heading) -> list[BaseEvent]:
        """The events of a table that was a frame, by the types of their fields. Others than the class has are left out.

        Raises:
            KeyError, ValueError, TypeError, ArithmeticError: The table holds no events of this class.
        """
        count = table.num_rows
        columns: dict[str, Sequence[Any]] = {
            "event_type": [heading.event_type] * count,
            "timestamp": [from_micros(micros) for micros in micros_of(table)],
            "exchange": [heading.exchange] * count,
            "symbol": [heading.symbol] * count,
        }
        for field in self.fields:
            stored = heading.fields.get(field.name)
            if stored is not None:
                values = FORMS[stored.form].decode([_to_numpy(table.column(name)) for name in stored.columns])
                if stored.form == "json":
                    parse = field.parse or from_json
                    values = [None if value is None else parse(value) for value in values]
                columns[field.name] = values
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        return [self.validator.validate_python(row, by_alias=False, by_name=True) for row in rows]


def decode_unknown(table: pa.Table, heading: Heading) -> list[BaseEvent]:
    """The events of a table that was a frame, whose class is gone.

    Raises:
        KeyError, ValueError, TypeError, ArithmeticError: The table holds no events.
    """
    events: list[BaseEvent] = []
    for row, micros in enumerate(micros_of(table)):
        one = table.slice(row, 1)
        values: dict[str, Any] = {
            "event_type": heading.event_type,
            "timestamp": from_micros(micros),
            "exchange": heading.exchange,
            "symbol": heading.symbol,
        }
        for name, stored in heading.fields.items():
            [value] = FORMS[stored.form].decode([_to_numpy(one.column(each)) for each in stored.columns])
            values[name] = from_json(value) if stored.form == "json" and value is not None else value
        events.append(UnknownEvent.of_values(values))
    return events


def micros_of(table: pa.Table) -> list[int]:
    """The times of a table's rows, in microseconds since 1970."""
    return [nano // _NS_PER_MICRO for nano in table.column("timestamp").cast(pa.int64()).to_pylist()]


def _to_numpy(column: Any) -> np.ndarray:
    array: np.ndarray = column.to_numpy()
    return array


_SCHEMAS: dict[type[BaseEvent], FrameSchema] = {}


def frame_schema(cls: type[BaseEvent]) -> FrameSchema:
    """The columns of an event class, from its fields."""
    if cls not in _SCHEMAS:
        _SCHEMAS[cls] = _make_schema(cls)
    return _SCHEMAS[cls]


def _make_schema(cls: type[BaseEvent]) -> FrameSchema:
    event_type: str = cls.model_fields["event_type"].default
    return FrameSchema(event_type, tuple(_fields(cls)), stored_validator(cls))


def _fields(cls: type[BaseEvent]) -> Iterator[_Field]:
    taken = set(cls.model_fields)
    for field in describe(cls).fields:
        if field.name in _IN_PLACE:
            continue
        form = field.shape.form
        beside = [take_name(f"{field.name}_{end}", taken) for end in FORMS[form].beside]
        stored = StoredField(form=form, columns=(field.name, *beside))
        if form != "json":
            yield _Field(field.name, stored, None, None)
        elif field.shape.kind == "metadata":
            yield _Field(field.name, stored, render_json, from_json)
        else:
            yield _Field(field.name, stored, *field_json(cls, field.name))
