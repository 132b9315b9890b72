"""The newest events of a bus: kept and queried."""

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.events.bus.keeping import filled, numbers, tick
from tests.support.classes.samples import sample
from tests.support.doubles import MOMENT, order
from trading.events import (
    InMemoryEventBus,
    OrderSubmittedEvent,
    QuoteEvent,
    TickEvent,
    TradeEvent,
    table_to_events,
)
from trading.events.errors import NoHistoryError, PatternError


async def test_the_newest_events_are_kept_in_the_order_of_acceptance_heard_or_not() -> None:
    """Turned red by: keeping one more; keeping only what is heard."""
    events = [tick(number) for number in range(30)]
    bus = await filled(*events)
    assert bus.history.query() == events[10:]
    assert (len(bus.history), bus.history.capacity) == (20, 20)


async def test_a_query_is_for_a_pattern_a_class_a_range_of_time_and_a_number() -> None:
    """Turned red by: an end that is still in time; `limit` being for the oldest."""
    events = [tick(number, symbol="AB"[number % 2], at=number) for number in range(8)] + [order(8)]
    bus = await filled(*events)
    query = bus.history.query
    assert numbers(query("events.tick.*.B")) == [1, 3, 5, 7]
    assert numbers(query(OrderSubmittedEvent)) == [8]
    assert numbers(query("tick", MOMENT + timedelta(seconds=2), MOMENT + timedelta(seconds=5))) == [2, 3, 4]
    assert numbers(query("tick", (MOMENT + timedelta(seconds=6)).replace(tzinfo=None))) == [6, 7]
    assert numbers(query("tick", end=MOMENT + timedelta(seconds=6), limit=2)) == [4, 5]
    assert (query(limit=0), query("bar"), len(query())) == ([], [], 9)


async def test_a_query_that_means_nothing_is_refused() -> None:
    """Turned red by: no check of the limit; no check of the bounds."""
    bus = await filled(tick(0))
    with pytest.raises(PatternError):
        bus.history.query("a..b")
    with pytest.raises(TypeError):
        bus.history.query(7)
    with pytest.raises(TypeError):
        bus.history.query("tick", "today")
    with pytest.raises(ValueError, match="limit is -1"):
        bus.history.query(limit=-1)


async def test_a_history_is_cleared_and_goes_on() -> None:
    """Turned red by: a `clear` that keeps all."""
    bus = await filled(tick(0), tick(1))
    assert bus.history.size_bytes > 0
    bus.history.clear()
    assert (len(bus.history), bus.history.size_bytes) == (0, 0)
    await bus.publish(tick(2))
    assert numbers(bus.history.query()) == [2]


async def test_what_cannot_be_packed_is_kept_as_it_is() -> None:
    """Turned red by: taking an event that raises while it is packed for a packed one."""
    odd = TickEvent.model_construct(**tick(1).__dict__ | {"bid": object()})
    bus = await filled(tick(0), odd, tick(2))
    found = bus.history.query("events.tick.x.A")
    assert found[1] is odd
    assert numbers(found) == [0, 1, 2]
    assert (bus.history.unpacked, repr(bus.history).startswith("<EventHistory: 3 of at most 20 events")) == (1, True)


async def test_a_bus_that_keeps_none_says_so() -> None:
    """Turned red by: starting from no history; no check of the number to keep."""
    bus = InMemoryEventBus()
    with pytest.raises(NoHistoryError, match="history="):
        _ = bus.history
    for start in ("history", "last_per_topic", MOMENT):
        with pytest.raises(NoHistoryError, match="history="):
            await bus.subscribe("tick", print, start=start)
    with pytest.raises(ValueError, match="start is 'old'"):
        await bus.subscribe("tick", print, start="old")
    with pytest.raises(TypeError):
        InMemoryEventBus(history=1.5)
    with pytest.raises(ValueError, match="history is -1"):
        InMemoryEventBus(history=-1)
    assert not bus.statistics().subscriptions


async def test_what_is_kept_becomes_a_table_or_a_frame() -> None:
    async with InMemoryEventBus(history=10) as bus:
        for number in range(3):
            await bus.publish(sample(TradeEvent, price=Decimal(number) / 10, timestamp=MOMENT))
        await bus.publish(sample(TickEvent))
        table = bus.history.read_table("trade")
        assert table.column_names == list(TradeEvent.model_fields)
        assert table["price"].to_pylist() == [Decimal(0), Decimal("0.1"), Decimal("0.2")]
        assert bus.history.read_table(limit=2, columns=["event_type"]).to_pydict() == {"event_type": ["trade", "tick"]}
        assert table_to_events(bus.history.read_table(exact=True)) == bus.history.query()
        frame = bus.history.to_pandas(TradeEvent, columns=["price"], floats=True, index="timestamp")
        assert frame["price"].resample("1h").max().tolist() == [0.2]
        assert bus.history.to_polars("trade", floats=True)["price"].to_list() == [0.0, 0.1, 0.2]
        assert bus.history.read_table("quote").column_names == list(QuoteEvent.model_fields)
        bus.history.clear()
        assert bus.history.read_table().num_rows == 0


async def test_a_query_for_several_classes_gives_those_of_each_in_the_order_of_acceptance() -> None:
    events = [tick(0), order(1), sample(TradeEvent), tick(3)]
    bus = await filled(*events)
    query = bus.history.query
    assert query([TickEvent, OrderSubmittedEvent]) == [events[0], events[1], events[3]]
    assert query((TickEvent, TradeEvent), limit=2) == events[2:]
    assert (query([]), query([TradeEvent], limit=0)) == ([], [])
    assert bus.history.read_table([TickEvent, TradeEvent], columns=["event_type"]).num_rows == 3
    with pytest.raises(TypeError, match="'tick' is no event class; several patterns are asked for one by one"):
        query(["tick"])  # type: ignore[list-item]
