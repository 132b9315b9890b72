"""Subscribing: what it takes, what it returns, what it refuses."""

from typing import Any

import pytest

from tests.support.doubles import Bus, Recorder, tick
from trading.events import BaseEvent, TickEvent
from trading.events.errors import HandlerTypeError, PatternError, TradingEventsError


async def test_subscribe_returns_an_id_that_no_other_subscription_has(bus: Bus) -> None:
    """Turned red by: an id made of the pattern."""
    sids = [await bus.subscribe("tick", Recorder()) for _ in range(100)]
    assert len(set(sids)) == 100
    assert {type(sid) for sid in sids} == {str}
    assert set(bus.statistics().subscriptions) == set(sids)


async def test_a_subscription_stands_when_subscribe_has_returned(bus: Bus) -> None:
    """Turned red by: leaving the subscription out of the registry."""
    recorder = Recorder()
    await bus.subscribe("tick", recorder)
    bus.publish_nowait(tick(1))
    await bus.join()
    assert recorder.seen == [1]


@pytest.mark.parametrize(
    "pattern", ["", "  ", "tick.binance", "events..binance", "tick\n", ".", "events.tick.binance."]
)
async def test_an_impossible_pattern_is_refused(bus: Bus, pattern: str) -> None:
    """Turned red by: letting empty segments pass."""
    with pytest.raises(PatternError):
        await bus.subscribe(pattern, Recorder())
    assert len(bus.statistics().subscriptions) == 0


@pytest.mark.parametrize("wrong", [None, 5, b"tick", ["tick"], int, object, tick(), type("Tick", (), {})])
async def test_what_is_neither_a_pattern_nor_an_event_class_is_a_type_error(bus: Bus, wrong: Any) -> None:
    """Turned red by: taking any class for an event class."""
    with pytest.raises(TypeError):
        await bus.subscribe(wrong, Recorder())
    assert len(bus.statistics().subscriptions) == 0


@pytest.mark.parametrize("wrong", [None, "handler", 5, [print], object()])
async def test_a_handler_that_is_not_callable_is_refused(bus: Bus, wrong: Any) -> None:
    """Turned red by: not asking whether it can be called."""
    with pytest.raises(HandlerTypeError, match="handler") as caught:
        await bus.subscribe("tick", wrong)
    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, TradingEventsError)
    assert len(bus.statistics().subscriptions) == 0


async def test_a_coroutine_in_place_of_its_function_is_refused(bus: Any) -> None:
    """Turned red by: not asking whether it is a coroutine."""
    recorder = Recorder()
    with pytest.raises(HandlerTypeError, match="without calling it"):
        await bus.subscribe("tick", recorder(tick()))


@pytest.mark.parametrize("wrong", ["on_gap", 5, object()])
async def test_an_on_gap_that_is_not_callable_is_refused(bus: Bus, wrong: Any) -> None:
    """Turned red by: not asking whether it can be called."""
    with pytest.raises(HandlerTypeError, match="on_gap"):
        await bus.subscribe("tick", Recorder(), on_gap=wrong)


@pytest.mark.parametrize("capacity", [0, -1, -(2**70)])
async def test_a_capacity_below_one_is_refused(bus: Bus, capacity: int) -> None:
    """Turned red by: `_add` taking a capacity of 0 or less."""
    with pytest.raises(ValueError, match="capacity"):
        await bus.subscribe("tick", Recorder(), capacity=capacity)
    assert len(bus.statistics().subscriptions) == 0


@pytest.mark.parametrize("capacity", [1.5, "10", None])
async def test_a_capacity_that_is_no_integer_is_refused(bus: Bus, capacity: Any) -> None:
    """Turned red by: `_add` rounding it."""
    with pytest.raises((TypeError, ValueError)):
        await bus.subscribe("tick", Recorder(), capacity=capacity)


@pytest.mark.parametrize("overflow", ["", "drop", "BLOCK", "drop-oldest", None])
async def test_an_unknown_overflow_policy_is_refused(bus: Bus, overflow: Any) -> None:
    """Turned red by: taking it for `block`."""
    with pytest.raises((ValueError, TypeError), match="overflow"):
        await bus.subscribe("tick", Recorder(), overflow=overflow)
    assert len(bus.statistics().subscriptions) == 0


async def test_a_huge_capacity_costs_nothing_until_it_is_used(bus: Bus) -> None:
    """Turned red by: `Queue.new` allocating the whole queue."""
    recorder = Recorder()
    await bus.subscribe("tick", recorder, capacity=10**15)
    await bus.publish(tick(1))
    await bus.join()
    assert recorder.seen == [1]


async def test_options_are_keywords(bus: Any) -> None:
    """Turned red by: taking them by position."""
    with pytest.raises(TypeError):
        await bus.subscribe("tick", Recorder(), None, 10)


async def test_the_name_and_the_pattern_are_told_in_the_statistics(bus: Bus) -> None:
    """Turned red by: forgetting the name."""
    by_pattern = await bus.subscribe("tick", Recorder(), name="strategy-a")
    by_class = await bus.subscribe(TickEvent, Recorder())
    accounts = bus.statistics().subscriptions
    assert (accounts[by_pattern].sid, accounts[by_pattern].name) == (by_pattern, "strategy-a")
    assert accounts[by_pattern].pattern == "events.tick.*.*"
    assert accounts[by_class].name == "Recorder"
    assert "TickEvent" in accounts[by_class].pattern


async def test_an_abstract_class_may_be_subscribed_to(bus: Bus) -> None:
    """Turned red by: wanting a class that has an event_type."""
    recorder = Recorder()
    await bus.subscribe(BaseEvent, recorder)
    await bus.publish(tick(1))
    await bus.join()
    assert recorder.seen == [1]
