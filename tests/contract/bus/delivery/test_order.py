"""Order: a subscription handles events one at a time, in the order of acceptance."""

import asyncio
from typing import Any

from tests.support.doubles import Bus, Gate, Recorder, full_queue, number_of, tick, ticks, turns
from trading.events import BaseEvent


async def test_a_subscription_handles_one_event_at_a_time(bus: Bus) -> None:
    """Turned red by: a worker releasing its subscription when the handler suspends."""
    running = 0
    most = 0

    async def handler(_event: BaseEvent) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await turns(3)
        running -= 1

    await bus.subscribe("tick", handler)
    await bus.publish_batch(ticks(range(10)))
    await bus.join()
    assert most == 1


async def test_events_are_handled_in_the_order_of_acceptance(bus: Any) -> None:
    """Turned red by: `pop` taking from the back."""
    recorder = Recorder()
    await bus.subscribe("tick", recorder)
    await bus.publish(tick(0))
    bus.publish_nowait(tick(1))
    await bus.publish_batch(ticks([2, 3]))
    publishing = bus.publish(tick(4))
    bus.publish_nowait(tick(5))
    await publishing
    await bus.join()
    assert recorder.seen == [0, 1, 2, 3, 4, 5]


async def test_order_holds_across_handlers_that_suspend_and_handlers_that_do_not(bus: Bus) -> None:
    """Turned red by: a worker releasing its subscription when the handler suspends."""
    seen: list[int] = []

    async def handler(event: BaseEvent) -> None:
        if number_of(event) % 3 == 0:
            await turns(number_of(event) % 5)
        seen.append(number_of(event))

    await bus.subscribe("tick", handler)
    for number in range(60):
        await bus.publish(tick(number))
        if number % 7 == 0:
            await turns(2)
    await bus.join()
    assert seen == list(range(60))


async def test_order_holds_across_a_full_queue(bus: Bus) -> None:
    """Turned red by: letting a newcomer take room that appeared while others wait."""
    seen: list[int] = []

    async def handler(event: BaseEvent) -> None:
        await asyncio.sleep(0)
        seen.append(number_of(event))

    await bus.subscribe("tick", handler, capacity=2)
    await asyncio.gather(*(bus.publish(tick(number)) for number in range(30)))
    await bus.join()
    assert seen == list(range(30))


async def test_each_of_many_subscriptions_keeps_the_order(bus: Any) -> None:
    """Turned red by: `pop` taking from the back."""
    recorders = [Recorder() for _ in range(20)]
    gates = [Gate() for _ in range(5)]
    for handler in [*recorders, *gates]:
        await bus.subscribe("tick", handler)
    await bus.publish_batch(ticks(range(50)))
    for gate in gates:
        gate.open()
    await bus.join()
    assert [recorder.seen for recorder in recorders] == [list(range(50))] * 20
    assert [gate.finished for gate in gates] == [list(range(50))] * 5


async def test_conflate_keeps_the_order_of_each_topic(bus: Bus) -> None:
    """Turned red by: `push_conflating` dropping the newer event."""
    gate = Gate()
    await bus.subscribe("tick", gate, capacity=3, overflow="conflate")
    for number in range(12):
        await bus.publish(tick(number, symbol="ABC"[number % 3]))
        if number % 4 == 0:
            gate.let_go()
            await turns()
    gate.open()
    await bus.join()
    for remainder in range(3):
        mine = [number for number in gate.finished if number % 3 == remainder]
        assert mine == sorted(mine)
        assert mine[-1] == 9 + remainder


async def test_a_publisher_that_waits_comes_before_one_that_came_later(bus: Bus) -> None:
    """Turned red by: `walk` taking the last of a row first."""
    gate, _ = await full_queue(bus)
    publishers = []
    for number in (2, 3, 4):
        publishers.append(asyncio.create_task(bus.publish(tick(number))))
        await turns()
    gate.open()
    await asyncio.gather(*publishers)
    await bus.join()
    assert gate.finished == [0, 1, 2, 3, 4]
