"""The time of a replay at its end, its pauses and its jumps."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.events.persistence.replay.clock_log import Log, each_speed, play, record_for_clock
from tests.support.recording import START
from tests.support.virtual_time import run_in_virtual_time
from trading.events import HeartbeatEvent, InMemoryEventBus, TickEvent
from trading.events.persistence import EventReader, Replay, ReplayClock


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record_for_clock(tmp_path_factory)


def test_what_is_due_after_the_last_event_is_not_called_and_its_sleepers_are_cancelled(store: Path) -> None:
    async def run() -> tuple[list[str], bool]:
        called: list[str] = []
        async with InMemoryEventBus() as bus:
            replay = EventReader(store).replay(bus, speed=None, lockstep=True)
            clock = replay.clock
            sleeper = asyncio.create_task(clock.sleep(1_000))
            clock.call_at(START + timedelta(seconds=9), called.append, "with the last event")
            clock.call_at(START + timedelta(seconds=9.5), called.append, "later")
            await replay
            after = clock.call_later(1, called.append, "after the end")
            assert after.cancelled
            assert clock.now() == START + timedelta(seconds=9)
            with pytest.raises(RuntimeError, match="has ended"):
                await clock.sleep(1)
            await asyncio.wait([sleeper])
        return called, sleeper.cancelled()

    assert asyncio.run(run()) == (["with the last event"], True)


def test_handlers_that_sleep_at_the_end_finish_with_the_timers_that_are_due_by_then(store: Path) -> None:
    def make(_: InMemoryEventBus, clock: ReplayClock, log: Log) -> Any:
        async def hear(tick: TickEvent) -> None:
            if tick.bid == 9:
                clock.call_later(1, log.write, "timer")
                clock.call_later(60, log.write, "never")
                await clock.sleep(30)
                log.write("slept")

        return hear

    assert play(store, make) == [(10.0, "timer"), (39.0, "slept")]


@pytest.mark.parametrize("how", ["stop", "cancel", "close", "fail"])
def test_however_a_replay_ends_closing_the_bus_does_not_wait_for_who_sleeps(store: Path, how: str) -> None:
    async def run() -> tuple[list[str], float]:
        done: list[str] = []
        async with InMemoryEventBus() as bus:
            replay = EventReader(store).replay(bus, speed=1.0, lockstep=how != "fail")

            @bus.on(TickEvent)
            async def hear(tick: TickEvent) -> None:
                await replay.clock.sleep(3_600)
                done.append(str(tick.bid))

            running = asyncio.create_task(replay.run())
            await asyncio.sleep(2.5)
            if how == "stop":
                replay.stop()
            elif how == "cancel":
                running.cancel()
            else:
                await asyncio.gather(bus.aclose(), asyncio.wait([running]))
            await asyncio.wait([running])
            running.cancelled() or running.exception()
        return done, asyncio.get_running_loop().time()

    done, took_s = run_in_virtual_time(run())
    assert done == ["0", "1", "2"]
    assert took_s < 60


async def test_closing_with_a_timeout_cancels_a_handler_that_sleeps_in_a_replay_that_never_runs(store: Path) -> None:
    ended: list[str] = []
    async with InMemoryEventBus(close_timeout_s=0.05) as bus:
        replay = EventReader(store).replay(bus)

        @bus.on("heartbeat")
        async def hear(_: HeartbeatEvent) -> None:
            try:
                await replay.clock.sleep(1)
            except asyncio.CancelledError:
                ended.append("cancelled")
                raise

        await bus.publish(HeartbeatEvent(component="feed", sequence=1))
    assert ended == ["cancelled"]


def test_while_a_replay_is_paused_its_time_stands_still(store: Path) -> None:
    async def run() -> list[float]:
        called: list[float] = []
        loop = asyncio.get_running_loop()
        async with InMemoryEventBus() as bus:
            replay = EventReader(store).replay(bus, speed=1.0)
            began = loop.time()
            replay.clock.call_later(2.5, lambda: called.append(round(loop.time() - began, 2)))
            running = asyncio.create_task(replay.run())
            await asyncio.sleep(1.5)
            replay.pause()
            await asyncio.sleep(100)
            assert called == []
            replay.resume()
            await running
        return called

    assert run_in_virtual_time(run()) == [102.5]


@pytest.mark.parametrize(("to", "expected"), [(8.0, [8.0]), (-5.0, [3.5])])
def test_after_seek_a_timer_keeps_its_moment(store: Path, to: float, expected: list[float]) -> None:
    async def run() -> list[float]:
        called: list[float] = []
        async with InMemoryEventBus() as bus:
            replay = EventReader(store).replay(bus, speed=None, lockstep=True)
            moments = iter([to])

            def note() -> None:
                called.append((replay.clock.now() - START).total_seconds())

            replay.clock.call_at(START + timedelta(seconds=3.5), note)

            @bus.on(TickEvent)
            def hear(tick: TickEvent) -> None:
                if tick.bid == 2 and (moment := next(moments, None)) is not None:
                    replay.seek(START + timedelta(seconds=moment))

            await replay
        return called

    assert asyncio.run(run()) == expected


def test_what_is_due_at_once_is_called_after_the_last_event_too(store: Path) -> None:
    def make(_: InMemoryEventBus, clock: ReplayClock, log: Log) -> Any:
        return lambda tick: clock.call_later(0, log.write, f"after tick {int(tick.bid)}")

    assert play(store, make) == [(float(second), f"after tick {second}") for second in range(10)]


def test_a_replay_of_nothing_ends_and_its_sleepers_with_it(store: Path) -> None:
    async def run() -> bool:
        async with InMemoryEventBus() as bus:
            replay = EventReader(store).replay(bus, event_type="trade", speed=None, lockstep=True)
            sleeper = asyncio.create_task(replay.clock.sleep(1))
            assert await replay == 0
            await asyncio.wait([sleeper])
        return sleeper.cancelled()

    assert asyncio.run(run())


def test_before_it_begins_there_is_no_time(store: Path) -> None:
    replay: Replay = EventReader(store).replay(InMemoryEventBus())
    with pytest.raises(LookupError, match="not begun"):
        replay.clock.now()
    with pytest.raises(ValueError, match="naive"):
        replay.clock.call_at(datetime(2024, 1, 1), print)
    assert repr(replay.clock) == "<ReplayClock: not begun>"


@each_speed
def test_a_timers_coroutine_is_done_before_the_next_event_however_long_it_takes(
    store: Path, speed: float | None
) -> None:
    def make(_: InMemoryEventBus, clock: ReplayClock, log: Log) -> Any:
        async def work() -> None:
            await asyncio.to_thread(lambda: None)
            await asyncio.gather(clock.sleep(0.25), clock.sleep(0.5))
            log.write("worked")

        def hear(tick: TickEvent) -> None:
            log.write(f"tick {int(tick.bid)}")
            clock.call_later(0.25, work)

        return hear

    lines = play(store, make, speed=speed)
    assert lines == [
        (second + late, text)
        for second in range(10)
        for late, text in ((0.0, f"tick {second}"), (0.75, "worked"))
        if second + late <= 9
    ]
