"""Replay: recorded events published again, at any speed; pause, stop and seek."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.events.persistence.replay.timed_bus import SECONDS, Bus, record_seconds, run
from tests.support.recording import START, read, record, tick, ticks
from tests.support.virtual_time import run_in_virtual_time
from trading.events.base import BaseEvent
from trading.events.errors import CorruptFileError
from trading.events.memory_bus import InMemoryEventBus
from trading.events.persistence import EventReader


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return record_seconds(tmp_path)


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
