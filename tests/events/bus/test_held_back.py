"""A subscription that is held back: it is fed from somewhere else before it goes live."""

from typing import Any

from tests.events.bus.keeping import numbers, tick
from tests.support.doubles import assert_balanced
from trading.events import BaseEvent, InMemoryEventBus


def hold_back(bus: InMemoryEventBus, pattern: str, heard: list[BaseEvent], **terms: Any) -> str:
    """A subscription that notes what it hears, once it is let go."""
    return bus._subscribe(pattern, heard.append, None, capacity=2, on_gap=None, name=None, held=True, **terms)


async def test_events_may_be_put_ahead_of_those_that_a_subscription_holds_back() -> None:
    heard: list[BaseEvent] = []
    async with InMemoryEventBus() as bus:
        bus._pack_beyond(1)
        sid = hold_back(bus, "events.tick.*.A", heard, overflow="raise", delivery="queued")
        await bus.publish_batch([tick(10), tick(11)])
        assert bus._held_ids(sid, 0, 9) == ["10", "11"]
        assert bus._held_ids(sid, 1, 9) == ["11"]
        assert bus._put_ahead(sid, [tick(number, symbol="AB"[number % 2]) for number in range(6)]) == 3
        earlier = bus._until_handled(sid, 0)
        assert earlier is not None
        await earlier
        assert numbers(heard) == [0, 2, 4]
        assert bus._until_handled(sid, 0) is None
        assert bus._put_ahead(sid, [tick(6)]) == 1
        bus._let_go(sid)
        await bus.join()
    assert numbers(heard) == [0, 2, 4, 6, 10, 11]


async def test_a_subscription_that_is_held_back_can_be_ended() -> None:
    async with InMemoryEventBus() as bus:
        heard: list[BaseEvent] = []
        for drain in (False, True):
            sid = hold_back(bus, "tick", heard, overflow="block", delivery="inline")
            await bus.publish(tick(int(drain)))
            assert not heard
            await bus.unsubscribe(sid, drain=drain)
        assert numbers(heard) == [1]
        assert_balanced(bus)
