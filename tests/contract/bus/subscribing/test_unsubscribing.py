"""Unsubscribe: after it the handler is not called again."""

import asyncio

import pytest

from tests.support.doubles import Bus, Recorder, dropped, full_queue, tick, ticks, turns
from tests.support.patience import PATIENCE_S
from trading.events.errors import SubscriptionNotFoundError


async def test_after_unsubscribe_the_handler_is_not_called_again(bus: Bus) -> None:
    """Turned red by: handling what still waits in the queue."""
    recorder = Recorder()
    sid = await bus.subscribe("tick", recorder)
    await bus.publish(tick(1))
    await bus.join()
    await bus.publish(tick(2))
    await bus.unsubscribe(sid)
    await bus.publish(tick(3))
    await bus.join()
    await turns()
    assert recorder.seen == [1]


async def test_waiting_events_are_counted_as_unsubscribed(bus: Bus) -> None:
    """Turned red by: forgetting the queue without counting."""
    gate, sid = await full_queue(bus, capacity=3)
    await bus.unsubscribe(sid)
    statistics = bus.statistics()
    assert sid not in statistics.subscriptions
    assert (statistics.retired.accepted, statistics.retired.waiting, statistics.retired.sid) == (4, 1, "")
    assert statistics.waiting == 1
    gate.open()
    await bus.join()
    assert gate.finished == [0]
    retired = bus.statistics().retired
    assert dropped(retired) == {"unsubscribed": 3}
    assert (retired.accepted, retired.handled, retired.waiting) == (4, 1, 0)


async def test_the_call_in_progress_goes_on_to_its_end(bus: Bus) -> None:
    """Turned red by: cancelling the running handler, or waiting for it."""
    gate, sid = await full_queue(bus)
    await asyncio.wait_for(bus.unsubscribe(sid), PATIENCE_S)
    assert gate.finished == []
    gate.let_go()
    await bus.join()
    assert gate.finished == [0]


async def test_with_drain_waiting_events_are_handled_first(bus: Bus) -> None:
    """Turned red by: ignoring `drain`."""
    gate, sid = await full_queue(bus, capacity=3)
    draining = asyncio.create_task(bus.unsubscribe(sid, drain=True))
    await turns()
    assert not draining.done()
    await bus.publish(tick(9))
    await turns()
    gate.open()
    await draining
    assert gate.finished == [0, 1, 2, 3]
    retired = bus.statistics().retired
    assert (retired.handled, dropped(retired)) == (4, {})
    assert sid not in bus.statistics().subscriptions


async def test_a_draining_unsubscribe_waits_for_the_last_handler(bus: Bus) -> None:
    """Turned red by: draining until the queue is empty, whatever the handler does."""
    gate, sid = await full_queue(bus)
    draining = asyncio.create_task(bus.unsubscribe(sid, drain=True))
    await turns()
    gate.let_go()
    await gate.has_started(2)
    await turns()
    assert not draining.done()
    gate.let_go()
    await draining
    assert gate.finished == [0, 1]


async def test_a_draining_unsubscribe_of_an_idle_subscription_returns_at_once(bus: Bus) -> None:
    """Turned red by: waiting for an event that never ends."""
    sid = await bus.subscribe("tick", Recorder())
    await asyncio.wait_for(bus.unsubscribe(sid, drain=True), PATIENCE_S)
    assert dict(bus.statistics().subscriptions) == {}


async def test_unsubscribing_twice_is_fine(bus: Bus) -> None:
    """Turned red by: taking an id that has ended for one that was never given out."""
    sid = await bus.subscribe("tick", Recorder())
    await bus.unsubscribe(sid)
    await bus.unsubscribe(sid)
    await bus.unsubscribe(sid, drain=True)


@pytest.mark.parametrize("wrong", ["", "nonsense", "-1", "999999", "sub-999999", "1.0", " 1"])
async def test_an_id_that_was_never_given_out_is_not_found(bus: Bus, wrong: str) -> None:
    """Turned red by: ignoring an unknown id."""
    await bus.subscribe("tick", Recorder())
    with pytest.raises(SubscriptionNotFoundError):
        await bus.unsubscribe(wrong)


async def test_an_id_of_another_bus_is_not_found(bus: Bus, make_bus: object) -> None:
    """Turned red by: ids that are counted from 1 in each bus."""
    other = await make_bus()
    sid = await other.subscribe("tick", Recorder())
    await bus.subscribe("tick", Recorder())
    with pytest.raises(LookupError):
        await bus.unsubscribe(sid)


async def test_others_go_on(bus: Bus) -> None:
    """Turned red by: removing the whole leaf of the trie."""
    recorders = [Recorder() for _ in range(3)]
    sids = [await bus.subscribe("tick", recorder) for recorder in recorders]
    await bus.unsubscribe(sids[1])
    await bus.publish(tick(1))
    await bus.join()
    assert [recorder.seen for recorder in recorders] == [[1], [], [1]]


async def test_one_may_subscribe_again(bus: Bus) -> None:
    """Turned red by: giving an id out twice."""
    recorder = Recorder()
    first = await bus.subscribe("tick", recorder)
    await bus.unsubscribe(first)
    second = await bus.subscribe("tick", recorder)
    assert second != first
    await bus.unsubscribe(first)
    await bus.publish_batch(ticks([1, 2]))
    await bus.join()
    assert recorder.seen == [1, 2]


async def test_the_retired_account_adds_up_over_all_that_left(bus: Bus) -> None:
    """Turned red by: keeping the last one's account only."""
    for round_ in range(3):
        sid = await bus.subscribe("tick", Recorder())
        await bus.publish_batch(ticks(range(round_ + 1)))
        await bus.join()
        await bus.unsubscribe(sid)
    retired = bus.statistics().retired
    assert (retired.accepted, retired.handled) == (6, 6)
