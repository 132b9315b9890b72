"""The columns of raw events: those by which they are routed and stored, and one of the bytes in which they came."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import pyarrow as pa

from trading.events._codec.micros import to_micros
from trading.events.base import BaseEvent
from trading.events.errors import EventDecodeError, UnstorableEventError
from trading.events.persistence.schema.stored_schema import (
    RAW,
    RAW_FORM,
    RAW_VERSION,
    FileTopic,
    StoredColumn,
    arrow_schema,
    describe_file,
)
from trading.events.unknown import UnknownEvent, decode_any

RAW_COLUMNS: Mapping[str, StoredColumn] = {
    "event_id": StoredColumn(form="text"),
    "event_type": StoredColumn(form="text"),
    "timestamp": StoredColumn(form="utc"),
    "exchange": StoredColumn(form="text"),
    "symbol": StoredColumn(form="text"),
    RAW: StoredColumn(form=RAW_FORM),
}
"""The columns of a file of raw events, besides the sequence numbers."""

_ARROW = arrow_schema(RAW_COLUMNS)
_NAMES = ("event_type", "exchange", "symbol")


class NamedColumn(NamedTuple):
    """A column of raw events."""

    name: str
    stored: StoredColumn


@dataclass(frozen=True)
class RawSchema:
    """The columns of events of a type that no class here is for."""

    event_type: str

    @property
    def arrow(self) -> pa.Schema:
        """The schema of their tables."""
        return _ARROW

    @cached_property
    def columns(self) -> tuple[NamedColumn, ...]:
        """The columns, without the sequence numbers."""
        return tuple(NamedColumn(*column) for column in RAW_COLUMNS.items())

    def encode(self, events: Sequence[BaseEvent], seqs: Sequence[int]) -> pa.Table:
        """Events, with their sequence numbers, as a table with the columns of `arrow`.

        Raises:
            UnstorableEventError: One of them carries no bytes.
        """
        raw = [event.encoded if isinstance(event, UnknownEvent) else None for event in events]
        if None in raw:
            raise UnstorableEventError("an event of no class here can be stored only as the bytes in which it came")
        columns: list[Sequence[Any]] = [
            [event.event_id for event in events],
            [event.event_type for event in events],
            [event.timestamp for event in events],
            [event.exchange for event in events],
            [event.symbol for event in events],
            raw,
            seqs,
        ]
        arrays = [pa.array(column, field.type) for column, field in zip(columns, _ARROW, strict=True)]
        return pa.Table.from_arrays(arrays, schema=_ARROW)

    def describe(self, exchange: str | None, symbol: str | None) -> dict[bytes, bytes]:
        """The metadata of a file with events of this type."""
        topic = FileTopic(version=RAW_VERSION, event_type=self.event_type, exchange=exchange, symbol=symbol)
        return describe_file(topic, RAW_COLUMNS)


def read_raw(rows: pa.RecordBatch, row: int) -> BaseEvent:
    """The event of a row of raw events; an UnknownEvent where no class here has its type.

    Raises:
        EventDecodeError: It is none of what the row's other columns say.
    """
    event = decode_any(rows.column(RAW)[row].as_py() or b"")
    said = (rows.column("timestamp")[row].value, *(rows.column(name)[row].as_py() for name in _NAMES))
    if (to_micros(event.timestamp), *(getattr(event, name) for name in _NAMES)) != said:
        raise EventDecodeError("its columns say another time or topic than the event itself")
    return event
