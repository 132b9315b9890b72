"""Events as bytes and as tables, and back, exactly.

The bytes are msgpack, which any msgpack library reads; `docs/reference/wire-format.md` says what is in them. Tables are
of Arrow, and change hands without a copy. Nothing that is read is trusted: whatever is given, the answer is an event or
an EventDecodeError.

An event is built as it was, not constructed anew: validators and serializers that its class adds, its `__init__` and
its `__new__` are not called. Declared constraints hold. Private attributes are not part of an event: they are made by
their defaults and by `model_post_init`, as construction makes them.

The garbage collector is spared decoded events that cannot be in a cycle: those of a frozen class that keeps its fields
alone (no private attributes, slots, cached properties or other fields), all of whose values are scalars or metadata.
That is most market data, and a list of a million of them costs no collection. They are freed as ever with their last
reference. One that is put into its own `__dict__`, or past their refusal into its own metadata, is not.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol, TypeVar

from trading.events._codec.description import ClassDescription, describe
from trading.events._core import decode_batch, decode_event, encode_batch, encode_event
from trading.events.base import BaseEvent

if TYPE_CHECKING:
    import pyarrow as pa

    from trading.events._codec.from_table.plan import Unknown
    from trading.events._codec.from_table.times import TimeUnit

EventT = TypeVar("EventT", bound=BaseEvent)

__all__ = [
    "ArrowStream",
    "ClassDescription",
    "decode_batch",
    "decode_event",
    "describe",
    "encode_batch",
    "encode_event",
    "events_from_table",
    "events_to_table",
    "table_to_events",
]


class ArrowStream(Protocol):
    """Whatever hands over a table by Arrow's PyCapsule interface: of pyarrow, polars, DuckDB and others."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """The capsule."""
        ...


def events_to_table(events: Iterable[BaseEvent]) -> "pa.Table":
    """The events as one Arrow table, a row each, in their order.

    Events of several classes may be mixed: a column that an event's class does not have is null in its row.

    Raises:
        NotAnEventError: One of them is no event.
        UnstorableEventError: One of them would not come back equal.
        EventEncodeError: There is too much text for Arrow.
    """
    from trading.events._codec.event_table import to_table  # noqa: PLC0415 - pyarrow takes long to import

    return to_table(events)


def events_from_table(
    table: ArrowStream,
    event_class: type[EventT],
    *,
    exchange: str | None = None,
    symbol: str | None = None,
    tz: str | None = None,
    time_unit: "TimeUnit | None" = None,
    unknown: "Unknown" = "raise",
) -> list[EventT]:
    """Events of any table whose columns are named like the fields of a class: of pyarrow, pandas, polars and others.

    Each row is judged as the class judges what it is made of. Floats become decimals by their shortest text. NaN and
    null are None, where the field takes that. What is finer than a microsecond is cut off. An index of pandas that has
    a name is a column. An event without `event_id` gets a new one. Of `timestamp`, `exchange_timestamp` and
    `local_timestamp`, one that the table does not have is the first of them that it has; one of them it must have.

    Args:
        table: The table.
        event_class: The class of the events.
        exchange: The exchange of all of them, if no column says it.
        symbol: The symbol of all of them, if no column says it.
        tz: The zone of times that are in none, such as `UTC` or `Europe/Berlin`; by default they are refused.
        time_unit: The unit of times that are numbers: `s`, `ms`, `us` or `ns` since 1970; by default they are refused.
        unknown: What is done about a column that is no field: `raise`, the default, or `ignore`.

    Raises:
        EventTableError: A column is missing or unknown, or a row is no event of the class; its row is counted from 0.
        TypeError: `table` is no table, or the class is abstract.
        ValueError: Another argument is impossible.
    """
    from trading.events._codec.from_table.table_reader import TableReader  # noqa: PLC0415 - pyarrow takes long to import

    reader = TableReader(
        table, event_class, exchange=exchange, symbol=symbol, tz=tz, time_unit=time_unit, unknown=unknown
    )
    return [event for chunk in reader.chunks() for event in chunk]


def table_to_events(table: ArrowStream) -> list[BaseEvent]:
    """The events that `events_to_table` made this table of, or a part of it, in their order.

    Columns that are not known are left out. A table that has lost its schema's metadata, as some programs make it, is
    read by the names of its columns.

    Raises:
        EventDecodeError: It holds no events, or some of a type that no class here is for; its offset is the row within
            the table's batch.
    """
    from trading.events._codec.event_table import from_table  # noqa: PLC0415 - pyarrow takes long to import

    return from_table(table)
