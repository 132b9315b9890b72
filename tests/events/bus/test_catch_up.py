"""Subscriptions that begin with what a store has, and go on with what comes."""

import asyncio
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.events.bus.memory_store import MemoryReader, MemoryWriter, holding, ids
from tests.support.classes.samples import sample
from tests.support.doubles import turns, until
from tests.support.recording import START, record, tick, ticks
from trading.events import (
    BaseEvent,
    InMemoryEventBus,
    MarketDataEvent,
    TradeEvent,
    symbol_filter,
)
from trading.events.persistence import EventReader, ParquetEventWriter


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
