"""Gaps: `on_gap` is called in the worker, once a burst, with how many events were dropped and from which topics."""

import asyncio
from typing import Any

import pytest

from tests.support.doubles import Bus, Gate, Recorder, full_queue, number_of, tick, turns
from trading.events import BaseEvent


@pytest.mark.parametrize("overflow", ["drop_oldest", "drop_newest", "conflate"])
async def test_on_gap_is_called_once_a_burst_with_how_many_and_from_which_topics(bus: Bus, overflow: str) -> None:
    """Turned red by: `take_gap` telling of one event at a time."""
    gaps: list[Any] = []
    gate, _ = await full_queue(bus, overflow=overflow, on_gap=gaps.append)
    for number in (2, 3, 4):
        await bus.publish(tick(number))
    await turns()
    assert gaps == []
    gate.let_go()
    await gate.has_started(2)
    assert [(gap.count, dict(gap.topics)) for gap in gaps] == [(3, {"events.tick.binance.BTC/USDT": 3})]
    await bus.publish(tick(5))
    await bus.publish(tick(6))
    await turns()
    gate.open()
    await bus.join()
    assert [gap.count for gap in gaps] == [3, 1]


async def test_a_gap_tells_each_topic_apart(bus: Bus) -> None:
    """Turned red by: counting all under the topic of the last."""
    gaps: list[Any] = []
    gate = Gate()
    await bus.subscribe("tick", gate, capacity=2, overflow="drop_oldest", on_gap=gaps.append)
    await bus.publish(tick(0))
    await gate.has_started(1)
    for number, symbol in enumerate("AABCC"):
        await bus.publish(tick(number, symbol=symbol))
    await turns()
    gate.open()
    await bus.join()
    assert [dict(gap.topics) for gap in gaps] == [{"events.tick.binance.A": 2, "events.tick.binance.B": 1}]


async def test_on_gap_comes_before_the_next_event(bus: Bus) -> None:
    """Turned red by: calling `on_gap` when the queue is empty again."""
    story: list[Any] = []
    go_on = asyncio.Event()

    async def handler(event: BaseEvent) -> None:
        story.append(number_of(event))
        if number_of(event) == 0:
            await go_on.wait()

    await bus.subscribe("tick", handler, capacity=1, overflow="drop_oldest", on_gap=lambda gap: story.append("gap"))
    await bus.publish(tick(0))
    await turns()
    await bus.publish(tick(1))
    await bus.publish(tick(2))
    await turns()
    go_on.set()
    await bus.join()
    await bus.publish(tick(3))
    await bus.join()
    assert story == [0, "gap", 2, 3]


async def test_on_gap_may_be_async_and_the_next_event_waits_for_it(bus: Bus) -> None:
    """Turned red by: not driving what `on_gap` returned."""
    story: list[str] = []
    gate = Gate()
    resynchronized = asyncio.Event()

    async def resynchronize(_gap: Any) -> None:
        story.append("begins")
        await resynchronized.wait()
        story.append("ends")

    await bus.subscribe("tick", gate, capacity=1, overflow="drop_oldest", on_gap=resynchronize)
    await bus.publish(tick(0))
    await gate.has_started(1)
    await bus.publish(tick(1))
    await bus.publish(tick(2))
    await turns()
    gate.open()
    await turns()
    assert (story, gate.started) == (["begins"], [0])
    resynchronized.set()
    await bus.join()
    assert (story, gate.started) == (["begins", "ends"], [0, 2])


async def test_on_gap_runs_in_the_task_that_handles_the_next_event(bus: Bus) -> None:
    """Turned red by: calling `on_gap` by `call_soon`."""
    tasks: list[Any] = []
    go_on = asyncio.Event()

    async def handler(event: BaseEvent) -> None:
        tasks.append(asyncio.current_task())
        await go_on.wait()

    def note(_gap: Any) -> None:
        tasks.append(asyncio.current_task())

    await bus.subscribe("tick", handler, capacity=1, overflow="drop_newest", on_gap=note)
    await bus.publish(tick(0))
    await turns()
    await bus.publish(tick(1))
    await bus.publish(tick(2))
    await turns()
    go_on.set()
    await bus.join()
    assert len(tasks) == 3
    assert None not in tasks
    assert tasks[1] is tasks[2]


async def test_on_gap_that_raises_costs_no_event_and_is_reported(make_bus: Any) -> None:
    """Turned red by: letting its exception end the worker."""
    failures: list[Any] = []
    bus = await make_bus(on_error=failures.append)

    def broken(_gap: Any) -> None:
        raise ValueError("no way to resynchronize")

    gate, sid = await full_queue(bus, overflow="drop_oldest", on_gap=broken)
    await bus.publish(tick(2))
    await turns()
    gate.open()
    await bus.join()
    assert gate.finished == [0, 2]
    assert [(failure.phase, failure.sid, str(failure.error)) for failure in failures] == [
        ("on_gap", sid, "no way to resynchronize")
    ]


async def test_there_is_no_gap_where_nothing_was_dropped(bus: Bus) -> None:
    """Turned red by: calling `on_gap` with a count of 0."""
    gaps: list[Any] = []
    await bus.subscribe("tick", Recorder(), capacity=5, overflow="drop_oldest", on_gap=gaps.append)
    for number in range(5):
        await bus.publish(tick(number))
    await bus.join()
    assert gaps == []


async def test_a_gap_is_a_frozen_record(bus: Bus) -> None:
    """Turned red by: handing out the mutable counter itself."""
    gaps: list[Any] = []
    gate, _ = await full_queue(bus, overflow="drop_newest", on_gap=gaps.append)
    await bus.publish(tick(2))
    await turns()
    gate.open()
    await bus.join()
    with pytest.raises((AttributeError, TypeError)):
        gaps[0].count = 0
    with pytest.raises(TypeError):
        gaps[0].topics["x"] = 1
