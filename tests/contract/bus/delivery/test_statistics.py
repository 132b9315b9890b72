"""Statistics: a frozen record of what happened, at every moment."""

import asyncio
from typing import Any

import pytest

from tests.support.doubles import Bus, Recorder, full_queue, number_of, tick, ticks, turns
from trading.events import BaseEvent


async def test_a_new_bus_has_counted_nothing(bus: Bus) -> None:
    """Turned red by: counters that start anywhere else."""
    statistics = bus.statistics()
    counts = (statistics.published, statistics.unrouted, statistics.abandoned, statistics.waiting)
    assert counts == (0, 0, 0, 0)
    assert statistics.publishers_waiting == 0
    assert dict(statistics.subscriptions) == {}
    assert (statistics.retired.accepted, statistics.retired.sid) == (0, "")


async def test_statistics_are_a_frozen_record_of_one_moment(bus: Any) -> None:
    """Turned red by: handing out the dictionary of subscriptions itself."""
    sid = await bus.subscribe("tick", Recorder())
    before = bus.statistics()
    await bus.publish(tick(1))
    assert (before.published, before.subscriptions[sid].accepted) == (0, 0)
    with pytest.raises((AttributeError, TypeError)):
        before.published = 5
    with pytest.raises((AttributeError, TypeError)):
        before.subscriptions[sid].accepted = 5
    with pytest.raises(TypeError):
        before.subscriptions["x"] = before.retired
    with pytest.raises(TypeError):
        before.retired.dropped["closed"] = 5


async def test_each_count_says_what_it_says(bus: Bus) -> None:
    """Turned red by: counting `accepted` a second time when an event is handled."""

    def handler(event: BaseEvent) -> None:
        if number_of(event) == 3:
            raise ValueError("broken")

    failing = await bus.subscribe("tick", handler, lambda event: number_of(event) < 5)
    gate, stuck = await full_queue(bus, capacity=10, overflow="drop_newest")
    await bus.publish_batch(ticks(range(11, 15)))
    await bus.publish(tick(3))
    publisher = asyncio.create_task(bus.publish(tick(4)))
    await publisher
    await turns()
    statistics = bus.statistics()
    mine = statistics.subscriptions[failing]
    assert (mine.accepted, mine.handled, mine.failed, mine.waiting, mine.queued) == (7, 5, 2, 0, 0)
    theirs = statistics.subscriptions[stuck]
    assert (theirs.accepted, theirs.handled, theirs.failed) == (17, 0, 0)
    assert (theirs.waiting, theirs.queued, theirs.high_water) == (11, 10, 10)
    assert theirs.dropped["drop_newest"] == 6
    assert set(theirs.dropped) == {"drop_oldest", "drop_newest", "conflate", "unsubscribed", "closed", "cancelled"}
    assert statistics.waiting == 11
    gate.open()


async def test_published_counts_events_and_not_deliveries(bus: Bus) -> None:
    """Turned red by: `accept` counting once a subscription."""
    for _ in range(3):
        await bus.subscribe("tick", Recorder())
    await bus.publish_batch(ticks([1, 2]))
    statistics = bus.statistics()
    assert (statistics.published, statistics.unrouted) == (2, 0)
    await bus.join()
    assert bus.statistics().published == 2


async def test_publishers_waiting_counts_those_in_the_line(bus: Bus) -> None:
    """Turned red by: joining the line at the call."""
    gate, _ = await full_queue(bus)
    coroutine = bus.publish(tick(2))
    assert bus.statistics().publishers_waiting == 0
    first, second = asyncio.create_task(coroutine), asyncio.create_task(bus.publish(tick(3)))
    await turns(2)
    assert bus.statistics().publishers_waiting == 2
    assert bus.statistics().published == 2
    first.cancel()
    await turns(2)
    assert bus.statistics().publishers_waiting == 1
    gate.open()
    await second
    await bus.join()
    assert bus.statistics().publishers_waiting == 0
    assert bus.statistics().published == 3


async def test_high_water_is_the_most_that_was_ever_queued(bus: Bus) -> None:
    """Turned red by: `high_water` telling what is queued now."""
    sid = await bus.subscribe("tick", Recorder())
    await bus.publish_batch(ticks(range(5)))
    await bus.join()
    await bus.publish_batch(ticks(range(3)))
    await bus.join()
    account = bus.statistics().subscriptions[sid]
    assert (account.high_water, account.queued) == (5, 0)
