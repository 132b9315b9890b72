"""Not blocking: publish never waits for a handler, only for room."""

import asyncio

from tests.support.doubles import Bus, Gate, Recorder, full_queue, tick, ticks, turns, until
from tests.support.patience import PATIENCE_S


async def test_publish_never_waits_for_a_handler(bus: Bus) -> None:
    """Turned red by: `check` letting a publisher wait while an event is in its handler."""
    gate = Gate()
    await bus.subscribe("tick", gate)
    await bus.publish(tick(1))
    await gate.has_started(1)
    await bus.publish(tick(2))
    assert gate.started == [1]
    gate.open()


async def test_publish_waits_for_room(bus: Bus) -> None:
    """Turned red by: `has_room` answering yes whatever the capacity."""
    gate, sid = await full_queue(bus, capacity=3)
    publisher = asyncio.create_task(bus.publish(tick(4)))
    await turns()
    assert not publisher.done()
    assert bus.statistics().subscriptions[sid].queued == 3
    gate.let_go()
    await publisher
    gate.open()
    await bus.join()
    assert gate.finished == [0, 1, 2, 3, 4]
    assert bus.statistics().subscriptions[sid].high_water == 3


async def test_capacity_counts_waiting_events_the_one_in_its_handler_not(bus: Bus) -> None:
    """Turned red by: `check` counting the event in the handler as one that waits."""
    gate = Gate()
    sid = await bus.subscribe("tick", gate, capacity=2)
    await bus.publish(tick(0))
    await gate.has_started(1)
    await bus.publish(tick(1))
    await bus.publish(tick(2))
    account = bus.statistics().subscriptions[sid]
    assert (account.queued, account.waiting) == (2, 3)
    gate.open()


async def test_room_that_is_made_is_used_at_once(bus: Bus) -> None:
    """Turned red by: `take` calling the line only when the queue is empty."""
    gate, _ = await full_queue(bus, capacity=3)
    publishers = [asyncio.create_task(bus.publish(tick(number))) for number in range(4, 8)]
    await turns()
    gate.let_go(2)
    await gate.has_started(3)
    await turns()
    assert [publisher.done() for publisher in publishers] == [True, True, False, False]
    gate.open()
    await asyncio.gather(*publishers)


async def test_a_suspended_handler_delays_no_other_subscription(bus: Bus) -> None:
    """Turned red by: `hand_over` hiring nobody."""
    stuck, fast = Gate(), Recorder()
    await bus.subscribe("tick", stuck)
    await bus.subscribe("tick", fast)
    for number in range(100):
        await bus.publish(tick(number))
    await until(lambda: len(fast.seen) == 100)
    assert stuck.started == [0]
    assert fast.seen == list(range(100))
    stuck.open()


async def test_a_hundred_suspended_handlers_delay_no_other_subscription(bus: Bus) -> None:
    """Turned red by: `hand_over` hiring nobody once there are fifty workers."""
    stuck = [Gate() for _ in range(100)]
    for gate in stuck:
        await bus.subscribe("tick", gate)
    fast = Recorder()
    await bus.subscribe("tick", fast)
    await bus.publish_batch(ticks(range(10)))
    await until(lambda: len(fast.seen) == 10 and all(gate.started for gate in stuck))
    assert fast.seen == list(range(10))
    assert [gate.started for gate in stuck] == [[0]] * 100
    for gate in stuck:
        gate.open()


async def test_a_full_queue_makes_the_events_that_match_it_wait_and_only_those(bus: Bus) -> None:
    """Turned red by: `offer` letting every publisher wait while the line is not empty."""
    gate, _ = await full_queue(bus, symbol="FULL")
    other = Recorder()
    await bus.subscribe("tick", other)
    publisher = asyncio.create_task(bus.publish(tick(2, symbol="FULL")))
    await turns()
    for number in range(10, 20):
        await bus.publish(tick(number, symbol="FREE"))
    await turns()
    assert not publisher.done()
    assert other.seen == list(range(10, 20))
    gate.open()
    await publisher


async def test_a_subscription_without_events_for_it_never_delays(bus: Bus) -> None:
    """Turned red by: `check` asking all queues for room and not those of the route."""
    gate, _ = await full_queue(bus, symbol="FULL")
    await asyncio.wait_for(bus.publish(tick(1, symbol="FREE")), PATIENCE_S)
    gate.open()


async def test_the_default_capacity_is_enough_for_a_burst(bus: Bus) -> None:
    """Turned red by: a default capacity of 1,000."""
    gate = Gate()
    await bus.subscribe("tick", gate)
    event = tick(1)
    for _ in range(10_000):
        bus.publish_nowait(event)
    gate.open()
    await bus.join()
    assert len(gate.finished) == 10_000
