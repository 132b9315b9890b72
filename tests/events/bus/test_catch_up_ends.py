"""Subscriptions that catch up with a store: the pace of reading, how they end, and stores that cannot be read."""

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from tests.events.bus.memory_store import MemoryReader, MemoryWriter, holding
from tests.support.doubles import assert_balanced, turns, until
from tests.support.recording import START, record, tick, ticks
from trading.events import (
    BaseEvent,
    ErrorEvent,
    HandlerFailure,
    InMemoryEventBus,
    SubscriptionNotFoundError,
)
from trading.events.errors import CorruptFileError, NoHistoryError, ReentrancyError, StoreError, UnreadableFileWarning
from trading.events.persistence import EventReader


async def test_the_store_is_read_no_faster_than_the_handler_takes_it(bus: InMemoryEventBus) -> None:
    """Turned red by: putting everything ahead at once."""
    reader = MemoryReader(holding(*ticks(20_000)), chunk=1_000)
    handled = 0
    passes = asyncio.Semaphore(0)

    async def handle(event: BaseEvent) -> None:
        nonlocal handled
        await passes.acquire()
        handled += 1

    sid = await bus.subscribe("tick", handle, start=START, store=reader)
    await until(lambda: bus.statistics().subscriptions[sid].queued > 4_096)
    await turns()
    assert reader.given <= 7_000
    for _ in range(20_000):
        passes.release()
    await bus.caught_up(sid)
    assert (handled, reader.given) == (20_000, 20_000)
    assert bus.statistics().subscriptions[sid].high_water <= 6_000


async def test_a_full_queue_lets_publishers_wait_until_the_store_has_been_read(bus: InMemoryEventBus) -> None:
    writer = MemoryWriter(is_held_up=True)
    await bus.subscribe("*", writer.write_event)
    await bus.publish(tick(0))
    heard: list[BaseEvent] = []
    await bus.subscribe("tick", heard.append, start=START, store=MemoryReader(writer), capacity=2)
    publishing = asyncio.create_task(bus.publish_batch(ticks(6)[1:]))
    await until(lambda: bus.statistics().publishers_waiting)
    writer.open()
    await publishing
    await bus.join()
    assert heard == ticks(6)


async def test_inline_delivery_begins_when_the_store_has_been_read(bus: InMemoryEventBus) -> None:
    heard: list[BaseEvent] = []
    sid = await bus.subscribe(
        "tick", heard.append, start=START, store=MemoryReader(holding(tick(0))), delivery="inline"
    )
    bus.publish_nowait(tick(1))
    assert heard == []
    await bus.caught_up(sid)
    await bus.join()
    bus.publish_nowait(tick(2))
    assert heard == ticks(3)


async def test_a_handler_may_end_its_own_subscription_while_the_store_is_read(bus: InMemoryEventBus) -> None:
    reader = MemoryReader(holding(*ticks(20_000)), chunk=1_000)
    heard: list[str] = []

    async def handle(event: BaseEvent) -> None:
        heard.append(event.event_id)
        if len(heard) == 3:
            await bus.unsubscribe(sid)

    sid = await bus.subscribe("tick", handle, start=START, store=reader)
    with pytest.raises(SubscriptionNotFoundError, match="before it had caught up"):
        await bus.caught_up(sid)
    await bus.publish(tick(3))
    await bus.join()
    assert (len(heard), reader.is_open) == (3, False)
    assert reader.given < 20_000


async def test_a_subscription_may_end_before_the_store_is_read(bus: InMemoryEventBus) -> None:
    """Turned red by: forgetting a backfill only where it has begun."""
    reader = MemoryReader(holding(tick(0)))
    sid = await bus.subscribe("tick", print, start=START, store=reader)
    await bus.unsubscribe(sid)
    with pytest.raises(SubscriptionNotFoundError):
        await bus.caught_up(sid)
    await bus.join()
    assert reader.given == 0


async def test_a_subscription_that_is_drained_is_given_all_first(bus: InMemoryEventBus) -> None:
    heard: list[BaseEvent] = []
    sid = await bus.subscribe("tick", heard.append, start=START, store=MemoryReader(holding(*ticks(10))))
    await bus.publish(tick(10))
    await bus.unsubscribe(sid, drain=True)
    assert heard == ticks(11)


async def test_a_bus_that_closes_gives_all_first() -> None:
    bus = InMemoryEventBus()
    heard: list[BaseEvent] = []
    await bus.subscribe("tick", heard.append, start=START, store=MemoryReader(holding(*ticks(10))))
    await bus.publish(tick(10))
    await bus.aclose()
    assert heard == ticks(11)


async def test_a_bus_that_closes_by_force_gives_up_reading_and_counts_what_waits() -> None:
    bus = InMemoryEventBus()
    reader = MemoryReader(holding(*ticks(20_000)), chunk=1_000)
    started = asyncio.Event()

    async def handle(event: BaseEvent) -> None:
        started.set()
        await asyncio.Event().wait()

    sid = await bus.subscribe("tick", handle, start=START, store=reader)
    await started.wait()
    await bus.publish(tick(0))
    await bus.aclose(timeout_s=0)
    assert not reader.is_open
    assert reader.given < 20_000
    assert bus.statistics().subscriptions[sid].dropped["closed"] >= 1
    assert_balanced(bus)


async def test_who_waits_for_a_subscription_to_catch_up_may_give_up(bus: InMemoryEventBus) -> None:
    writer = MemoryWriter(is_held_up=True)
    await bus.subscribe("*", writer.write_event)
    await bus.publish(tick(0))
    heard: list[BaseEvent] = []
    sid = await bus.subscribe("tick", heard.append, start=START, store=MemoryReader(writer))
    waiting = asyncio.create_task(bus.caught_up(sid))
    await turns()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    writer.open()
    await bus.caught_up(sid)
    assert heard == [tick(0)]


async def test_a_subscription_without_a_store_has_caught_up(bus: InMemoryEventBus) -> None:
    sid = await bus.subscribe("tick", print)
    await bus.caught_up(sid)


async def test_a_handler_cannot_wait_for_a_subscription_to_catch_up(bus: InMemoryEventBus) -> None:
    errors: list[HandlerFailure] = []
    bus._on_error = errors.append
    sid = await bus.subscribe("tick", lambda event: bus.caught_up(sid))
    await bus.publish(tick(0))
    await bus.join()
    assert isinstance(errors[0].error, ReentrancyError)


async def broken(bus: InMemoryEventBus, reader: Any) -> tuple[list[BaseEvent], str, list[BaseEvent]]:
    """What a subscription to a broken store has heard, its id, and the ErrorEvents."""
    heard: list[BaseEvent] = []
    told: list[BaseEvent] = []

    async def handle(event: BaseEvent) -> None:
        await until(lambda: not (isinstance(reader, MemoryReader) and reader.is_open))
        await turns(50)
        heard.append(event)

    await bus.subscribe(ErrorEvent, told.append)
    sid = await bus.subscribe("tick", handle, start=START, store=reader, name="strategy")
    await bus.publish(tick(9))
    return heard, sid, told


async def test_where_a_store_cannot_be_read_the_subscription_ends_and_everybody_is_told(
    bus: InMemoryEventBus, caplog: pytest.LogCaptureFixture
) -> None:
    """Turned red by: going live behind the gap."""
    failures: list[HandlerFailure] = []
    bus._on_error = failures.append
    reader = MemoryReader(holding(*ticks(3)), error=StoreError("no such luck"))
    with caplog.at_level(logging.ERROR):
        heard, sid, told = await broken(bus, reader)
        with pytest.raises(StoreError, match="no such luck"):
            await bus.caught_up(sid)
    await bus.join()
    assert heard == ticks(3)
    assert sid not in bus.statistics().subscriptions
    assert [(failure.phase, failure.sid, failure.subscription) for failure in failures] == [("store", sid, "strategy")]
    assert "no such luck" in told[0].message
    assert "the store of subscription strategy failed on recorded events" in caplog.text
    with pytest.raises(StoreError):
        await bus.caught_up(sid)


async def test_a_writer_that_cannot_flush_is_an_error_too(bus: InMemoryEventBus) -> None:
    writer = MemoryWriter()
    writer.error = StoreError("the disk is full")
    await bus.subscribe("*", writer.write_event)
    _, sid, _ = await broken(bus, MemoryReader(writer))
    with pytest.raises(StoreError, match="the disk is full"):
        await bus.caught_up(sid)


def damaged_store(folder: Path) -> Path:
    """A store of two files, and the one that cannot be read."""
    record(folder, [tick(0, symbol="A"), tick(1, symbol="B")])
    [file] = folder.rglob("tick_*_A.parquet")
    file.write_bytes(b"PAR1 nothing PAR1")
    return file


async def test_an_unreadable_file_is_named_and_what_can_be_read_is_given(bus: InMemoryEventBus, tmp_path: Path) -> None:
    file = await asyncio.to_thread(damaged_store, tmp_path)
    heard, sid, _ = await broken(bus, EventReader(tmp_path))
    with pytest.raises(CorruptFileError) as caught:
        await bus.caught_up(sid)
    assert caught.value.path == file
    assert heard == [tick(1, symbol="B")]


async def test_with_a_reader_that_warns_a_subscription_goes_live(bus: InMemoryEventBus, tmp_path: Path) -> None:
    await asyncio.to_thread(damaged_store, tmp_path)
    heard, sid, _ = await broken(bus, EventReader(tmp_path, on_error="warn"))
    with pytest.warns(UnreadableFileWarning, match=r"_A\.parquet"):
        await bus.caught_up(sid)
    await bus.join()
    assert heard == [tick(1, symbol="B"), tick(9)]


async def test_a_stream_may_begin_with_a_store(bus: InMemoryEventBus) -> None:
    async with bus.stream("tick", start=START, store=MemoryReader(holding(*ticks(3)))) as stream:
        await bus.publish(tick(3))
        heard = [await anext(stream) for _ in range(4)]
    assert heard == ticks(4)


async def test_what_makes_no_sense_is_refused_before_anything_happens(bus: InMemoryEventBus) -> None:
    reader = MemoryReader(holding())
    subscribe: Any = bus.subscribe
    for overflow in ("drop_oldest", "drop_newest", "conflate"):
        with pytest.raises(ValueError, match="no gap"):
            await subscribe("tick", print, start=START, store=reader, overflow=overflow)
    for start in ("new", "history", "last_per_topic"):
        with pytest.raises(TypeError, match="datetime"):
            await subscribe("tick", print, start=start, store=reader)
    with pytest.raises(TypeError, match="reader"):
        await subscribe("tick", print, start=START, store="data/events")
    with pytest.raises(TypeError):
        await subscribe(7, print, start=START, store=reader)
    with pytest.raises(NoHistoryError, match="store"):
        await subscribe("tick", print, start=START)
    assert not bus.statistics().subscriptions
