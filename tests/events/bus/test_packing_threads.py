"""A thread that publishes faster than the loop gets its turns: it lets the loop go on, rather than pack in vain."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Sequence

from tests.support.doubles import ticks, until
from trading.events import BaseEvent, InMemoryEventBus

UNPACKED = 8


def publisher(bus: InMemoryEventBus, events: Sequence[BaseEvent]) -> Callable[[], None]:
    def publish() -> None:
        for event in events:
            bus.publish_nowait(event)

    return publish


def publish_elsewhere(bus: InMemoryEventBus, events: Sequence[BaseEvent]) -> None:
    """Publishes in another thread, while the loop stands still."""
    thread = threading.Thread(target=publisher(bus, events))
    thread.start()
    thread.join()


def are_kept(heard: Sequence[BaseEvent], published: Sequence[BaseEvent]) -> list[bool]:
    """Which events were handled as they went in; the others are equal to what went in."""
    assert list(heard) == list(published)
    return [actual is expected for actual, expected in zip(heard, published, strict=True)]


async def test_what_waits_only_for_the_loop_is_not_packed_until_it_is_a_quarter_too_many() -> None:
    """Turned red by: packing at once whoever publishes; never packing in a thread."""
    heard: list[BaseEvent] = []
    events = ticks(range(16))
    async with InMemoryEventBus() as bus:
        bus._pack_beyond(UNPACKED)
        await bus.subscribe("tick", heard.append)
        publish_elsewhere(bus, events)
    assert are_kept(heard, events) == [True] * (UNPACKED + UNPACKED // 4) + [False] * 6


async def test_what_the_loop_s_own_thread_publishes_is_packed_at_once() -> None:
    """Turned red by: `is_outrun` not asking for the thread."""
    heard: list[BaseEvent] = []
    events = ticks(range(16))
    async with InMemoryEventBus() as bus:
        bus._pack_beyond(UNPACKED)
        await bus.subscribe("tick", heard.append)
        publisher(bus, events)()
    assert are_kept(heard, events) == [True] * UNPACKED + [False] * 8


async def test_what_waits_for_a_suspended_handler_is_packed_at_once() -> None:
    """Turned red by: `comes_soon` not asking for the handler."""
    heard: list[BaseEvent] = []
    go_on = asyncio.Event()

    async def handler(event: BaseEvent) -> None:
        heard.append(event)
        await go_on.wait()

    events = ticks(range(17))
    async with InMemoryEventBus() as bus:
        bus._pack_beyond(UNPACKED)
        await bus.subscribe("tick", handler)
        await bus.publish(events[0])
        await until(lambda: len(heard) == 1)
        publish_elsewhere(bus, events[1:])
        go_on.set()
    assert are_kept(heard, events) == [True] * (1 + UNPACKED) + [False] * 8


async def test_what_a_history_keeps_is_packed_at_once() -> None:
    """Turned red by: a history that comes soon."""
    heard: list[BaseEvent] = []
    events = ticks(range(3))
    async with InMemoryEventBus(history=3) as bus:
        bus._pack_beyond(UNPACKED)
        await bus.subscribe("tick", heard.append)
        publish_elsewhere(bus, events)
        assert are_kept(bus.history.query(), events) == [False] * 3
    assert are_kept(heard, events) == [True] * 3


async def test_threads_that_outrun_a_free_loop_lose_nothing_and_keep_their_order() -> None:
    """Turned red by: a new event passing the rows that wait."""
    heard: list[BaseEvent] = []
    batches = [ticks(range(first, first + 500)) for first in range(0, 2_000, 500)]
    async with InMemoryEventBus() as bus:
        bus._pack_beyond(2)
        await bus.subscribe("tick", heard.append)
        with concurrent.futures.ThreadPoolExecutor(len(batches)) as threads:
            loop = asyncio.get_running_loop()
            await asyncio.gather(*(loop.run_in_executor(threads, publisher(bus, batch)) for batch in batches))
    assert len(heard) == 2_000
    for batch in batches:
        mine = {event.event_id for event in batch}
        assert [event for event in heard if event.event_id in mine] == batch
