"""RedisEventBus in streams mode where events come faster than they are handled: what waits, where, and for whom."""

import asyncio

import pytest

from tests.events.conftest import MakeBus
from tests.support.doubles import Gate, Recorder, tick, ticks, until

GROUPS = pytest.mark.parametrize("group", [None, "g"], ids=["alone", "group"])


@GROUPS
async def test_a_slow_handler_leaves_the_rest_at_the_server(make_stream_bus: MakeBus, group: str | None) -> None:
    """Turned red by: reading on whatever is in flight."""
    publisher = await make_stream_bus()
    bus = await make_stream_bus(group=group, max_in_flight=500)
    gate = Gate()
    sid = await bus.subscribe("tick", gate)
    await publisher.publish_batch(ticks(range(20_000)))
    await gate.has_started(1)
    for _ in range(100):
        await asyncio.sleep(0)
    assert bus.statistics().subscriptions[sid].waiting <= 500 + 64 * 256
    gate.open()
    await until(lambda: len(gate.finished) == 20_000)
    assert gate.finished == list(range(20_000))


@GROUPS
async def test_flush_waits_for_no_handler_where_as_much_is_in_flight_as_may_be(
    make_stream_bus: MakeBus, group: str | None
) -> None:
    """Turned red by: `StreamReader.reach` waiting without room too."""
    bus = await make_stream_bus(group=group, max_in_flight=2)
    gate = Gate()
    await bus.subscribe("tick", gate)
    for number in range(10):
        await bus.publish(tick(number))
        await bus.flush()
    assert len(gate.started) == 1
    gate.open()
    await bus.join()
    assert gate.finished == list(range(10))


@GROUPS
async def test_flush_waits_for_no_handler_whose_queue_is_full(make_stream_bus: MakeBus, group: str | None) -> None:
    """Turned red by: `RemoteBus._has_room` not asking who waits for room."""
    bus = await make_stream_bus(group=group)
    gate = Gate()
    await bus.subscribe("tick", gate, capacity=1)
    for number in range(5):
        await bus.publish_batch(ticks([2 * number, 2 * number + 1]))
        await bus.flush()
    assert len(gate.started) == 1
    gate.open()
    await bus.join()
    assert gate.finished == list(range(10))


async def test_a_handler_that_has_stopped_holds_no_other_up_while_there_is_room(make_stream_bus: MakeBus) -> None:
    """Turned red by: reading on only when nothing at all is in flight any more."""
    bus = await make_stream_bus(max_in_flight=10)
    gate, recorder = Gate(), Recorder()
    await bus.subscribe("events.tick.*.SLOW", gate)
    await bus.subscribe("events.tick.*.QUICK", recorder)
    await bus.publish(tick(0, symbol="SLOW"))
    for _ in range(3):
        await bus.publish_batch(ticks(range(30), symbol="QUICK"))
    await until(lambda: len(recorder.seen) == 90)
    assert gate.finished == []
    gate.open()
    await bus.join()
