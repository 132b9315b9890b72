"""Batches: event by event, in order; an interrupted batch has reached a prefix, and the error says its length."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.support.doubles import Bus, Recorder, full_queue, tick, ticks, turns
from trading.events import BaseEvent
from trading.events.errors import BusClosedError, NotAnEventError, QueueFullError


def assert_says(error: BaseException, published: int) -> None:
    """The error tells, to a program and to a reader, how long a prefix of the batch was accepted."""
    assert error.published == published
    assert any(str(published) in note for note in error.__notes__)


async def test_a_batch_that_waits_has_published_what_had_room(bus: Bus) -> None:
    """Turned red by: answering with the finished object where an event has to wait."""
    gate, sid = await full_queue(bus, capacity=3)
    gate.let_go(2)
    await gate.has_started(3)
    batch = asyncio.create_task(bus.publish_batch(ticks([4, 5, 6])))
    await turns()
    assert not batch.done()
    assert bus.statistics().subscriptions[sid].queued == 3
    gate.open()
    await batch
    await bus.join()
    assert gate.finished == [0, 1, 2, 3, 4, 5, 6]


async def test_a_cancelled_batch_says_how_much_of_it_was_published(bus: Bus) -> None:
    """Turned red by: `Work.stop` leaving `published` off the error of a batch."""
    gate, _ = await full_queue(bus, capacity=3)
    gate.let_go(2)
    await gate.has_started(3)
    caught: list[BaseException] = []

    async def publish() -> None:
        try:
            await bus.publish_batch(ticks([4, 5, 6, 7]))
        except asyncio.CancelledError as error:
            caught.append(error)
            raise

    publisher = asyncio.create_task(publish())
    await turns()
    publisher.cancel()
    with pytest.raises(asyncio.CancelledError):
        await publisher
    assert_says(caught[0], 2)
    gate.open()
    await bus.join()
    assert gate.finished == [0, 1, 2, 3, 4, 5]


async def test_a_batch_with_something_that_is_no_event_says_how_much_of_it_was_published(bus: Bus) -> None:
    """Turned red by: looking at all the events before the first is published."""
    recorder = Recorder()
    await bus.subscribe("tick", recorder)
    with pytest.raises(NotAnEventError) as caught:
        await bus.publish_batch([tick(1), tick(2), None, tick(3)])
    assert_says(caught.value, 2)
    await bus.join()
    assert recorder.seen == [1, 2]


async def test_a_batch_that_meets_a_full_raise_queue_says_how_much_of_it_was_published(bus: Bus) -> None:
    """Turned red by: `offer_batch` leaving `published` off a QueueFullError."""
    gate, _ = await full_queue(bus, symbol="FULL", overflow="raise")
    recorder = Recorder()
    await bus.subscribe("tick", recorder)
    with pytest.raises(QueueFullError) as caught:
        await bus.publish_batch([tick(1), tick(2), tick(3), tick(4, symbol="FULL"), tick(5)])
    assert_says(caught.value, 3)
    gate.open()
    await bus.join()
    assert recorder.seen == [1, 2, 3]


async def test_a_batch_whose_iterator_fails_says_how_much_of_it_was_published(bus: Bus) -> None:
    """Turned red by: reading the whole iterator into a list first."""
    recorder = Recorder()
    await bus.subscribe("tick", recorder)

    def torn() -> Iterator[BaseEvent]:
        yield tick(1)
        raise OSError("the file ends here")

    with pytest.raises(OSError, match="the file ends here") as caught:
        await bus.publish_batch(torn())
    assert_says(caught.value, 1)
    await bus.join()
    assert recorder.seen == [1]


async def test_a_batch_that_was_waiting_when_the_bus_closed_says_how_much_of_it_was_published(bus: Bus) -> None:
    """Turned red by: `Batch.step` leaving `published` off a BusClosedError."""
    gate, _ = await full_queue(bus, capacity=2)
    gate.let_go()
    await gate.has_started(2)
    publisher = asyncio.create_task(bus.publish_batch(ticks([3, 4, 5])))
    await turns()
    closing = asyncio.create_task(bus.aclose())
    await turns()
    with pytest.raises(BusClosedError) as caught:
        await publisher
    assert_says(caught.value, 1)
    gate.open()
    await closing
    assert gate.finished == [0, 1, 2, 3]


async def test_a_batch_on_a_closed_bus_says_that_none_of_it_was_published(bus: Bus) -> None:
    """Turned red by: `offer_batch` leaving `published` off an error that is raised at the call."""
    await bus.aclose()
    with pytest.raises(BusClosedError) as caught:
        await bus.publish_batch(ticks([1, 2]))
    assert_says(caught.value, 0)


async def test_other_publishers_may_come_in_between(bus: Bus) -> None:
    """Turned red by: a batch whose events go past the line once its first has stood in it."""
    gate, _ = await full_queue(bus)
    batch = asyncio.create_task(bus.publish_batch(ticks([10, 11])))
    await turns()
    single = asyncio.create_task(bus.publish(tick(20)))
    await turns()
    gate.open()
    await asyncio.gather(batch, single)
    await bus.join()
    assert gate.finished == [0, 1, 10, 20, 11]
