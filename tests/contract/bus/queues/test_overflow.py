"""Overflow: what a full queue does with one more event is each subscription's own choice."""

import asyncio
from typing import Any

import pytest

from tests.support.doubles import Bus, Gate, Recorder, dropped, full_queue, order, tick, turns
from tests.support.patience import PATIENCE_S
from trading.events.errors import BusError, QueueFullError


async def test_block_is_the_default(bus: Bus) -> None:
    """Turned red by: `drop_oldest` as the default."""
    gate = Gate()
    await bus.subscribe("tick", gate, capacity=1)
    await bus.publish(tick(0))
    await gate.has_started(1)
    await bus.publish(tick(1))
    publisher = asyncio.create_task(bus.publish(tick(2)))
    await turns()
    assert not publisher.done()
    gate.open()
    await publisher
    await bus.join()
    assert gate.finished == [0, 1, 2]


async def test_drop_oldest_lets_the_event_that_waited_longest_go(bus: Bus) -> None:
    """Turned red by: `push` evicting from the back of the queue."""
    gate, sid = await full_queue(bus, capacity=3, overflow="drop_oldest")
    await bus.publish(tick(4))
    await bus.publish(tick(5))
    await turns()
    account = bus.statistics().subscriptions[sid]
    assert dropped(account) == {"drop_oldest": 2}
    assert (account.accepted, account.queued, account.high_water) == (6, 3, 3)
    gate.open()
    await bus.join()
    assert gate.finished == [0, 3, 4, 5]


async def test_drop_newest_lets_the_new_event_go(bus: Bus) -> None:
    """Turned red by: `push` evicting one that waits."""
    gate, sid = await full_queue(bus, capacity=3, overflow="drop_newest")
    other = Recorder()
    await bus.subscribe("tick", other)
    await bus.publish(tick(4))
    await bus.publish(tick(5))
    await turns()
    account = bus.statistics().subscriptions[sid]
    assert dropped(account) == {"drop_newest": 2}
    assert (account.accepted, account.queued, account.high_water) == (6, 3, 3)
    gate.open()
    await bus.join()
    assert gate.finished == [0, 1, 2, 3]
    assert other.seen == [4, 5]


async def test_conflate_keeps_the_newest_of_each_topic_in_place(bus: Bus) -> None:
    """Turned red by: `push_conflating` moving the topic to the end of the queue."""
    gate = Gate()
    sid = await bus.subscribe("tick", gate, capacity=3, overflow="conflate")
    await bus.publish(tick(0, symbol="A"))
    await gate.has_started(1)
    for number, symbol in enumerate("ABCABA", start=1):
        await bus.publish(tick(number, symbol=symbol))
    await turns()
    account = bus.statistics().subscriptions[sid]
    assert dropped(account) == {"conflate": 3}
    assert account.queued == 3
    gate.open()
    await bus.join()
    assert gate.finished == [0, 6, 5, 3]


async def test_conflate_replaces_also_where_there_is_room(bus: Bus) -> None:
    """Turned red by: `push` conflating only when the queue is full."""
    gate = Gate()
    await bus.subscribe("tick", gate, capacity=100, overflow="conflate")
    await bus.publish(tick(0))
    await gate.has_started(1)
    for number in (1, 2, 3):
        await bus.publish(tick(number))
    gate.open()
    await bus.join()
    assert gate.finished == [0, 3]


async def test_conflate_lets_a_new_topic_on_a_full_queue_wait(bus: Bus) -> None:
    """Turned red by: `verdict` taking every event under `conflate`."""
    gate = Gate()
    await bus.subscribe("tick", gate, capacity=1, overflow="conflate")
    await bus.publish(tick(0, symbol="A"))
    await gate.has_started(1)
    await bus.publish(tick(1, symbol="A"))
    publisher = asyncio.create_task(bus.publish(tick(2, symbol="B")))
    await turns()
    assert not publisher.done()
    await asyncio.wait_for(bus.publish(tick(3, symbol="A")), PATIENCE_S)
    gate.open()
    await publisher
    await bus.join()
    assert gate.finished == [0, 3, 2]


async def test_conflate_leaves_the_event_in_its_handler_alone(bus: Bus) -> None:
    """Turned red by: `accept` dropping an event in whose topic the handler is busy."""
    gate = Gate()
    sid = await bus.subscribe("tick", gate, capacity=1, overflow="conflate")
    await bus.publish(tick(0))
    await gate.has_started(1)
    await bus.publish(tick(1))
    assert dropped(bus.statistics().subscriptions[sid]) == {}
    gate.open()
    await bus.join()
    assert gate.finished == [0, 1]


async def test_a_conflated_topic_that_was_handled_needs_a_place_again(bus: Bus) -> None:
    """Turned red by: `pop` leaving a topic's place behind when its event is taken."""
    gate = Gate()
    await bus.subscribe("tick", gate, capacity=1, overflow="conflate")
    await bus.publish(tick(0, symbol="A"))
    await gate.has_started(1)
    await bus.publish(tick(1, symbol="B"))
    publisher = asyncio.create_task(bus.publish(tick(2, symbol="A")))
    await turns()
    assert not publisher.done()
    gate.open()
    await publisher
    await bus.join()
    assert gate.finished == [0, 1, 2]


async def test_raise_refuses_an_event_that_has_then_reached_nobody_and_evicted_nothing(bus: Bus) -> None:
    """Turned red by: `offer` pushing into the other queues before it refuses."""
    dropping, conflating, refusing, free = Gate(), Gate(), Gate(), Recorder()
    await bus.subscribe("tick", dropping, capacity=1, overflow="drop_oldest")
    await bus.subscribe("tick", conflating, capacity=1, overflow="conflate")
    await bus.subscribe("tick", free)
    await bus.subscribe("tick", refusing, capacity=1, overflow="raise")
    await bus.publish(tick(0))
    for gate in (dropping, conflating, refusing):
        await gate.has_started(1)
    await bus.publish(tick(1))
    before = bus.statistics()
    with pytest.raises(QueueFullError):
        await bus.publish(tick(2))
    after = bus.statistics()
    assert after.published == before.published
    assert [account.accepted for account in after.subscriptions.values()] == [2, 2, 2, 2]
    assert [dropped(account) for account in after.subscriptions.values()] == [{}] * 4
    for gate in (dropping, conflating, refusing):
        gate.open()
    await bus.join()
    assert dropping.finished == conflating.finished == refusing.finished == free.seen == [0, 1]


async def test_raise_refuses_even_where_another_queue_would_let_it_wait(bus: Bus) -> None:
    """Turned red by: `check` waiting as soon as one queue is found full."""
    blocking, refusing = Gate(), Gate()
    await bus.subscribe("tick", blocking, capacity=1)
    await bus.subscribe("tick", refusing, capacity=1, overflow="raise")
    await bus.publish(tick(0))
    await blocking.has_started(1)
    await refusing.has_started(1)
    await bus.publish(tick(1))
    with pytest.raises(QueueFullError):
        await asyncio.wait_for(bus.publish(tick(2)), PATIENCE_S)
    blocking.open()
    refusing.open()
    await bus.join()
    assert blocking.finished == refusing.finished == [0, 1]


async def test_raise_refuses_an_event_that_waited_while_the_queue_filled_up(bus: Bus) -> None:
    """Turned red by: `come` not asking the raising queues again."""
    blocking, refusing = Gate(), Gate()
    await bus.subscribe("tick", blocking, capacity=1)
    await bus.subscribe("*", refusing, capacity=2, overflow="raise")
    await bus.publish(tick(0))
    await blocking.has_started(1)
    await refusing.has_started(1)
    await bus.publish(tick(1))
    waiter = asyncio.create_task(bus.publish(tick(2)))
    await turns()
    await bus.publish(order(3))
    blocking.let_go()
    with pytest.raises(QueueFullError):
        await asyncio.wait_for(waiter, PATIENCE_S)
    blocking.open()
    refusing.open()
    await bus.join()
    assert (blocking.finished, refusing.finished) == ([0, 1], [0, 1, 3])


async def test_queue_full_is_a_bus_error_that_names_the_subscription_and_its_capacity(bus: Any) -> None:
    """Turned red by: a message without name or capacity."""
    await full_queue(bus, capacity=3, overflow="raise", name="strategy-a")
    with pytest.raises(BusError, match=r"strategy-a.*\b3\b"):
        bus.publish(tick(4))


async def test_publish_nowait_on_a_full_block_queue_raises_and_has_reached_nobody(bus: Bus) -> None:
    """Turned red by: `check` letting an impatient publisher go beyond the capacity."""
    free = Recorder()
    await bus.subscribe("tick", free)
    gate, _ = await full_queue(bus)
    with pytest.raises(QueueFullError):
        bus.publish_nowait(tick(2))
    gate.open()
    await bus.join()
    assert free.seen == gate.finished == [0, 1]


async def test_publish_nowait_of_a_new_topic_on_a_full_conflate_queue_raises(bus: Bus) -> None:
    """Turned red by: `verdict` taking every event under `conflate`."""
    gate = Gate()
    await bus.subscribe("tick", gate, capacity=1, overflow="conflate")
    bus.publish_nowait(tick(0, symbol="A"))
    await gate.has_started(1)
    bus.publish_nowait(tick(1, symbol="A"))
    bus.publish_nowait(tick(2, symbol="A"))
    with pytest.raises(QueueFullError):
        bus.publish_nowait(tick(3, symbol="B"))
    gate.open()
    await bus.join()
    assert gate.finished == [0, 2]


async def test_publish_nowait_does_not_overtake_those_who_wait(bus: Bus) -> None:
    """Turned red by: `has_room` not counting promised places."""
    seen: list[str] = []
    gate, _ = await full_queue(bus)
    publisher = asyncio.create_task(bus.publish(tick(2)))
    await turns()

    def overtake() -> None:
        try:
            bus.publish_nowait(tick(3))
        except QueueFullError:
            seen.append("refused")
        else:
            seen.append("taken")

    gate.let_go()
    for _ in range(10):
        await turns(1)
        if not publisher.done():
            overtake()
    await publisher
    gate.open()
    await bus.join()
    assert set(seen) == {"refused"}
    assert gate.finished == [0, 1, 2]


@pytest.mark.parametrize("overflow", ["drop_oldest", "drop_newest"])
async def test_a_dropping_subscription_never_lets_a_publisher_wait(bus: Bus, overflow: str) -> None:
    """Turned red by: `verdict` letting publishers wait for a queue that drops."""
    gate, sid = await full_queue(bus, capacity=2, overflow=overflow)
    for number in range(3, 100):
        await asyncio.wait_for(bus.publish(tick(number)), PATIENCE_S)
    await turns()
    account = bus.statistics().subscriptions[sid]
    assert dropped(account) == {overflow: 97}
    gate.open()
    await bus.join()
    assert gate.finished == ([0, 98, 99] if overflow == "drop_oldest" else [0, 1, 2])
