"""Content of a file, told by its columns: the kind of event, and which column is which field."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trading.events._codec.from_table.plan import TIMES
from trading.events.base import BaseEvent
from trading.events.errors import ImportFileError
from trading.events.importing.events.columns import find_columns, listed
from trading.events.importing.events.events import NAMES, ONE_OF
from trading.events.market_data import BarEvent, OrderBookEvent, QuoteEvent, TickEvent, TradeEvent

_BOOK_FIELDS = (*NAMES, *TIMES, "kind", "sequence", "previous_sequence", "side", "price", "quantity")
_BAR_TIMES = ("open_time", "close_time")
_NEVER_FROM_A_FILE = ("event_type", "metadata")
# A file of quotes has the columns of a tick too, a file of bars maybe those of a trade: the most telling comes first.
_BY_LIKELIHOOD: tuple[tuple[type[BaseEvent], tuple[str, ...]], ...] = (
    (BarEvent, ()),
    (OrderBookEvent, ()),
    (QuoteEvent, ("bid_quantity", "ask_quantity")),
    (TradeEvent, ()),
    (TickEvent, ()),
)


@dataclass(frozen=True, slots=True)
class Layout:
    """Way in which the rows of a file become events."""

    event_class: type[BaseEvent]
    """The class of its events."""

    columns: Mapping[str, str]
    """The column of each field that the file gives."""


def choose_layout(
    path: Path, columns: Sequence[str], *, event_class: type[BaseEvent] | None, overrides: Mapping[str, str]
) -> Layout:
    """The layout of a file.

    Args:
        path: The file, for messages.
        columns: The columns that it has.
        event_class: The class of its events, or None to tell it from the columns.
        overrides: Columns by field, which come before those that are found by their names.

    Raises:
        ImportFileError: A column that is needed is not there or there twice, an override names what is not there, or
            the columns tell no kind of event.
    """
    if event_class is not None:
        found = _find(path, columns, event_class, overrides=overrides)
        missing = _missing(event_class, found)
        if missing:
            raise ImportFileError(
                f"{path} has no column for {', '.join(missing)}, which {_kind(event_class)} events need; "
                f"it has {listed(columns)}. Map each: {missing[0].split()[0]}=COLUMN"
            )
        return Layout(event_class, found)
    for likely_class, telling in _BY_LIKELIHOOD:
        if all(field in _fields(likely_class, overrides) for field in overrides):
            found = _find(path, columns, likely_class, overrides=overrides)
            if not _missing(likely_class, found) and (not telling or any(field in found for field in telling)):
                return Layout(likely_class, found)
    raise ImportFileError(
        f"{path}: its columns do not tell what it holds; it has {listed(columns)}. "
        f"Name the kind of event, and map the fields whose columns have other names"
    )


def _find(
    path: Path, columns: Sequence[str], event_class: type[BaseEvent], *, overrides: Mapping[str, str]
) -> dict[str, str]:
    return find_columns(path, _fields(event_class, overrides), columns, overrides=overrides)


def _fields(event_class: type[BaseEvent], overrides: Mapping[str, str]) -> Sequence[str]:
    if event_class is OrderBookEvent:
        return _BOOK_FIELDS
    fields = [field for field in event_class.model_fields if field not in _NEVER_FROM_A_FILE]
    if event_class is BarEvent and "timestamp" not in overrides:
        # The time column of a bar file says when the span began; when the bar was known follows from it.
        fields.remove("timestamp")
    return fields


def _missing(event_class: type[BaseEvent], found: Mapping[str, str]) -> list[str]:
    """The fields that have no column but need one, alternatives joined by `or`."""
    times = _BAR_TIMES if event_class is BarEvent else TIMES
    if event_class is OrderBookEvent:
        required = ["kind", "side", "price", "quantity"]
    else:
        optional = {*NAMES, *TIMES, *_BAR_TIMES, "interval"}
        required = [
            name for name, info in event_class.model_fields.items() if info.is_required() and name not in optional
        ]
    alternatives = [(name,) for name in required] + [times, ONE_OF.get(_kind(event_class), times)]
    return [" or ".join(names) for names in dict.fromkeys(alternatives) if not any(name in found for name in names)]


def _kind(event_class: type[BaseEvent]) -> str:
    kind: str = event_class.model_fields["event_type"].default
    return kind
