"""Closing: aclose refuses new events from outside, drains, and after its timeout cancels what is left and counts it."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.doubles import Bus, Recorder, dropped, full_queue, tick, ticks, turns, until
from tests.support.patience import PATIENCE_S
from trading.events import BaseEvent, ErrorEvent
from trading.events.errors import BusClosedError


async def test_aclose_drains(bus: Bus) -> None:
    """Turned red by: `aclose` cancelling the workers at once."""
    gate, _ = await full_queue(bus, capacity=3)
    recorder = Recorder()
    await bus.subscribe("tick", recorder)
    closing = asyncio.create_task(bus.aclose())
    await turns()
    assert not closing.done()
    gate.open()
    await closing
    assert gate.finished == [0, 1, 2, 3]


async def test_aclose_refuses_new_events_while_it_drains_and_afterwards(bus: Bus) -> None:
    """Turned red by: refusing only once everything is drained."""
    gate, _ = await full_queue(bus)
    closing = asyncio.create_task(bus.aclose())
    await turns()
    for _ in range(2):
        with pytest.raises(BusClosedError):
            bus.publish_nowait(tick(9))
        with pytest.raises(BusClosedError):
            await bus.publish(tick(9))
        with pytest.raises(BusClosedError):
            await bus.publish_batch(ticks([9]))
        with pytest.raises(BusClosedError):
            await bus.subscribe("tick", Recorder())
        gate.open()
        await closing
    assert gate.finished == [0, 1]


async def test_aclose_refuses_new_events_also_while_a_leader_is_at_work(bus: Bus) -> None:
    """Turned red by: `accept_at_once` not asking whether the bus is open."""
    recorder = Recorder()
    await bus.subscribe("tick", recorder)
    await bus.publish(tick(0))
    event = tick(1)
    for _ in range(5_000):
        bus.publish_nowait(event)
    closing = asyncio.create_task(bus.aclose())
    await turns(2)
    assert 0 < len(recorder.seen) < 5_001
    with pytest.raises(BusClosedError):
        await bus.publish(tick(2))
    await closing
    assert len(recorder.seen) == 5_001


async def test_aclose_waits_for_a_gap_callback_that_is_running(bus: Bus) -> None:
    """Turned red by: `aclose` waiting for the events alone."""
    story: list[str] = []
    go_on = asyncio.Event()

    async def on_gap(_gap: Any) -> None:
        story.append("begins")
        await go_on.wait()
        story.append("ends")

    gate, sid = await full_queue(bus, overflow="drop_oldest", on_gap=on_gap)
    await bus.publish(tick(2))
    await turns()
    gate.open()
    await until(lambda: story)
    await bus.unsubscribe(sid)
    closing = asyncio.create_task(bus.aclose())
    await turns()
    assert not closing.done()
    go_on.set()
    await closing
    assert story == ["begins", "ends"]


async def test_leaving_the_block_closes(bus_type: Callable[..., Any]) -> None:
    """Turned red by: an `__aexit__` that does nothing."""
    recorder = Recorder()
    async with bus_type() as bus:
        await bus.subscribe("tick", recorder)
        await bus.publish_batch(ticks([1, 2]))
    assert recorder.seen == [1, 2]
    with pytest.raises(BusClosedError):
        bus.publish_nowait(tick(3))


async def test_leaving_the_block_by_an_exception_drains_and_lets_it_through(bus_type: Callable[..., Any]) -> None:
    """Turned red by: an `__aexit__` that returns True."""
    recorder = Recorder()

    async def leave_by_an_exception() -> None:
        async with bus_type() as bus:
            await bus.subscribe("tick", recorder)
            await bus.publish(tick(1))
            raise ValueError("out")

    with pytest.raises(ValueError, match="out"):
        await leave_by_an_exception()
    assert recorder.seen == [1]


async def test_after_its_timeout_it_cancels_what_is_left_and_counts_it(bus: Bus) -> None:
    """Turned red by: ignoring `timeout_s`; counting as unsubscribed in `abandon`, or as failed in `Counts.end`."""
    cancelled: list[str] = []
    gate, sid = await full_queue(bus, symbol="STUCK", capacity=3)

    async def handler(_event: BaseEvent) -> None:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            cancelled.append("cancelled")
            raise

    other = await bus.subscribe("events.tick.*.OTHER", handler)
    await bus.publish(tick(1, symbol="OTHER"))
    await turns()
    await bus.aclose(timeout_s=0.01)
    accounts = bus.statistics().subscriptions
    assert dropped(accounts[sid]) == {"closed": 3, "cancelled": 1}
    assert dropped(accounts[other]) == {"cancelled": 1}
    assert cancelled == ["cancelled"]
    assert gate.finished == []
    assert bus.statistics().waiting == 0


async def test_a_timeout_that_is_not_needed_changes_nothing(bus: Bus) -> None:
    """Turned red by: always waiting for the whole timeout."""
    recorder = Recorder()
    sid = await bus.subscribe("tick", recorder)
    await bus.publish_batch(ticks([1, 2]))
    await bus.aclose(timeout_s=3600)
    assert recorder.seen == [1, 2]
    assert bus.statistics().subscriptions[sid].handled == 2


async def test_a_handler_that_cleans_up_when_it_is_cancelled_may_take_its_turns(bus: Bus) -> None:
    """Turned red by: `_cancel_workers` waiting no time for those it has cancelled."""
    story: list[str] = []

    async def handler(_event: BaseEvent) -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            await turns(5)
            story.append("cleaned up")

    await bus.subscribe("tick", handler)
    await bus.publish(tick(1))
    await turns()
    await bus.aclose(timeout_s=0)
    assert story == ["cleaned up"]


async def test_the_bus_leaves_no_task_behind(bus: Bus) -> None:
    """Turned red by: workers that wait for more events after the bus is closed."""
    before = asyncio.all_tasks()
    gates = [(await full_queue(bus, symbol=symbol))[0] for symbol in "ABC"]
    for gate in gates:
        gate.open()
    await bus.aclose()
    await turns(2)
    assert asyncio.all_tasks() == before


async def test_the_bus_leaves_no_task_behind_when_it_had_to_cancel(bus: Bus) -> None:
    """Turned red by: `_cancel_workers` cancelling nobody."""
    before = asyncio.all_tasks()
    for symbol in "ABC":
        await full_queue(bus, symbol=symbol)
    await bus.aclose(timeout_s=0)
    await turns(2)
    assert asyncio.all_tasks() == before


async def test_aclose_twice_is_fine(bus: Bus) -> None:
    """Turned red by: refusing to close a closed bus."""
    await bus.aclose()
    await bus.aclose()
    await bus.aclose(timeout_s=0)


async def test_several_may_close_at_once(bus: Bus) -> None:
    """Turned red by: a second `aclose` that returns before the bus is closed."""
    gate, _ = await full_queue(bus)
    closing = [asyncio.create_task(bus.aclose()) for _ in range(3)]
    await turns()
    assert [task.done() for task in closing] == [False] * 3
    gate.open()
    await asyncio.gather(*closing)
    assert gate.finished == [0, 1]


async def test_a_second_aclose_may_bring_a_shorter_timeout(bus: Bus) -> None:
    """Turned red by: a second `aclose` that waits for the first, whatever its timeout."""
    _, sid = await full_queue(bus)
    patient = asyncio.create_task(bus.aclose())
    await turns()
    await bus.aclose(timeout_s=0)
    await asyncio.wait_for(patient, PATIENCE_S)
    assert dropped(bus.statistics().subscriptions[sid]) == {"closed": 1, "cancelled": 1}


async def test_a_cancelled_aclose_leaves_a_bus_that_can_be_closed(bus: Bus) -> None:
    """Turned red by: an `aclose` that returns at once where another has begun."""
    gate, _ = await full_queue(bus)
    closing = asyncio.create_task(bus.aclose())
    await turns()
    closing.cancel()
    await asyncio.wait([closing])
    with pytest.raises(BusClosedError):
        bus.publish_nowait(tick(9))
    gate.open()
    await asyncio.wait_for(bus.aclose(), PATIENCE_S)
    assert gate.finished == [0, 1]


async def test_those_who_wait_for_room_get_a_bus_closed_error(bus: Bus) -> None:
    """Turned red by: letting them wait for a bus that takes nothing any more."""
    gate, sid = await full_queue(bus)
    waiting = [asyncio.create_task(bus.publish(tick(number))) for number in (2, 3)]
    await turns()
    closing = asyncio.create_task(bus.aclose())
    await asyncio.wait_for(asyncio.wait(waiting), PATIENCE_S)
    assert [type(task.exception()) for task in waiting] == [BusClosedError] * 2
    gate.open()
    await closing
    assert gate.finished == [0, 1]
    assert bus.statistics().subscriptions[sid].accepted == 2


async def test_a_task_that_a_handler_left_behind_may_close_the_bus(bus: Bus) -> None:
    """Turned red by: asking the context variable and not whether its handler still runs."""
    closing: list[asyncio.Task[None]] = []
    recorder = Recorder()

    async def handler(_event: BaseEvent) -> None:
        closing.append(asyncio.create_task(bus.aclose()))

    await bus.subscribe("tick", recorder)
    await bus.subscribe("tick", handler)
    await bus.publish(tick(1))
    await until(lambda: closing)
    await asyncio.wait_for(closing[0], PATIENCE_S)
    assert recorder.seen == [1]


async def test_error_events_still_flow_while_it_drains(bus: Bus) -> None:
    """Turned red by: `offer` refusing the bus's own events too while it is closing."""
    go_on = asyncio.Event()
    said: list[Any] = []

    async def handler(_event: BaseEvent) -> None:
        await go_on.wait()
        raise ValueError("last words")

    await bus.subscribe("tick", handler)
    await bus.subscribe(ErrorEvent, said.append)
    await bus.publish(tick(0))
    await turns()
    closing = asyncio.create_task(bus.aclose())
    await turns()
    go_on.set()
    await closing
    assert [error.message for error in said] == ["last words"]


async def test_a_closed_bus_still_answers(bus: Bus) -> None:
    """Turned red by: a `join` that refuses a closed bus."""
    sid = await bus.subscribe("tick", Recorder())
    await bus.publish(tick(1))
    await bus.aclose()
    assert bus.statistics().subscriptions[sid].handled == 1
    await bus.join()
    await bus.unsubscribe(sid)
    assert bus.statistics().retired.handled == 1


async def test_those_who_join_are_released_when_the_bus_is_closed_by_force(bus: Bus) -> None:
    """Turned red by: releasing those who join only when an event was handled."""
    await full_queue(bus)
    joining = asyncio.create_task(bus.join())
    await turns()
    await bus.aclose(timeout_s=0)
    await asyncio.wait_for(joining, PATIENCE_S)


async def test_those_who_drain_a_subscription_are_released_when_the_bus_is_closed_by_force(bus: Bus) -> None:
    """Turned red by: releasing them only when an event was handled."""
    _, sid = await full_queue(bus)
    draining = asyncio.create_task(bus.unsubscribe(sid, drain=True))
    await turns()
    await bus.aclose(timeout_s=0)
    await asyncio.wait_for(draining, PATIENCE_S)


@pytest.mark.parametrize("wrong", [-1, float("nan"), float("inf")])
async def test_a_timeout_that_is_no_time_is_refused_and_nothing_is_closed(bus: Bus, wrong: float) -> None:
    """Turned red by: closing at once, or never, by such a timeout."""
    with pytest.raises(ValueError, match="timeout_s is"):
        await bus.aclose(timeout_s=wrong)
    await bus.publish(tick(1))


@pytest.mark.parametrize("wrong", ["1", True])
async def test_a_timeout_that_is_no_number_is_refused_and_nothing_is_closed(bus: Bus, wrong: Any) -> None:
    """Turned red by: taking whatever can be made a float."""
    with pytest.raises(TypeError, match="timeout_s is"):
        await bus.aclose(timeout_s=wrong)
    await bus.publish(tick(1))
