"""All or nothing: a waiter that is cancelled before it resumes has reached nobody, and its places pass on."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.doubles import Bus, Gate, full_queue, number_of, tick, turns
from tests.support.patience import PATIENCE_S
from trading.events import BaseEvent


async def test_a_waiter_that_is_cancelled_has_reached_nobody(bus: Bus) -> None:
    """Turned red by: `Work.stop` not giving up the place in the line."""
    gate, sid = await full_queue(bus)
    publisher = asyncio.create_task(bus.publish(tick(2)))
    await turns()
    assert bus.statistics().publishers_waiting == 1
    publisher.cancel()
    await asyncio.wait([publisher])
    assert publisher.cancelled()
    assert bus.statistics().publishers_waiting == 0
    gate.open()
    await bus.join()
    assert gate.finished == [0, 1]
    assert bus.statistics().subscriptions[sid].accepted == 2


async def test_a_waiter_that_times_out_has_reached_nobody(bus: Bus) -> None:
    """Turned red by: a waiting publish that joins the line anew when it is cancelled."""
    gate, _ = await full_queue(bus)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(bus.publish(tick(2)), 0.01)
    gate.open()
    await bus.join()
    assert gate.finished == [0, 1]


async def test_a_waiting_publish_that_is_closed_has_reached_nobody(bus: Bus) -> None:
    """Turned red by: a `close` that leaves its place in the line behind."""
    gate, _ = await full_queue(bus)
    coroutine = bus.publish(tick(2))
    coroutine.send(None)
    assert bus.statistics().publishers_waiting == 1
    coroutine.close()
    coroutine.close()
    assert bus.statistics().publishers_waiting == 0
    gate.open()
    await bus.join()
    assert gate.finished == [0, 1]


def plainly(awaitable: Any) -> Any:
    return awaitable


async def in_wait_for(awaitable: Any) -> None:
    await asyncio.wait_for(awaitable, 3600)


async def in_gather(awaitable: Any) -> None:
    await asyncio.gather(awaitable)


async def in_a_timeout(awaitable: Any) -> None:
    async with asyncio.timeout(3600):
        await awaitable


@pytest.mark.parametrize("wrap", [plainly, in_wait_for, in_gather, in_a_timeout])
async def test_a_granted_waiter_that_is_cancelled_before_it_resumes_passes_its_places_on(
    bus: Bus, wrap: Callable[[Any], Any]
) -> None:
    """Turned red by: `leave` keeping the promised places; `give_up` not calling those who wait for them."""
    publishers: list[asyncio.Task[None]] = []
    seen: list[int] = []
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def handler(event: BaseEvent) -> None:
        seen.append(number_of(event))
        if number_of(event) == 0:
            entered.set()
            await go_on.wait()
        if number_of(event) == 1:
            publishers[0].cancel()

    await bus.subscribe("tick", handler, capacity=1)
    await bus.publish(tick(0))
    await entered.wait()
    await bus.publish(tick(1))
    publishers.append(asyncio.create_task(wrap(bus.publish(tick(2)))))
    await turns()
    publishers.append(asyncio.create_task(bus.publish(tick(3))))
    await turns()
    go_on.set()
    await asyncio.wait_for(asyncio.wait(publishers), PATIENCE_S)
    await bus.join()
    assert publishers[1].exception() is None
    assert 3 in seen
    assert (2 in seen) is not publishers[0].cancelled()
    if wrap is plainly:
        assert publishers[0].cancelled()


async def test_a_publisher_cancelled_while_its_event_is_in_flight_takes_nothing_back(bus: Bus) -> None:
    """Turned red by: tying the handler to the publisher's task."""
    gate = Gate()
    await bus.subscribe("tick", gate)

    async def publish() -> None:
        await bus.publish(tick(1))
        await asyncio.get_running_loop().create_future()

    publisher = asyncio.create_task(publish())
    await gate.has_started(1)
    publisher.cancel()
    await asyncio.wait([publisher])
    gate.open()
    await bus.join()
    assert gate.finished == [1]
