"""The garbage collector sees those decoded events alone that refer to something that may lead back to them."""

import gc
from collections.abc import Callable
from functools import cached_property
from typing import Any, Literal, Self

import pytest
from pydantic import ConfigDict, PrivateAttr

from tests.support.classes.samples import SAMPLES, sample
from trading.events import decode_event, encode_event, events_to_table, table_to_events
from trading.events._core import RowTable
from trading.events.base import BaseEvent
from trading.events.market_data import OrderBookEvent, TickEvent

pytestmark = pytest.mark.usefixtures("classes_are_forgotten")

Pass = Callable[[BaseEvent], BaseEvent]


def through_bytes(event: BaseEvent) -> BaseEvent:
    return decode_event(encode_event(event))


def through_columns(event: BaseEvent) -> BaseEvent:
    [again] = table_to_events(events_to_table([event]))
    return again


def through_a_row(event: BaseEvent) -> BaseEvent:
    table = RowTable()
    row = table.pack(event)
    assert row is not None
    return RowTable(table.texts).unpack(row)


every_way = pytest.mark.parametrize("way", [through_bytes, through_columns, through_a_row])


@every_way
@pytest.mark.parametrize("cls", SAMPLES)
def test_an_event_whose_values_refer_to_nothing_is_not_seen(cls: type[BaseEvent], way: Pass) -> None:
    """Turned red by: not taking the event, or its dictionary, out of the collector's sight."""
    event = way(sample(cls, metadata={}))
    is_seen = cls is OrderBookEvent  # which has tuples of levels
    assert gc.is_tracked(event) == is_seen
    assert gc.is_tracked(vars(event)) == is_seen


def test_the_levels_of_a_book_are_not_seen() -> None:
    book = through_bytes(sample(OrderBookEvent))
    assert isinstance(book, OrderBookEvent)
    assert not any(map(gc.is_tracked, [*book.bids, *book.asks]))


@every_way
@pytest.mark.parametrize("metadata", [{}, {"notes": []}, {"venue": {"levels": [1, {"a": None}], "id": 10**30}}])
def test_metadata_lead_to_nothing_and_are_not_seen(metadata: dict[str, Any], way: Pass) -> None:
    """Turned red by: not taking what is read-only, at any level, out of the collector's sight."""
    event = way(sample(TickEvent, metadata=metadata))
    parts: list[Any] = [event, vars(event), event.metadata]
    for part in parts:
        assert not gc.is_tracked(part), part
        parts += [inner for inner in gc.get_referents(part) if isinstance(inner, (dict, list))]


def private() -> type[BaseEvent]:
    class Odd(TickEvent):
        event_type: Literal["odd"] = "odd"  # type: ignore[assignment] - another kind of event
        _notes: list[Any] = PrivateAttr(default_factory=list)

    return Odd


def cached() -> type[BaseEvent]:
    class Odd(TickEvent):
        event_type: Literal["odd"] = "odd"  # type: ignore[assignment]

        @cached_property
        def itself(self) -> list[Self]:
            return [self]

    return Odd


def slotted() -> type[BaseEvent]:
    class Odd(TickEvent):
        __slots__ = ("notes",)
        event_type: Literal["odd"] = "odd"  # type: ignore[assignment]

    return Odd


def changeable() -> type[BaseEvent]:
    class Odd(TickEvent):
        event_type: Literal["odd"] = "odd"  # type: ignore[assignment]
        model_config = ConfigDict(frozen=False)

    return Odd


def settable() -> type[BaseEvent]:
    class Odd(TickEvent):
        event_type: Literal["odd"] = "odd"  # type: ignore[assignment]

        def __setattr__(self, name: str, value: object) -> None:
            vars(self)[name] = value

    return Odd


def with_other_fields() -> type[BaseEvent]:
    class Odd(TickEvent):
        event_type: Literal["odd"] = "odd"  # type: ignore[assignment]
        model_config = ConfigDict(extra="allow")

    return Odd


def holding_anything() -> type[BaseEvent]:
    class Odd(TickEvent):
        event_type: Literal["odd"] = "odd"  # type: ignore[assignment]
        values: Any = None

    return Odd


@pytest.mark.parametrize(
    "define",
    [
        private,
        cached,
        slotted,
        changeable,
        settable,
        with_other_fields,
        holding_anything,
    ],
)
def test_an_event_that_may_come_to_refer_to_itself_is_seen(define: Callable[[], type[BaseEvent]]) -> None:
    """Turned red by: calling each such class flat."""
    values = sample(TickEvent).model_dump(exclude={"event_type"})
    assert gc.is_tracked(through_bytes(define()(**values)))
