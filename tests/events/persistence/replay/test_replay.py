"""Replay: recorded events published again, in order, on time, once."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.support.classes.samples import sample
from tests.support.doubles import until
from tests.support.recording import START, read, record, tick, ticks
from tests.support.server.process import Server
from tests.support.virtual_time import run_in_virtual_time
from trading.events import RedisEventBus
from trading.events.base import BaseEvent
from trading.events.errors import CorruptFileError
from trading.events.market_data import TickEvent, TradeEvent
from trading.events.memory_bus import InMemoryEventBus
from trading.events.persistence import EventReader, Replay
from trading.events.statistics import Durations

SECONDS = [0.0, 1.0, 1.0, 61.0, 3600.0]


class Bus:
    """Notes what is published, and when; `meanwhile` is called with each event."""

    def __init__(self, *, takes_s: float = 0.0, meanwhile: Callable[[BaseEvent], object] = lambda _: None) -> None:
        self.events: list[BaseEvent] = []
        self.times: list[float] = []
        self.meanwhile = meanwhile
        self._takes_s = takes_s

    async def publish(self, event: BaseEvent, /) -> None:
        self.times.append(asyncio.get_running_loop().time())
        self.events.append(event)
        self.meanwhile(event)
        if self._takes_s:
            await asyncio.sleep(self._takes_s)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Five ticks, at SECONDS."""
    record(tmp_path, [tick(number, after_s=second) for number, second in enumerate(SECONDS)])
    return tmp_path


async def run(replay: Replay) -> int:
    return await replay


@pytest.mark.parametrize("speed", [1.0, 10.0, 0.25])
def test_events_are_published_at_their_original_intervals_at_any_factor(store: Path, speed: float) -> None:
    bus = Bus()
    assert run_in_virtual_time(run(EventReader(store).replay(bus, speed=speed))) == 5
    assert bus.events == read(store)
    assert bus.times == pytest.approx([second / speed for second in SECONDS], abs=1e-3)


def test_the_original_speed_is_the_default(store: Path) -> None:
    bus = Bus()
    run_in_virtual_time(run(EventReader(store).replay(bus)))
    assert bus.times[-1] == pytest.approx(3600.0, abs=1e-3)


def test_without_a_speed_time_does_not_pass(store: Path) -> None:
    bus = Bus()
    assert run_in_virtual_time(run(EventReader(store).replay(bus, speed=None))) == 5
    assert bus.times == [0.0] * 5


def test_a_slow_bus_makes_no_later_event_late(tmp_path: Path) -> None:
    record(tmp_path, ticks(100))
    bus = Bus(takes_s=0.9)
    run_in_virtual_time(run(EventReader(tmp_path).replay(bus)))
    assert bus.times == pytest.approx(range(100), abs=1e-3)


def test_a_bus_that_is_too_slow_gets_the_events_as_fast_as_it_takes_them(tmp_path: Path) -> None:
    record(tmp_path, [*ticks(3), tick(3, after_s=100.0)])
    bus = Bus(takes_s=10.0)
    run_in_virtual_time(run(EventReader(tmp_path).replay(bus)))
    assert bus.times == pytest.approx([0.0, 10.0, 20.0, 100.0], abs=1e-3)


def test_only_what_was_selected_is_replayed(tmp_path: Path) -> None:
    record(tmp_path, ticks(4) + ticks(4, symbol="ETH/USDT"))
    bus = Bus()
    start, end = ticks(4)[1].timestamp, ticks(4)[3].timestamp
    replay = EventReader(tmp_path).replay(
        bus, start, end, speed=None, event_type="tick", exchange="binance", symbol="BTC/USDT"
    )
    assert run_in_virtual_time(run(replay)) == 2
    assert bus.events == ticks(4)[1:3]


def test_a_pause_holds_everything_up_by_its_length(store: Path) -> None:
    async def main() -> None:
        bus = Bus()
        replay = EventReader(store).replay(bus)
        task = asyncio.create_task(run(replay))
        await asyncio.sleep(30.0)
        replay.pause()
        assert (replay.paused, replay.published) == (True, 3)
        await asyncio.sleep(1_000.0)
        assert replay.published == 3
        replay.resume()
        assert not replay.paused
        assert await task == 5
        assert bus.times == pytest.approx([0.0, 1.0, 1.0, 1_061.0, 4_600.0], abs=1e-3)

    run_in_virtual_time(main())


def test_a_replay_may_be_paused_before_it_begins_and_paused_twice(store: Path) -> None:
    async def main() -> None:
        bus = Bus()
        replay = EventReader(store).replay(bus)
        replay.pause()
        task = asyncio.create_task(run(replay))
        await asyncio.sleep(50.0)
        replay.pause()
        await asyncio.sleep(50.0)
        replay.resume()
        await task
        assert bus.times[0] == pytest.approx(100.0, abs=1e-3)
        assert bus.times[-1] - bus.times[0] == pytest.approx(3_600.0, abs=1e-3)

    run_in_virtual_time(main())


def test_a_replay_as_fast_as_possible_can_be_paused_by_a_handler(store: Path) -> None:
    async def main() -> None:
        bus = Bus()
        replay = EventReader(store).replay(bus, speed=None)
        bus.meanwhile = lambda event: replay.pause() if event.event_id == "tick-1" else None
        task = asyncio.create_task(run(replay))
        await asyncio.sleep(5.0)
        assert replay.published == 2
        replay.resume()
        assert await task == 5

    run_in_virtual_time(main())


@pytest.mark.parametrize("speed", [None, 1.0])
def test_stop_ends_it_before_the_next_event(store: Path, speed: float | None) -> None:
    async def main() -> None:
        bus = Bus()
        replay = EventReader(store).replay(bus, speed=speed)
        bus.meanwhile = lambda event: replay.stop() if event.event_id == "tick-2" else None
        assert await replay == 3
        assert replay.stopped
        assert [event.event_id for event in bus.events] == ["tick-0", "tick-1", "tick-2"]

    run_in_virtual_time(main())


@pytest.mark.parametrize("paused", [False, True])
def test_stop_ends_it_while_it_waits(store: Path, paused: bool) -> None:  # noqa: FBT001 - a case
    async def main() -> None:
        replay = EventReader(store).replay(Bus())
        task = asyncio.create_task(run(replay))
        await asyncio.sleep(10.0)
        if paused:
            replay.pause()
            await asyncio.sleep(10.0)
        before = asyncio.get_running_loop().time()
        replay.stop()
        assert await task == 3
        assert asyncio.get_running_loop().time() == before

    run_in_virtual_time(main())


def test_its_progress_can_be_followed(store: Path) -> None:
    bus = Bus()
    replay = EventReader(store).replay(bus)
    seen: list[tuple[int, Any]] = []
    bus.meanwhile = lambda _: seen.append((replay.published, replay.position))
    assert (replay.published, replay.position) == (0, None)
    run_in_virtual_time(run(replay))
    stamps = [event.timestamp for event in bus.events]
    assert seen == list(zip(range(5), [None, *stamps], strict=False))
    assert (replay.published, replay.position) == (5, stamps[-1])


def test_a_replay_runs_once(store: Path) -> None:
    async def main() -> None:
        replay = EventReader(store).replay(Bus(), speed=None)
        await replay.run()
        with pytest.raises(RuntimeError, match="a replay runs once"):
            await replay

    run_in_virtual_time(main())


def test_a_bus_that_raises_ends_it(store: Path) -> None:
    async def main() -> None:
        class BrokenBusError(Exception):
            pass

        def fail(_: BaseEvent) -> None:
            raise BrokenBusError

        bus = Bus()
        bus.meanwhile = fail
        replay = EventReader(store).replay(bus, speed=None)
        with pytest.raises(BrokenBusError):
            await replay
        assert replay.published == 0

    run_in_virtual_time(main())


def test_a_bad_file_is_named_after_everything_else_was_published(store: Path) -> None:
    record(store, [tick(9, symbol="BAD")])
    bad = store / "2024/01/01/tick_binance_BAD.parquet"
    bad.write_bytes(b"")
    bus = Bus()
    replay = EventReader(store).replay(bus, speed=None)
    with pytest.raises(CorruptFileError, match="tick_binance_BAD"):
        run_in_virtual_time(run(replay))
    assert replay.published == len(bus.events) == 5


async def test_two_replays_on_a_real_bus_are_the_same_event_for_event(tmp_path: Path) -> None:
    recorded = [tick(number, after_s=number // 3, symbol="ABC"[number % 3]) for number in range(1_000)]
    await asyncio.to_thread(record, tmp_path, recorded)
    runs: list[list[BaseEvent]] = []
    for _ in range(2):
        heard: list[BaseEvent] = []
        async with InMemoryEventBus() as bus:
            await bus.subscribe("tick", heard.append)
            assert await EventReader(tmp_path).replay(bus, speed=None) == len(recorded)
        runs.append(heard)
    assert runs[0] == runs[1] == recorded


@pytest.mark.parametrize("speed", [None, 1.0])
@pytest.mark.parametrize(("second", "expected"), [(61.0, [0, 1, 3, 4]), (0.0, [0, 1, 0, 1, 2, 3, 4]), (9e9, [0, 1])])
def test_a_handler_can_have_it_go_on_elsewhere(
    store: Path, speed: float | None, second: float, expected: list[int]
) -> None:
    async def main() -> None:
        bus = Bus()
        replay = EventReader(store).replay(bus, speed=speed)
        bus.meanwhile = lambda _: replay.seek(START + timedelta(seconds=second)) if len(bus.events) == 2 else None
        assert await replay == len(expected)
        assert [event.event_id for event in bus.events] == [f"tick-{number}" for number in expected]

    run_in_virtual_time(main())


def test_the_event_that_it_goes_to_is_due_at_once_and_the_others_at_their_intervals(store: Path) -> None:
    async def main() -> None:
        bus = Bus()
        replay = EventReader(store).replay(bus)
        task = asyncio.create_task(run(replay))
        await asyncio.sleep(10.0)
        replay.seek(datetime(2024, 1, 1, 0, 0, 2))
        await task
        assert bus.times == pytest.approx([0.0, 1.0, 1.0, 10.0, 10.0 + 3_600.0 - 61.0], abs=1e-3)

    run_in_virtual_time(main())


def test_it_may_go_elsewhere_while_it_is_paused_and_stays_so(store: Path) -> None:
    async def main() -> None:
        bus = Bus()
        replay = EventReader(store).replay(bus)
        task = asyncio.create_task(run(replay))
        await asyncio.sleep(10.0)
        replay.pause()
        replay.seek(START)
        await asyncio.sleep(10.0)
        assert (replay.paused, replay.published) == (True, 3)
        replay.resume()
        assert await task == 8
        assert bus.times[3:5] == pytest.approx([20.0, 21.0], abs=1e-3)

    run_in_virtual_time(main())


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
