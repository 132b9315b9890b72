"""What a replay says and keeps: its clock, lockstep, its timing error, batches at full speed."""

import asyncio
from collections.abc import Coroutine, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.events.persistence.replay.timed_bus import Bus, record_seconds, run
from tests.support.classes.samples import sample
from tests.support.doubles import until
from tests.support.recording import START, read, record, tick, ticks
from tests.support.server.process import Server
from tests.support.virtual_time import run_in_virtual_time
from trading.events import RedisEventBus
from trading.events.base import BaseEvent
from trading.events.market_data import TickEvent, TradeEvent
from trading.events.memory_bus import InMemoryEventBus
from trading.events.persistence import EventReader
from trading.events.statistics import Durations


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return record_seconds(tmp_path)


def test_its_clock_says_the_time_of_the_event_that_was_published_last(store: Path) -> None:
    bus = Bus()
    replay = EventReader(store).replay(bus, speed=None)
    with pytest.raises(LookupError, match="the replay has not begun"):
        replay.clock()
    run_in_virtual_time(run(replay))
    assert replay.clock() == bus.events[-1].timestamp


async def test_in_lockstep_each_event_and_what_it_sets_off_is_handled_before_the_next(tmp_path: Path) -> None:
    await asyncio.to_thread(record, tmp_path, ticks(50))
    heard: list[tuple[str, datetime]] = []
    async with InMemoryEventBus() as bus:
        replay = EventReader(tmp_path).replay(bus, speed=None, lockstep=True)

        async def answer(event: TickEvent) -> None:
            await asyncio.sleep(0)
            await bus.publish(sample(TradeEvent, event_id=f"of {event.event_id}", timestamp=replay.clock()))

        await bus.subscribe("tick", answer)
        await bus.subscribe("*", lambda event: heard.append((event.event_id, replay.clock())))
        await replay
    expected = [(name, each.timestamp) for each in ticks(50) for name in (each.event_id, f"of {each.event_id}")]
    assert heard == expected


@pytest.mark.parametrize("lockstep", [False, True])
async def test_a_handler_that_is_called_by_the_publisher_itself_hears_the_time_of_its_event(
    store: Path,
    lockstep: bool,  # noqa: FBT001 - a case
) -> None:
    heard: list[tuple[datetime, datetime]] = []
    async with InMemoryEventBus() as bus:
        replay = EventReader(store).replay(bus, speed=None, lockstep=lockstep)
        await bus.subscribe("*", lambda event: heard.append((event.timestamp, replay.clock())), delivery="inline")
        await replay
    assert heard == [(event.timestamp, event.timestamp) for event in read(store)]


def test_lockstep_needs_a_bus_that_can_be_joined(store: Path) -> None:
    with pytest.raises(TypeError, match="has no `join`"):
        EventReader(store).replay(Bus(), lockstep=True)


def test_it_reports_how_late_events_were_published(tmp_path: Path) -> None:
    record(tmp_path, [*ticks(3), tick(3, after_s=100.0)])
    replay = EventReader(tmp_path).replay(Bus(takes_s=10.0))
    before = replay.report()
    assert (before.published, before.position, before.running_s, before.error.count) == (0, None, 0.0, 0)

    run_in_virtual_time(run(replay))

    report = replay.report()
    assert (report.published, report.position) == (4, tick(3, after_s=100.0).timestamp)
    assert report.running_s == pytest.approx(110.0, abs=1e-3)
    assert report.error.count == 4
    assert report.error.max_ns == pytest.approx(18e9, rel=1e-3)
    assert report.error.p50_ns < 1e7


def test_a_pause_is_no_error(store: Path) -> None:
    async def main() -> None:
        replay = EventReader(store).replay(Bus())
        task = asyncio.create_task(run(replay))
        await asyncio.sleep(10.0)
        replay.pause()
        await asyncio.sleep(100.0)
        assert replay.report().running_s == pytest.approx(110.0, abs=1e-3)
        replay.resume()
        await task
        assert replay.report().error.max_ns < 1e7

    run_in_virtual_time(main())


def test_as_fast_as_possible_nothing_is_due(store: Path) -> None:
    replay = EventReader(store).replay(Bus(), speed=None)
    run_in_virtual_time(run(replay))
    assert replay.report().error == Durations(0, 0, 0, 0, 0)


async def test_at_full_speed_a_bus_is_given_batches_and_told_words_count_at_once(tmp_path: Path) -> None:
    """Turned red by: an event at a time; a batch that goes on after `pause`, `seek` or `stop`; early counts."""
    await asyncio.to_thread(record, tmp_path, ticks(3_000))
    batches: list[int] = []

    class Counting(InMemoryEventBus):
        def publish_batch(self, events: Iterable[BaseEvent]) -> Coroutine[Any, Any, None]:
            batches.append(replay.published)
            return super().publish_batch(events)

    heard: list[str] = []
    counts: list[tuple[int, datetime]] = []

    def hear(event: BaseEvent) -> None:
        heard.append(event.event_id)
        counts.append((replay.published, replay.clock()))
        if len(heard) == 1_500:
            replay.seek(START + timedelta(seconds=10))
        elif len(heard) == 1_600:
            replay.pause()
            asyncio.get_running_loop().call_soon(replay.resume)
        elif len(heard) == 2_000:
            replay.stop()

    async with Counting() as bus:
        await bus.subscribe("tick", hear, delivery="inline")
        replay = EventReader(tmp_path).replay(bus, speed=None)
        assert await replay == 2_000
    assert heard == [f"tick-{number}" for number in [*range(1_500), *range(10, 510)]]
    assert [published for published, _ in counts] == list(range(2_000))
    assert [clock for _, clock in counts[:1_500]] == [START + timedelta(seconds=number) for number in range(1_500)]
    assert replay.position == START + timedelta(seconds=509)
    assert len(batches) < 20


async def test_a_replay_that_is_cancelled_over_streams_has_sent_what_it_counts(tmp_path: Path, server: Server) -> None:
    """Turned red by: counting a batch before the bus has taken it, or one that waits for room."""
    await asyncio.to_thread(record, tmp_path, ticks(5_000))
    namespace = uuid4().hex
    async with RedisEventBus(server.url, mode="streams", namespace=namespace, outbox_capacity=100) as bus:
        replay = EventReader(tmp_path).replay(bus, speed=None)
        running = asyncio.create_task(replay.run())
        await until(lambda: replay.published >= 1_000)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await bus.flush()
    heard: list[str] = []
    async with RedisEventBus(server.url, mode="streams", namespace=namespace, start="beginning") as bus:
        await bus.subscribe("tick", lambda event: heard.append(event.event_id))
        await until(lambda: len(heard) >= replay.published)
        await bus.flush()
        await bus.join()
    assert heard == [f"tick-{number}" for number in range(replay.published)]
    assert replay.published < 5_000
