"""What handlers publish while their bus closes is accepted and drained too."""

import asyncio
from typing import Any

import pytest

from tests.contract.bus.closing.chain import (
    WAYS,
    Publish,
    begun,
    closing,
    refuses,
)
from tests.support.doubles import Bus, Recorder, dropped, full_queue, number_of, order, tick, until
from trading.events import BaseEvent, ErrorEvent
from trading.events.errors import BusClosedError


@pytest.mark.parametrize("way", WAYS)
async def test_what_handlers_publish_while_the_bus_closes_is_accepted_and_drained_too(bus: Bus, way: Publish) -> None:
    """Turned red by: `admits` refusing handlers while the bus is closing."""
    chain, sid = await begun(bus, way=way)
    closed = await closing(bus)
    chain.go_on.set()
    await closed
    assert chain.seen == [0, 1, 2, 3, 4, 5]
    account = bus.statistics().subscriptions[sid]
    assert (account.accepted, account.handled, dropped(account)) == (6, 6, {})
    assert refuses(bus)


async def test_outside_publishers_are_refused_meanwhile(bus: Bus) -> None:
    """Turned red by: `speaker` taking everybody for a handler while one runs."""
    chain, _ = await begun(bus, last=1)
    closed = await closing(bus)
    with pytest.raises(BusClosedError):
        await bus.publish(tick(9))
    with pytest.raises(BusClosedError):
        await asyncio.to_thread(bus.publish_nowait, tick(9))
    chain.go_on.set()
    await closed
    assert chain.seen == [0, 1]


async def test_a_task_that_outlives_its_handler_is_outside(bus: Bus) -> None:
    """Turned red by: asking the context variable and not whether its handler still runs."""
    outcomes: list[str] = []
    may_publish = asyncio.Event()
    children: list[asyncio.Task[None]] = []

    async def child() -> None:
        await may_publish.wait()
        try:
            await bus.publish(tick(9))
        except BusClosedError:
            outcomes.append("refused")

    async def handler(_event: BaseEvent) -> None:
        children.append(asyncio.create_task(child()))

    await bus.subscribe("order_*", handler)
    await bus.publish(order(1))
    await until(lambda: children)
    await bus.join()
    chain, _ = await begun(bus, last=0)
    closed = await closing(bus)
    may_publish.set()
    await children[0]
    chain.go_on.set()
    await closed
    assert outcomes == ["refused"]


async def test_what_an_inline_handler_publishes_meanwhile_is_accepted(bus: Bus) -> None:
    """Turned red by: `calling_handler` asking whether a worker has called the handler."""
    chain, _ = await begun(bus, last=2)
    orders = Recorder()

    def inline(event: BaseEvent) -> None:
        bus.publish_nowait(order(number_of(event)))

    await bus.subscribe("tick", inline, delivery="inline")
    await bus.subscribe("order_*", orders)
    closed = await closing(bus)
    chain.go_on.set()
    await closed
    assert orders.seen == [1, 2]


async def test_what_a_gap_callback_publishes_meanwhile_is_accepted(bus: Bus) -> None:
    """Turned red by: closing for handlers once the last event has been handled."""
    orders = Recorder()

    async def on_gap(gap: Any) -> None:
        await asyncio.sleep(0)
        await bus.publish(order(gap.count))

    gate, sid = await full_queue(bus, overflow="drop_oldest", on_gap=on_gap)
    await bus.subscribe("order_*", orders)
    await bus.publish(tick(2))
    await until(lambda: dropped(bus.statistics().subscriptions[sid]))
    closed = await closing(bus)
    gate.open()
    await closed
    assert (gate.finished, orders.seen) == ([0, 2], [1])


async def test_what_on_error_publishes_meanwhile_is_accepted(make_bus: Any) -> None:
    """Turned red by: `report` not entering the context of the handler that has failed."""
    orders = Recorder()
    go_on, has_begun = asyncio.Event(), asyncio.Event()
    bus = await make_bus(on_error=lambda failure: bus.publish_nowait(order(number_of(failure.event))))

    async def fail(_event: BaseEvent) -> None:
        has_begun.set()
        await go_on.wait()
        raise ValueError("as planned")

    await bus.subscribe("tick", fail)
    await bus.subscribe("order_*", orders)
    await bus.publish(tick(3))
    await has_begun.wait()
    closed = await closing(bus)
    go_on.set()
    await closed
    assert orders.seen == [3]


async def test_what_a_handler_of_error_events_publishes_meanwhile_is_accepted(bus: Bus) -> None:
    """Turned red by: taking the bus's own word while it closes, and not the answers to it."""
    orders = Recorder()
    go_on, has_begun = asyncio.Event(), asyncio.Event()

    async def answer(_error: ErrorEvent) -> None:
        await bus.publish(order(4))

    async def fail(_event: BaseEvent) -> None:
        has_begun.set()
        await go_on.wait()
        raise ValueError("as planned")

    await bus.subscribe("order_*", orders)
    await bus.subscribe(ErrorEvent, answer)
    await bus.subscribe("tick", fail)
    await bus.publish(tick(0))
    await has_begun.wait()
    closed = await closing(bus)
    go_on.set()
    await closed
    assert orders.seen == [4]


async def test_a_ring_of_handlers_that_feed_one_another_ends_by_the_timeout_and_is_counted(bus: Bus) -> None:
    """Turned red by: `abandon` giving up what waits without refusing what comes then."""
    ring, sid = await begun(bus, last=10**9)
    closed = await closing(bus, timeout_s=0.05)
    ring.go_on.set()
    await closed
    account = bus.statistics().subscriptions[sid]
    assert (account.waiting, bus.statistics().waiting) == (0, 0)
    assert account.accepted == account.handled + account.failed + sum(account.dropped.values())
    assert refuses(bus)


async def test_after_the_timeout_handlers_are_refused_too(bus: Bus) -> None:
    """Turned red by: `refuse` left out of closing by force."""
    outcomes: list[str] = []
    has_begun = asyncio.Event()

    async def handler(event: BaseEvent) -> None:
        has_begun.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            try:
                bus.publish_nowait(tick(number_of(event) + 1))
            except BusClosedError:
                outcomes.append("refused")

    sid = await bus.subscribe("tick", handler)
    await bus.publish(tick(0))
    await has_begun.wait()
    await bus.aclose(timeout_s=0)
    assert outcomes == ["refused"]
    assert dropped(bus.statistics().subscriptions[sid]) == {"cancelled": 1}


async def test_a_handler_may_publish_to_another_bus_that_is_open(bus: Bus, make_bus: Any) -> None:
    """Turned red by: refusing whoever is in a handler of a bus that closes."""
    other = await make_bus()
    recorder = Recorder()
    await other.subscribe("tick", recorder)

    async def send_on(_bus: Any, event: BaseEvent) -> None:
        await other.publish(event)

    chain, _ = await begun(bus, last=1, way=send_on)
    closed = await closing(bus)
    chain.go_on.set()
    await closed
    await other.join()
    assert recorder.seen == [1]


async def test_a_handler_of_another_bus_is_outside(bus: Bus, make_bus: Any) -> None:
    """Turned red by: `calling_subscription` not comparing the bus."""
    other = await make_bus()
    outcomes: list[str] = []

    async def send_on(_event: BaseEvent) -> None:
        try:
            await bus.publish(tick(9))
        except BusClosedError:
            outcomes.append("refused")

    await other.subscribe("tick", send_on)
    chain, _ = await begun(bus, last=1)
    closed = await closing(bus)
    await other.publish(tick(1))
    await other.join()
    chain.go_on.set()
    await closed
    assert outcomes == ["refused"]
    assert chain.seen == [0, 1]
