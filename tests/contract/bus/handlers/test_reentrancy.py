"""Re-entrancy: a handler may publish, into its own queue too, and never deadlocks."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tests.support.doubles import Bus, full_queue, number_of, tick, ticks, turns, until
from tests.support.patience import PATIENCE_S
from trading.events import BaseEvent
from trading.events.errors import QueueFullError

Publish = Callable[[BaseEvent], Coroutine[Any, Any, None]]


async def directly(publish: Publish, event: BaseEvent) -> None:
    await publish(event)


async def through_gather(publish: Publish, event: BaseEvent) -> None:
    await asyncio.gather(publish(event))


async def through_gathered_tasks(publish: Publish, event: BaseEvent) -> None:
    async def child() -> None:
        await asyncio.sleep(0)
        await publish(event)

    await asyncio.gather(child())


async def through_a_task_group(publish: Publish, event: BaseEvent) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(directly(publish, event))


async def through_wait_for(publish: Publish, event: BaseEvent) -> None:
    await asyncio.wait_for(publish(event), 60)


ALL_WAYS = [directly, through_gather, through_gathered_tasks, through_a_task_group, through_wait_for]


@pytest.mark.parametrize("way", ALL_WAYS)
async def test_a_handler_may_publish_into_its_own_full_queue(bus: Bus, way: Any) -> None:
    """Turned red by: `admit` not asking whether the caller runs in a handler."""
    seen: list[int] = []

    async def handler(event: BaseEvent) -> None:
        seen.append(number_of(event))
        if number_of(event) == 0:
            await asyncio.sleep(0)
            await way(bus.publish, tick(2))

    sid = await bus.subscribe("tick", handler, capacity=1)
    await bus.publish(tick(0))
    await until(lambda: seen)
    await bus.publish(tick(1))
    await bus.join()
    assert sorted(seen) == [0, 1, 2]
    assert seen.index(1) < seen.index(2)
    assert bus.statistics().subscriptions[sid].over_capacity == 1


@pytest.mark.parametrize("way", ALL_WAYS)
async def test_two_handlers_may_publish_into_each_others_full_queues(bus: Bus, way: Any) -> None:
    """Turned red by: `admit` not asking whether the caller runs in a handler."""
    seen: dict[str, list[int]] = {"A": [], "B": []}
    go_on = asyncio.Event()

    def answering(mine: str, theirs: str) -> Any:
        async def handler(event: BaseEvent) -> None:
            seen[mine].append(number_of(event))
            if number_of(event) == 0:
                await go_on.wait()
                await way(bus.publish, tick(9, symbol=theirs))

        return handler

    for mine, theirs in ("AB", "BA"):
        await bus.subscribe(f"events.tick.*.{mine}", answering(mine, theirs), capacity=1)
        await bus.publish(tick(0, symbol=mine))
    await until(lambda: seen == {"A": [0], "B": [0]})
    for symbol in "AB":
        await bus.publish(tick(1, symbol=symbol))
    go_on.set()
    await bus.join()
    assert seen == {"A": [0, 1, 9], "B": [0, 1, 9]}


async def test_a_chain_of_publishing_handlers_comes_to_its_end(bus: Bus) -> None:
    """Turned red by: calling the handlers from within `publish`, on one stack."""
    seen: list[int] = []

    async def handler(event: BaseEvent) -> None:
        seen.append(number_of(event))
        if number_of(event) < 2_000:
            await bus.publish(tick(number_of(event) + 1))

    await bus.subscribe("tick", handler, capacity=1)
    await bus.publish(tick(0))
    await bus.join()
    assert seen == list(range(2_001))


async def test_a_publish_from_a_handler_passes_the_line(bus: Bus) -> None:
    """Turned red by: `offer` asking for the line whatever the patience."""
    gate, sid = await full_queue(bus, symbol="FULL")
    waiting = asyncio.create_task(bus.publish(tick(2, symbol="FULL")))
    await turns()

    async def handler(event: BaseEvent) -> None:
        await bus.publish(tick(3, symbol="FULL"))

    await bus.subscribe("events.tick.*.GO", handler)
    await bus.publish(tick(9, symbol="GO"))
    await turns()
    assert not waiting.done()
    assert bus.statistics().subscriptions[sid].queued == 2
    gate.open()
    await waiting
    await bus.join()
    assert gate.finished == [0, 1, 3, 2]
    assert bus.statistics().subscriptions[sid].over_capacity == 1


@pytest.mark.parametrize("name", ["publish", "publish_nowait", "publish_batch"])
async def test_a_publish_from_a_handler_raises_at_twice_the_capacity(bus: Bus, name: str) -> None:
    """Turned red by: `urgent_verdict` without a bound."""
    taken: list[int] = []
    gate, sid = await full_queue(bus, symbol="FULL", capacity=3)

    async def publish(event: BaseEvent) -> None:
        if name == "publish_nowait":
            bus.publish_nowait(event)
        elif name == "publish":
            await bus.publish(event)
        else:
            await bus.publish_batch([event])
        taken.append(number_of(event))

    async def handler(_event: BaseEvent) -> None:
        for number in range(3):
            await publish(tick(number, symbol="FULL"))
        with pytest.raises(QueueFullError):
            await publish(tick(3, symbol="FULL"))

    await bus.subscribe("events.tick.*.GO", handler)
    await bus.publish(tick(9, symbol="GO"))
    await turns()
    assert taken == [0, 1, 2]
    account = bus.statistics().subscriptions[sid]
    assert (account.queued, account.high_water, account.over_capacity) == (6, 6, 3)
    gate.open()
    await bus.join()
    assert [account.failed for account in bus.statistics().subscriptions.values()] == [0, 0]


async def test_a_batch_from_a_handler_never_waits(bus: Bus) -> None:
    """Turned red by: giving only single publishes the way past the line."""
    gate, _ = await full_queue(bus, symbol="FULL", capacity=3)
    ended = asyncio.Event()

    async def handler(_event: BaseEvent) -> None:
        await bus.publish_batch(ticks([4, 5, 6], symbol="FULL"))
        ended.set()

    await bus.subscribe("events.tick.*.GO", handler)
    await bus.publish(tick(9, symbol="GO"))
    await asyncio.wait_for(ended.wait(), PATIENCE_S)
    gate.open()
    await bus.join()
    assert gate.finished == [0, 1, 2, 3, 4, 5, 6]


async def test_a_task_that_a_handler_left_behind_waits_like_everyone_when_the_handler_has_ended(bus: Bus) -> None:
    """Turned red by: asking the context variable and not whether its handler still runs."""
    gate, _ = await full_queue(bus, symbol="FULL")
    children: list[asyncio.Task[None]] = []
    go_on = asyncio.Event()

    async def child() -> None:
        await go_on.wait()
        await bus.publish(tick(2, symbol="FULL"))

    async def handler(_event: BaseEvent) -> None:
        children.append(asyncio.create_task(child()))

    await bus.subscribe("events.tick.*.GO", handler)
    await bus.publish(tick(9, symbol="GO"))
    await until(lambda: children)
    await turns()
    go_on.set()
    await turns()
    assert not children[0].done()
    gate.open()
    await children[0]
    await bus.join()
    assert gate.finished == [0, 1, 2]


async def test_a_publisher_beside_a_running_handler_waits_like_everyone(bus: Bus) -> None:
    """Turned red by: a flag on the bus in place of a context variable."""
    gate, _ = await full_queue(bus)
    publisher = asyncio.create_task(bus.publish(tick(2)))
    await turns()
    assert gate.started == [0]
    assert not publisher.done()
    gate.open()
    await publisher


async def test_a_handler_of_another_bus_waits_like_everyone(bus: Bus, make_bus: Any) -> None:
    """Turned red by: `calling_subscription` not comparing the bus."""
    gate, _ = await full_queue(bus)
    other = await make_bus()

    async def handler(_event: BaseEvent) -> None:
        await bus.publish(tick(2))

    await other.subscribe("tick", handler)
    await other.publish(tick(9))
    await turns()
    assert bus.statistics().publishers_waiting == 1
    gate.open()
    await other.join()
    await bus.join()
    assert gate.finished == [0, 1, 2]
