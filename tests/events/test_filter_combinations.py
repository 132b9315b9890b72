"""Any combination of filters, beside plain Python."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from trading.events import (
    BaseEvent,
    HeartbeatEvent,
    InMemoryEventBus,
    OrderEvent,
    TickEvent,
    combined_filter,
    event_type_filter,
    exchange_filter,
    not_filter,
    symbol_filter,
    time_range_filter,
)

NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def tick(symbol: str = "BTC/USDT", *, exchange: str = "binance", timestamp: datetime = NOON) -> TickEvent:
    return TickEvent(exchange=exchange, symbol=symbol, raw_symbol=symbol, timestamp=timestamp, exchange_timestamp=NOON)


HEARTBEAT = HeartbeatEvent(component="feed", sequence=1, timestamp=NOON)


def even(event: BaseEvent) -> bool:
    """A custom filter: by the last hex digit of the id."""
    return int(event.event_id[-1], 16) % 2 == 0


Case = tuple[Any, Callable[[BaseEvent], bool]]

LEAVES: list[Case] = [
    (symbol_filter("A"), lambda event: event.symbol == "A"),
    (symbol_filter("A", "B"), lambda event: event.symbol in {"A", "B"}),
    (exchange_filter("x"), lambda event: event.exchange == "x"),
    (event_type_filter("tick"), lambda event: event.event_type == "tick"),
    (event_type_filter(OrderEvent), lambda event: isinstance(event, OrderEvent)),
    (event_type_filter("heartbeat", TickEvent), lambda event: True),
    (time_range_filter(NOON, NOON + MICROSECOND), lambda event: event.timestamp == NOON),
    (even, even),
]


def conjunction(one: Case, two: Case) -> Case:
    return combined_filter(one[0], two[0]), lambda event: one[1](event) and two[1](event)


def alternative(one: Case, two: Case) -> Case:
    return combined_filter(one[0], two[0], mode="or"), lambda event: one[1](event) or two[1](event)


def negation(one: Case) -> Case:
    return not_filter(one[0]), lambda event: not one[1](event)


def combinations(leaves: list[Case]) -> st.SearchStrategy[Case]:
    return st.recursive(
        st.sampled_from(leaves),
        lambda cases: (
            st.builds(conjunction, cases, cases) | st.builds(alternative, cases, cases) | st.builds(negation, cases)
        ),
        max_leaves=8,
    )


CASES = combinations(LEAVES)
EVENTS: list[BaseEvent] = [
    tick(symbol, exchange=exchange, timestamp=moment).model_copy(update={"event_id": f"{symbol}{exchange}{digit}"})
    for symbol in "ABC"
    for exchange in "xy"
    for moment in (NOON - MICROSECOND, NOON, NOON + MICROSECOND)
    for digit in "01"
] + [HEARTBEAT.model_copy(update={"event_id": "0"})]


@given(CASES)
def test_any_combination_agrees_with_python_when_it_is_called(case: Case) -> None:
    native, python = case
    assert [bool(native(event)) for event in EVENTS] == [python(event) for event in EVENTS]


@given(CASES, st.sampled_from(["*", "tick", "events.*.x", "events.tick.*.A", TickEvent]))
def test_any_combination_agrees_with_python_on_a_bus(case: Case, pattern: Any) -> None:
    native, python = case

    async def heard(condition: Any) -> list[str]:
        seen: list[str] = []
        async with InMemoryEventBus() as bus:
            await bus.subscribe(pattern, lambda event: seen.append(event.event_id), condition)
            await bus.publish_batch(EVENTS)
            await bus.publish_batch(EVENTS)
        return seen

    assert asyncio.run(heard(native)) == asyncio.run(heard(python))


def micros(event: BaseEvent) -> int:
    return (event.timestamp - datetime(1970, 1, 1, tzinfo=UTC)) // MICROSECOND


def decide(condition: Any, among: list[BaseEvent]) -> bool | None:
    """What a filter decides of events of one topic by that and by their least and greatest timestamp."""
    first, times = among[0], [micros(event) for event in among]
    span = (min(times), max(times))
    return combined_filter(condition).decide(first.event_type, type(first), first.exchange, first.symbol, span)


ONE_TOPIC = st.sampled_from(EVENTS).flatmap(
    lambda chosen: st.lists(
        st.sampled_from([event for event in EVENTS if event.topic == chosen.topic]), min_size=1, max_size=5
    )
)


@given(CASES, ONE_TOPIC)
@example(LEAVES[6], [EVENTS[0], EVENTS[2]])
@example(LEAVES[7], EVENTS[:2])
def test_what_a_filter_decides_of_a_topic_and_a_span_holds_for_each_event(case: Case, among: list[BaseEvent]) -> None:
    """Turned red by: a time range that decides by the first moment of the span alone."""
    native, python = case
    decided = decide(native, among)
    assert decided is None or all(python(event) == decided for event in among)


@given(combinations(LEAVES[:-1]), st.sampled_from(EVENTS))
def test_a_filter_that_asks_for_topic_and_time_alone_decides_of_one_moment(case: Case, event: BaseEvent) -> None:
    """Turned red by: a filter that leaves every decision to the events."""
    native, python = case
    assert decide(native, [event]) is python(event)
