"""All or nothing: an event is accepted by all its queues or by none, and who waits stands in one line."""

import asyncio
from typing import Any

import pytest

from tests.support.doubles import Bus, Gate, Recorder, dropped, full_queue, number_of, order, tick, turns
from tests.support.patience import PATIENCE_S
from trading.events import BaseEvent


async def full_pair(bus: Bus) -> tuple[Gate, Gate]:
    """Two full queues of capacity 1: one for ticks of x, one for ticks of S; a tick S of x needs both."""
    gates = Gate(), Gate()
    patterns = "events.tick.x", "events.tick.*.S"
    for gate, pattern in zip(gates, patterns, strict=True):
        await bus.subscribe(pattern, gate, capacity=1)
    for number in (0, 1):
        await bus.publish(tick(number, exchange="x", symbol="-"))
        await bus.publish(tick(number, exchange="-", symbol="S"))
        await gates[0].has_started(1)
        await gates[1].has_started(1)
    return gates


def for_both(number: int) -> BaseEvent:
    return tick(number, exchange="x", symbol="S")


def for_first(number: int) -> BaseEvent:
    return tick(number, exchange="x", symbol="-")


def for_second(number: int) -> BaseEvent:
    return tick(number, exchange="-", symbol="S")


async def test_an_event_is_accepted_by_all_its_queues_or_by_none(bus: Bus) -> None:
    """Turned red by: `offer` pushing into those queues that have room before it waits."""
    free = Recorder()
    free_sid = await bus.subscribe("tick", free)
    gate, full_sid = await full_queue(bus)
    await turns()
    publisher = asyncio.create_task(bus.publish(tick(2)))
    await turns()
    assert free.seen == [0, 1]
    assert bus.statistics().subscriptions[free_sid].accepted == 2
    assert bus.statistics().subscriptions[full_sid].accepted == 2
    gate.open()
    await publisher
    await bus.join()
    assert free.seen == gate.finished == [0, 1, 2]


async def test_an_event_that_waits_evicts_nothing_elsewhere(bus: Bus) -> None:
    """Turned red by: `offer` pushing into those queues that have room before it waits."""
    gates = Gate(), Gate()
    dropping = await bus.subscribe("tick", gates[0], capacity=1, overflow="drop_oldest")
    await bus.subscribe("tick", gates[1], capacity=1)
    await bus.publish(tick(0))
    await gates[0].has_started(1)
    await gates[1].has_started(1)
    await bus.publish(tick(1))
    publisher = asyncio.create_task(bus.publish(tick(2)))
    await turns()
    assert dropped(bus.statistics().subscriptions[dropping]) == {}
    publisher.cancel()
    await turns()
    assert dropped(bus.statistics().subscriptions[dropping]) == {}
    for gate in gates:
        gate.open()
    await bus.join()
    assert gates[0].finished == [0, 1]


async def test_a_waiter_is_granted_when_all_its_queues_have_room_at_once(bus: Bus) -> None:
    """Turned red by: `can_come` asking whether any of its queues has room."""
    first, second = await full_pair(bus)
    both = asyncio.create_task(bus.publish(for_both(5)))
    await turns()
    first.let_go()
    await turns()
    assert not both.done()
    second.let_go()
    await both
    first.open()
    second.open()
    await bus.join()
    assert (first.finished, second.finished) == ([0, 1, 5], [0, 1, 5])


async def test_a_waiter_holds_nothing_meanwhile(bus: Bus) -> None:
    """Turned red by: reserving a place in each queue as it gets room."""
    first, second = await full_pair(bus)
    ahead = asyncio.create_task(bus.publish(for_first(4)))
    both = asyncio.create_task(bus.publish(for_both(5)))
    await turns()
    second.let_go()
    await turns()
    await bus.publish(for_second(6))
    assert not both.done()
    first.open()
    second.open()
    await asyncio.gather(ahead, both)
    await bus.join()
    assert second.finished == [0, 1, 6, 5]


async def test_when_room_appears_the_line_is_walked_in_order(bus: Bus) -> None:
    """Turned red by: `walk` ending at the first that cannot come."""
    first, second = await full_pair(bus)
    both = asyncio.create_task(bus.publish(for_both(5)))
    await turns()
    behind = asyncio.create_task(bus.publish(for_second(6)))
    await turns()
    second.let_go()
    await behind
    assert not both.done()
    first.open()
    second.open()
    await both
    await bus.join()
    assert second.finished == [0, 1, 6, 5]


async def test_the_first_in_line_is_granted_when_each_of_its_queues_has_had_room_once(bus: Bus) -> None:
    """Turned red by: `look_around` keeping nothing for the first in line."""
    first, second = await full_pair(bus)
    both = asyncio.create_task(bus.publish(for_both(5)))
    await turns()
    rivals = [
        asyncio.create_task(bus.publish(make(number))) for number in range(6, 16) for make in (for_first, for_second)
    ]
    await turns()
    first.let_go()
    await turns()
    assert not both.done()
    second.let_go()
    await asyncio.wait_for(both, PATIENCE_S)
    first.open()
    second.open()
    await asyncio.gather(*rivals)
    await bus.join()
    assert first.finished.index(5) <= 4
    assert second.finished.index(5) <= 4


async def test_the_extra_place_of_the_first_in_line_starves_nobody(bus: Bus) -> None:
    """Turned red by: taking the place of the first in line out of the queue's capacity."""
    first, second = await full_pair(bus)
    both = asyncio.create_task(bus.publish(for_both(5)))
    await turns()
    for number in range(6, 16):
        second.let_go()
        await asyncio.wait_for(bus.publish(for_second(number)), PATIENCE_S)
        await turns()
    assert not both.done()
    first.open()
    second.open()
    await both


async def test_waiters_for_the_same_set_of_subscriptions_never_overtake(bus: Bus) -> None:
    """Turned red by: `walk` taking the last of a row first."""
    gate, _ = await full_queue(bus, capacity=2)
    publishers = [asyncio.create_task(bus.publish(tick(number))) for number in range(3, 20)]
    await turns()
    for _ in range(40):
        gate.let_go()
        await turns(2)
        done = [publisher.done() for publisher in publishers]
        assert done == sorted(done, reverse=True)
    await asyncio.gather(*publishers)
    await bus.join()
    assert gate.finished == list(range(20))


async def test_an_event_that_only_replaces_another_under_conflate_needs_no_place_there(bus: Bus) -> None:
    """Turned red by: counting a `conflate` queue among those that the event needs a place in."""
    conflating, blocking = Gate(), Gate()
    await bus.subscribe("tick", conflating, capacity=1, overflow="conflate")
    await bus.subscribe("tick", blocking, capacity=2)
    await bus.publish(tick(0, symbol="A"))
    await conflating.has_started(1)
    await blocking.has_started(1)
    await bus.publish(tick(1, symbol="A"))
    needs_two_places = asyncio.create_task(bus.publish(tick(2, symbol="B")))
    await turns()
    await asyncio.wait_for(bus.publish(tick(3, symbol="A")), PATIENCE_S)
    assert not needs_two_places.done()
    conflating.open()
    blocking.open()
    await needs_two_places
    await bus.join()
    assert (conflating.finished, blocking.finished) == ([0, 3, 2], [0, 1, 3, 2])


async def test_a_publish_that_must_wait_takes_its_place_in_line_when_it_is_first_awaited(bus: Bus) -> None:
    """Turned red by: joining the line at the call."""
    gate, _ = await full_queue(bus)
    called_first = bus.publish(tick(2))
    awaited_first = asyncio.create_task(bus.publish(tick(3)))
    await turns()
    awaited_then = asyncio.create_task(called_first)
    await turns()
    gate.open()
    await asyncio.gather(awaited_first, awaited_then)
    await bus.join()
    assert gate.finished == [0, 1, 3, 2]


@pytest.mark.parametrize("is_busy", [False, True], ids=["on an idle bus", "on a bus that has a leader"])
async def test_a_newcomer_does_not_overtake_a_waiter_that_was_granted_and_has_not_resumed(
    bus: Bus, is_busy: Any
) -> None:
    """Turned red by: `has_same` overlooking those who were called; by `accept_at_once` not asking for the line."""
    newcomers: list[asyncio.Task[None]] = []
    seen: list[int] = []
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def handler(event: BaseEvent) -> None:
        seen.append(number_of(event))
        if number_of(event) == 0:
            entered.set()
            await go_on.wait()

    def come() -> None:
        if is_busy:
            bus.publish_nowait(order(0))
        newcomers.append(asyncio.create_task(bus.publish(tick(5))))

    await bus.subscribe("tick", handler, capacity=3)
    await bus.subscribe("order_*", Recorder())
    await bus.publish(tick(0))
    await entered.wait()
    for number in (1, 2, 3):
        await bus.publish(tick(number))
    waiter = asyncio.create_task(bus.publish(tick(4)))
    await turns()
    go_on.set()
    asyncio.get_running_loop().call_soon(come)
    await waiter
    await turns()
    await asyncio.gather(*newcomers)
    await bus.join()
    assert seen == [0, 1, 2, 3, 4, 5]


async def test_a_cancelled_waiter_lets_those_behind_it_come(bus: Bus) -> None:
    """Turned red by: not looking at the line when its first has gone."""
    first, second = await full_pair(bus)
    both = asyncio.create_task(bus.publish(for_both(5)))
    await turns()
    behind = asyncio.create_task(bus.publish(for_both(6)))
    await turns()
    both.cancel()
    await turns()
    first.open()
    second.open()
    await asyncio.wait_for(behind, PATIENCE_S)
    await bus.join()
    assert first.finished == second.finished == [0, 1, 6]


async def full_of_two_topics(bus: Bus) -> Gate:
    """A full `conflate` queue with tick 1 of A; an order has a handler put tick 9 of C beside it."""
    gate = Gate()
    await bus.subscribe("events.tick.binance", gate, capacity=1, overflow="conflate")
    await bus.publish(tick(0, symbol="A"))
    await gate.has_started(1)
    await bus.publish(tick(1, symbol="A"))

    async def handler(_event: BaseEvent) -> None:
        await bus.publish(tick(9, symbol="C"))

    await bus.subscribe("order_*", handler)
    return gate


async def test_a_waiter_is_granted_when_it_need_only_replace_an_event_that_has_come_meanwhile(bus: Bus) -> None:
    """Turned red by: `accept` not calling those who can replace what it has put into a queue."""
    gate = await full_of_two_topics(bus)
    waiter = asyncio.create_task(bus.publish(tick(2, symbol="C")))
    await turns()
    await bus.publish(order(0))
    await asyncio.wait_for(waiter, PATIENCE_S)
    gate.open()
    await bus.join()
    assert gate.finished == [0, 1, 2]


async def test_a_cancelled_waiter_lets_the_one_behind_it_replace_an_event(bus: Bus) -> None:
    """Turned red by: `leave` not walking the row of a waiter that has gone."""
    gate, busy = await full_of_two_topics(bus), Gate()
    await bus.subscribe("events.tick.okex", busy, capacity=1)
    await bus.publish(tick(0, exchange="okex"))
    await busy.has_started(1)
    await bus.publish(tick(1, exchange="okex"))
    first = asyncio.create_task(bus.publish(tick(2, exchange="okex")))
    await turns()
    ahead = asyncio.create_task(bus.publish(tick(2, symbol="B")))
    await turns()
    behind = asyncio.create_task(bus.publish(tick(3, symbol="C")))
    await turns()
    await bus.publish(order(0))
    await turns()
    assert not behind.done()
    ahead.cancel()
    await asyncio.wait_for(behind, PATIENCE_S)
    assert not first.done()
    gate.open()
    busy.open()
    await first
    await bus.join()
    assert gate.finished == [0, 1, 3]


async def test_unsubscribing_a_full_queue_releases_those_who_wait_for_it(bus: Bus) -> None:
    """Turned red by: not calling the line in `unsubscribe`."""
    gate, sid = await full_queue(bus)
    other = Recorder()
    await bus.subscribe("tick", other)
    publisher = asyncio.create_task(bus.publish(tick(2)))
    await turns()
    await bus.unsubscribe(sid)
    await asyncio.wait_for(publisher, PATIENCE_S)
    gate.open()
    await bus.join()
    assert other.seen == [2]


async def test_unsubscribing_a_full_queue_releases_all_who_wait_for_it_also_behind_one_who_waits_for_another(
    bus: Bus,
) -> None:
    """Turned red by: `walk` calling one waiter of a row and not those behind it."""
    other, _ = await full_queue(bus, symbol="OTHER")
    gate, sid = await full_queue(bus, symbol="GONE")
    first = asyncio.create_task(bus.publish(tick(2, symbol="OTHER")))
    await turns()
    publishers = [asyncio.create_task(bus.publish(tick(number, symbol="GONE"))) for number in (2, 3, 4)]
    await turns()
    await bus.unsubscribe(sid)
    await asyncio.wait_for(asyncio.gather(*publishers), PATIENCE_S)
    assert not first.done()
    gate.open()
    other.open()
    await first
