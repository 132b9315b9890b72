"""Delivery: every matching subscription that stood handles an accepted event once, or counts it under one reason."""

import asyncio
import functools
from typing import Any, Literal

import pytest

from tests.support.doubles import Bus, Recorder, assert_balanced, full_queue, number_of, order, tick, ticks, turns
from trading.events import BaseEvent, MarketDataEvent, OrderEvent, TickEvent


async def test_every_matching_subscription_handles_an_accepted_event_once(bus: Bus) -> None:
    """Turned red by: stopping at the first target of a route."""
    recorders = [Recorder() for _ in range(5)]
    for recorder in recorders:
        await bus.subscribe("tick", recorder)
    await bus.publish(tick(7))
    await bus.join()
    assert [recorder.seen for recorder in recorders] == [[7]] * 5


async def test_a_subscription_that_does_not_match_hears_nothing(bus: Bus) -> None:
    """Turned red by: routing by exchange and symbol only."""
    recorder = Recorder()
    await bus.subscribe("order_*", recorder)
    await bus.publish(tick(1))
    await bus.publish(order(2))
    await bus.join()
    assert recorder.seen == [2]


async def test_a_subscription_made_after_a_publish_does_not_hear_it(bus: Bus) -> None:
    """Turned red by: publishing the last event anew for each new subscription."""
    early, late = Recorder(), Recorder()
    await bus.subscribe("tick", early)
    await bus.publish(tick(1))
    await bus.subscribe("tick", late)
    await bus.publish(tick(2))
    await bus.join()
    assert (early.seen, late.seen) == ([1, 2], [2])


async def test_a_new_subscription_hears_a_topic_that_was_published_before(bus: Bus) -> None:
    """Turned red by: leaving cached routes valid in `Registry::insert`."""
    recorder = Recorder()
    await bus.publish(tick(1))
    await bus.subscribe("events.*.binance.BTC/USDT", recorder)
    await bus.publish(tick(2))
    await bus.join()
    assert recorder.seen == [2]


async def test_one_handler_subscribed_twice_hears_twice(bus: Bus) -> None:
    """Turned red by: keeping one subscription a handler."""
    recorder = Recorder()
    first = await bus.subscribe("tick", recorder)
    second = await bus.subscribe("tick", recorder)
    assert first != second
    await bus.publish(tick(1))
    await bus.join()
    assert recorder.seen == [1, 1]


async def test_a_handler_gets_an_event_that_equals_the_published_one(bus: Bus) -> None:
    """Turned red by: queueing a copy with a new event_id."""
    seen: list[BaseEvent] = []
    await bus.subscribe("*", seen.append)
    events = [tick(1), order(2)]
    await bus.publish_batch(events)
    await bus.join()
    assert seen == events
    assert [type(event) for event in seen] == [type(event) for event in events]


async def test_a_handler_may_be_an_async_function(bus: Bus) -> None:
    """Turned red by: not driving the coroutine that a handler returned."""
    seen: list[int] = []

    async def handler(event: BaseEvent) -> None:
        await asyncio.sleep(0)
        seen.append(number_of(event))

    await bus.subscribe("tick", handler)
    await bus.publish(tick(1))
    await bus.join()
    assert seen == [1]


async def test_a_handler_may_be_a_plain_function(bus: Any) -> None:
    """Turned red by: driving what a plain function returned as if it were a coroutine."""
    seen: list[int] = []

    def handler(event: BaseEvent) -> int:
        seen.append(number_of(event))
        return 5

    sid = await bus.subscribe("tick", handler)
    await bus.publish_batch(ticks([1, 2]))
    await bus.join()
    assert seen == [1, 2]
    assert bus.statistics().subscriptions[sid].handled == 2


class Strategy:
    """A component with handlers of every form."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    async def on_event(self, event: BaseEvent) -> None:
        await asyncio.sleep(0)
        self.seen.append(number_of(event))

    async def on_named(self, name: str, event: BaseEvent) -> None:
        assert name == "x"
        await self.on_event(event)

    async def __call__(self, event: BaseEvent) -> None:
        await self.on_event(event)


@pytest.mark.parametrize(
    "form",
    [
        lambda strategy: strategy.on_event,
        lambda strategy: functools.partial(strategy.on_named, "x"),
        lambda strategy: lambda event: strategy.on_named("x", event),
        lambda strategy: strategy,
        lambda strategy: lambda event: asyncio.ensure_future(strategy.on_event(event)),
        lambda strategy: lambda event: asyncio.gather(strategy.on_event(event)),
    ],
    ids=["a bound method", "a partial", "a lambda", "an object with __call__", "a task", "a future"],
)
async def test_a_handler_may_be_any_callable_and_return_any_awaitable(bus: Bus, form: Any) -> None:
    """Turned red by: driving only what `inspect.iscoroutinefunction` knows."""
    strategy = Strategy()
    await bus.subscribe("tick", form(strategy))
    await bus.publish_batch(ticks([1, 2]))
    await bus.join()
    assert strategy.seen == [1, 2]


async def test_an_event_class_is_a_pattern(bus: Bus) -> None:
    """Turned red by: a lineage of the event's own class alone."""
    concrete, abstract, everything = Recorder(), Recorder(), Recorder()
    await bus.subscribe(TickEvent, concrete)
    await bus.subscribe(OrderEvent, abstract)
    await bus.subscribe(BaseEvent, everything)
    await bus.publish_batch([tick(1), order(2)])
    await bus.join()
    assert (concrete.seen, abstract.seen, everything.seen) == ([1], [2], [1, 2])


async def test_a_class_hears_its_subclasses_also_those_defined_later(bus: Bus) -> None:
    """Turned red by: a lineage of the event's own class alone."""
    recorder, other = Recorder(), Recorder()
    await bus.subscribe(MarketDataEvent, recorder)
    await bus.subscribe(OrderEvent, other)

    class FundingRateEvent(MarketDataEvent):
        event_type: Literal["contract_funding_rate"] = "contract_funding_rate"

    class AnnouncedFundingRateEvent(FundingRateEvent):
        event_type: Literal["contract_announced_rate"] = "contract_announced_rate"

    for number, cls in enumerate([FundingRateEvent, AnnouncedFundingRateEvent]):
        await bus.publish(cls(event_id=str(number), exchange="binance", symbol="BTC/USDT"))
    await bus.join()
    assert (recorder.seen, other.seen) == ([0, 1], [])


async def test_an_event_of_a_class_is_heard_by_its_class_and_by_its_pattern(bus: Bus) -> None:
    """Turned red by: leaving out class subscriptions where a pattern matched."""
    by_class, by_pattern = Recorder(), Recorder()
    await bus.subscribe(TickEvent, by_class)
    await bus.subscribe("events.tick.binance.BTC/USDT", by_pattern)
    await bus.publish(tick(1))
    await bus.join()
    assert (by_class.seen, by_pattern.seen) == ([1], [1])


async def test_accounts_balance_at_every_moment(bus: Bus) -> None:
    """Turned red by: counting an event as handled before its handler has returned."""

    async def handler(event: BaseEvent) -> None:
        assert_balanced(bus)
        await asyncio.sleep(0)
        assert_balanced(bus)
        if number_of(event) % 3 == 0:
            raise ValueError("every third")

    gate, _ = await full_queue(bus, capacity=2)
    await bus.subscribe("tick", handler, capacity=2)
    await bus.subscribe("tick", handler, capacity=1, overflow="drop_oldest")
    await bus.subscribe("tick", handler, capacity=1, overflow="drop_newest")
    await bus.subscribe("tick", handler, capacity=1, overflow="conflate")
    publisher = asyncio.create_task(bus.publish_batch(ticks(range(3, 9))))
    for _ in range(10):
        assert_balanced(bus)
        await turns(3)
        gate.let_go()
    await publisher
    gate.open()
    await bus.join()
    assert_balanced(bus)


async def test_an_event_that_nobody_subscribed_to_is_counted_as_unrouted(bus: Bus) -> None:
    """Turned red by: `accept` not counting what nobody heard."""
    await bus.subscribe("order_*", Recorder())
    await bus.publish(tick(1))
    statistics = bus.statistics()
    assert (statistics.published, statistics.unrouted, statistics.waiting) == (1, 1, 0)


async def test_join_returns_when_everything_accepted_has_been_handled(bus: Bus) -> None:
    """Turned red by: `join` returning at once."""
    gate, _ = await full_queue(bus)
    joined = asyncio.create_task(bus.join())
    await turns()
    assert not joined.done()
    gate.let_go()
    await gate.has_started(2)
    await turns()
    assert not joined.done()
    gate.let_go()
    await joined
    assert gate.finished == [0, 1]


async def test_join_waits_for_the_events_that_handlers_publish_meanwhile(bus: Bus) -> None:
    """Turned red by: `join` waiting only for the events that were there when it was called."""
    seen: list[int] = []

    async def handler(event: BaseEvent) -> None:
        await asyncio.sleep(0)
        seen.append(number_of(event))
        if number_of(event) < 5:
            await bus.publish(tick(number_of(event) + 1))

    await bus.subscribe("tick", handler)
    await bus.publish(tick(0))
    await bus.join()
    assert seen == [0, 1, 2, 3, 4, 5]


async def test_join_on_an_idle_bus_returns_at_once(bus: Bus) -> None:
    """Turned red by: `join` waiting for one more event."""
    await bus.join()
    await bus.subscribe("tick", Recorder())
    await bus.join()
    await bus.publish(tick(1))
    await bus.join()
    await bus.join()


async def test_several_may_join_at_once(bus: Bus) -> None:
    """Turned red by: keeping one future for all who join."""
    gate, _ = await full_queue(bus)
    joined = [asyncio.create_task(bus.join()) for _ in range(3)]
    await turns()
    joined[1].cancel()
    gate.open()
    await asyncio.gather(joined[0], joined[2])
    assert joined[1].cancelled()
