"""Live hand-over: a subscription that begins with what a store has, and goes on with what comes."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.events.bus.memory_store import MemoryReader, MemoryWriter
from tests.support.classes.samples import sample
from tests.support.doubles import assert_balanced, turns, until
from tests.support.recording import START, record, tick, ticks
from trading.events import (
    BaseEvent,
    ErrorEvent,
    HandlerFailure,
    InMemoryEventBus,
    MarketDataEvent,
    SubscriptionNotFoundError,
    TradeEvent,
    symbol_filter,
)
from trading.events.errors import CorruptFileError, NoHistoryError, ReentrancyError, StoreError, UnreadableFileWarning
from trading.events.persistence import EventReader, ParquetEventWriter


@pytest.fixture
async def bus() -> AsyncIterator[InMemoryEventBus]:
    bus = InMemoryEventBus()
    yield bus
    assert_balanced(bus)
    await bus.aclose(timeout_s=5)


def ids(events: list[Any]) -> list[str]:
    return [event.event_id for event in events]


def holding(*events: BaseEvent) -> MemoryWriter:
    writer = MemoryWriter()
    writer.events += events
    return writer


async def heard_of(bus: InMemoryEventBus, what: Any, reader: MemoryReader, condition: Any = None) -> list[str]:
    """What a subscription is given of a store."""
    heard: list[BaseEvent] = []
    sid = await bus.subscribe(what, heard.append, condition, start=START, store=reader)
    await bus.caught_up(sid)
    await bus.unsubscribe(sid)
    return ids(heard)


async def test_a_subscription_is_given_what_is_recorded_since_a_moment_and_then_what_comes(
    bus: InMemoryEventBus,
) -> None:
    reader = MemoryReader(holding(*ticks(10)))
    heard: list[BaseEvent] = []
    sid = await bus.subscribe("tick", heard.append, start=START + timedelta(seconds=4), store=reader)
    await bus.publish(tick(10))
    await bus.caught_up(sid)
    await bus.publish(tick(11))
    await bus.join()
    assert heard == ticks(12)[4:]


async def test_earlier_events_come_by_timestamp_and_live_ones_as_they_were_accepted(bus: InMemoryEventBus) -> None:
    writer = holding(tick(3), tick(1), tick(2))
    heard: list[BaseEvent] = []
    await bus.subscribe("tick", heard.append, start=START, store=MemoryReader(writer))
    await bus.publish_batch([tick(5), tick(4), tick(0)])
    await bus.join()
    assert ids(heard) == [f"tick-{number}" for number in (1, 2, 3, 5, 4, 0)]


async def test_patterns_classes_and_filters_of_either_kind_choose_among_recorded_events(bus: InMemoryEventBus) -> None:
    trade = sample(TradeEvent, event_id="trade", timestamp=START, symbol="A")
    reader = MemoryReader(holding(tick(0, symbol="A"), tick(1, symbol="B"), trade))
    assert await heard_of(bus, "tick", reader) == ["tick-0", "tick-1"]
    assert await heard_of(bus, "events.*.*.A", reader) == ["tick-0", "trade"]
    assert await heard_of(bus, MarketDataEvent, reader) == ["tick-0", "trade", "tick-1"]
    assert await heard_of(bus, "*", reader, symbol_filter("B")) == ["tick-1"]
    assert await heard_of(bus, "*", reader, lambda event: event.event_id == "trade") == ["trade"]
    assert await heard_of(bus, "*", reader, symbol_filter("A") & (lambda event: event.event_type == "tick")) == [
        "tick-0"
    ]


async def test_only_names_that_a_filter_lets_through_are_read(bus: InMemoryEventBus) -> None:
    reader = MemoryReader(holding(*ticks(5, symbol="A"), tick(9, symbol="B")))
    await heard_of(bus, "tick", reader, symbol_filter("B"))
    assert reader.given == 1


async def test_a_filter_is_asked_once_about_each_event(bus: InMemoryEventBus) -> None:
    asked: list[str] = []
    await heard_of(bus, "*", MemoryReader(holding(*ticks(4))), lambda event: asked.append(event.event_id))
    assert asked == [f"tick-{number}" for number in range(4)]


async def test_a_filter_that_raises_lets_nothing_through_and_the_rest_goes_on(bus: InMemoryEventBus) -> None:
    heard: list[BaseEvent] = []
    sid = await bus.subscribe(
        "tick", heard.append, lambda event: 1 / event.bid, start=START, store=MemoryReader(holding(*ticks(3)))
    )
    await bus.caught_up(sid)
    assert ids(heard) == ["tick-1", "tick-2"]
    assert bus.statistics().subscriptions[sid].filter_failures == 1


async def test_what_waits_for_a_recorder_is_waited_for(bus: InMemoryEventBus) -> None:
    """Turned red by: reading the store at once."""
    writer = MemoryWriter(is_held_up=True)
    await bus.subscribe("*", writer.write_event)
    await bus.publish_batch(ticks(5))
    reader = MemoryReader(writer)
    heard: list[BaseEvent] = []
    sid = await bus.subscribe("tick", heard.append, start=START, store=reader)
    await bus.publish(tick(5))
    writer.let_pass(4)
    await turns()
    assert (heard, reader.given, writer.flushed) == ([], 0, 0)
    writer.let_pass(1)
    await bus.caught_up(sid)
    assert writer.flushed == 1
    writer.open()
    await bus.join()
    assert heard == ticks(6)


async def test_an_event_that_is_recorded_and_live_comes_once(bus: InMemoryEventBus) -> None:
    """Turned red by: not telling doubles at the seam."""
    writer = MemoryWriter()
    recording = await bus.subscribe("*", writer.write_event)
    await bus.publish_batch(ticks(3))
    heard: list[BaseEvent] = []
    bus._pack_beyond(2)
    await bus.subscribe("tick", heard.append, start=START, store=MemoryReader(writer))
    bus.publish_nowait(tick(3))
    await bus.publish_batch(ticks(8)[4:])
    await bus.unsubscribe(recording, drain=True)
    assert len(writer.events) == 8
    await bus.join()
    assert heard == ticks(8)


async def test_a_recorder_that_is_ending_is_waited_for_too(bus: InMemoryEventBus) -> None:
    writer = MemoryWriter(is_held_up=True)
    recording = await bus.subscribe("*", writer.write_event)
    await bus.publish(tick(0))
    await until(lambda: not bus.statistics().subscriptions[recording].queued)
    await bus.unsubscribe(recording)
    heard: list[BaseEvent] = []
    sid = await bus.subscribe("tick", heard.append, start=START, store=MemoryReader(writer))
    await turns()
    assert heard == []
    writer.open()
    await bus.caught_up(sid)
    assert heard == [tick(0)]
    assert not bus._catch_ups._recorders


async def test_a_recorder_of_another_store_is_not_waited_for(bus: InMemoryEventBus, tmp_path: Path) -> None:
    await asyncio.to_thread(record, tmp_path / "here", ticks(2))
    async with ParquetEventWriter(tmp_path / "there") as writer:
        await bus.subscribe("*", writer.write_event)
        other = MemoryWriter(is_held_up=True)
        await bus.subscribe("*", other.write_event)
        reader = EventReader(tmp_path / "here")
        assert not reader.is_written_by(writer)
        assert reader.is_written_by(other)
        assert EventReader(tmp_path / "there").is_written_by(writer)
        await bus.publish(tick(2))
        heard: list[BaseEvent] = []
        sid = await bus.subscribe("tick", heard.append, start=START, store=reader)
        other.open()
        await bus.caught_up(sid)
        await bus.join()
    assert heard == ticks(2)


async def test_a_writer_that_was_closed_has_stored_all(bus: InMemoryEventBus, tmp_path: Path) -> None:
    async with ParquetEventWriter(tmp_path) as writer:
        await bus.subscribe("*", writer.write_event)
        await bus.publish_batch(ticks(3))
        await bus.join()
    heard: list[BaseEvent] = []
    sid = await bus.subscribe("tick", heard.append, start=START, store=EventReader(tmp_path))
    await bus.caught_up(sid)
    assert heard == ticks(3)


@pytest.mark.parametrize("durability", ["memory", "journal"])
async def test_late_subscriptions_miss_nothing_of_what_is_published_and_recorded_all_the_time(
    bus: InMemoryEventBus, tmp_path: Path, durability: Any
) -> None:
    """Turned red by: a gap or a double at any of the seams."""
    count = 6_000
    published = 0
    heard: list[list[str]] = []

    async def publish() -> None:
        nonlocal published
        for number in range(count):
            await bus.publish(tick(number))
            published += 1

    async with ParquetEventWriter(tmp_path, durability=durability) as writer:
        await bus.subscribe("*", writer.write_event)
        publishing = asyncio.create_task(publish())
        for late in range(5):
            await until(lambda: published >= late * 1_000)  # noqa: B023 - asked in this round
            heard.append([])
            reader = EventReader(tmp_path)
            await bus.subscribe(
                "tick", lambda event, mine=heard[-1]: mine.append(event.event_id), start=START, store=reader
            )
        await publishing
        await bus.join()
    assert heard == [[f"tick-{number}" for number in range(count)]] * 5


async def test_threads_that_publish_meanwhile_leave_no_gap_and_no_double(bus: InMemoryEventBus, tmp_path: Path) -> None:
    count = 4_000
    published = 0

    def publish() -> None:
        nonlocal published
        for number in range(count):
            bus.publish_nowait(tick(number))
            published += 1

    async with ParquetEventWriter(tmp_path) as writer:
        await bus.subscribe("*", writer.write_event)
        thread = threading.Thread(target=publish)
        thread.start()
        await until(lambda: published > count // 4)
        heard: list[BaseEvent] = []
        sid = await bus.subscribe("tick", heard.append, start=START, store=EventReader(tmp_path))
        await bus.caught_up(sid)
        await until(lambda: not thread.is_alive())
        await bus.join()
    assert ids(heard) == [f"tick-{number}" for number in range(count)]


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
    """Turned red by: forgetting a hand-over only where it has begun."""
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
