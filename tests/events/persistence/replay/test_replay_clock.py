"""A replay's clock: when timers and sleeps are due, with every way in which a replay goes on and ends."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.recording import START, record, ticks
from tests.support.virtual_time import run_in_virtual_time
from trading.events import HeartbeatEvent, InMemoryEventBus, TickEvent, use_clock
from trading.events.persistence import EventReader, Replay, ReplayClock

SPEEDS = [1.0, 100.0, None]

each_speed = pytest.mark.parametrize("speed", SPEEDS)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten ticks, a second apart."""
    path = tmp_path_factory.mktemp("store")
    record(path, ticks(10))
    return path


class Log:
    """What happened, with the replay's time in seconds."""

    def __init__(self) -> None:
        self.lines: list[tuple[float, str]] = []
        self.clock = ReplayClock()

    def write(self, text: str) -> None:
        self.lines.append(((self.clock.now() - START).total_seconds(), text))


Make = Callable[[InMemoryEventBus, ReplayClock, Log], Any]
"""Makes the handler of ticks."""


def play(
    store: Path,
    make: Callable[[InMemoryEventBus, ReplayClock, Log], Any],
    *,
    speed: float | None = None,
    **options: Any,
) -> list[tuple[float, str]]:
    """Replays the ticks for the handler that `make` makes, and returns the log."""

    async def run() -> list[tuple[float, str]]:
        log = Log()
        async with InMemoryEventBus() as bus:
            replay = EventReader(store).replay(bus, speed=speed, **{"lockstep": True, **options})
            log.clock = replay.clock
            handler = make(bus, replay.clock, log)
            await bus.subscribe(TickEvent, handler)
            await replay
        return log.lines

    return run_in_virtual_time(run())


@each_speed
def test_an_order_is_cancelled_after_its_time(store: Path, speed: float | None) -> None:
    def make(bus: InMemoryEventBus, clock: ReplayClock, log: Log) -> Any:
        async def cancel(number: int) -> None:
            log.write(f"cancel {number}")
            await bus.publish(HeartbeatEvent(component="cancelled", sequence=number))

        def hear(tick: TickEvent) -> None:
            number = int(tick.bid)
            log.write(f"tick {number}")
            if number in {0, 5}:
                clock.call_later(2, cancel, number)

        bus.on("heartbeat")(lambda beat: log.write(f"heard {beat.sequence}"))
        return hear

    expected = [(float(second), f"tick {second}") for second in range(10)]
    expected[2:2] = [(2.0, "cancel 0"), (2.0, "heard 0")]  # timers come before events of the same time
    expected[9:9] = [(7.0, "cancel 5"), (7.0, "heard 5")]
    assert play(store, make, speed=speed) == expected


@each_speed
def test_a_handler_that_sleeps_counts_as_done_until_it_is_due(store: Path, speed: float | None) -> None:
    def make(bus: InMemoryEventBus, clock: ReplayClock, log: Log) -> Any:
        bus.on(TickEvent)(lambda tick: log.write(f"tick {int(tick.bid)}"))

        async def slow(tick: TickEvent) -> None:
            await clock.sleep(3.5)
            log.write(f"slept {int(tick.bid)}")

        return slow

    expected = [(float(second), f"tick {second}") for second in range(10)]
    expected[4:4] = [(3.5, "slept 0")]
    expected[9:9] = [(7.0, "slept 1")]  # it sleeps from 3.5 on, when it is handed the second tick
    expected.remove((7.0, "tick 7"))
    expected.insert(expected.index((7.0, "slept 1")) + 1, (7.0, "tick 7"))
    finished = [(3.5 * (number + 1), f"slept {number}") for number in range(2, 10)]
    assert play(store, make, speed=speed) == expected + finished


@each_speed
@pytest.mark.parametrize("how", ["gather", "task", "wait_for", "group"])
def test_a_handler_that_waits_for_a_task_that_sleeps_counts_as_done_too(
    store: Path, speed: float | None, how: str
) -> None:
    def make(_: InMemoryEventBus, clock: ReplayClock, log: Log) -> Any:
        async def hear(tick: TickEvent) -> None:
            log.write(f"tick {int(tick.bid)}")
            match how:
                case "gather":
                    await asyncio.gather(clock.sleep(0.5), clock.sleep(0.25))
                case "task":
                    await asyncio.create_task(clock.sleep(0.5))
                case "wait_for":
                    await asyncio.wait_for(clock.sleep(0.5), 10_000_000)
                case _:
                    async with asyncio.TaskGroup() as group:
                        group.create_task(clock.sleep(0.5))
            log.write("slept")

        return hear

    expected = [
        (second + late, text) for second in range(10) for late, text in ((0.0, f"tick {second}"), (0.5, "slept"))
    ]
    assert play(store, make, speed=speed) == expected


@each_speed
def test_a_task_outside_of_handlers_sleeps_on_it_and_publishes_in_time(store: Path, speed: float | None) -> None:
    def make(bus: InMemoryEventBus, clock: ReplayClock, log: Log) -> Any:
        async def beat() -> None:
            sequence = 0
            while True:
                await clock.sleep(3)  # begun before there is a time: from the first event on
                sequence += 1
                await bus.publish(HeartbeatEvent(component="strategy", sequence=sequence))

        log.task = asyncio.create_task(beat())  # type: ignore[attr-defined]
        bus.on("heartbeat")(lambda beat: log.write(f"beat {beat.sequence}"))
        return lambda tick: log.write(f"tick {int(tick.bid)}")

    expected = [(float(second), f"tick {second}") for second in range(10)]
    for number in (3, 2, 1):
        expected.insert(3 * number, (3.0 * number, f"beat {number}"))
    assert play(store, make, speed=speed) == expected


def test_events_made_in_a_back_test_bear_the_time_of_the_replay(store: Path) -> None:
    made: list[datetime] = []

    async def run() -> None:
        async with InMemoryEventBus() as bus:
            replay = EventReader(store).replay(bus, speed=None, lockstep=True)

            @bus.on(TickEvent)
            async def hear(_: TickEvent) -> None:
                await replay.clock.sleep(0.25)
                made.append(HeartbeatEvent(component="strategy", sequence=1).timestamp)

            with use_clock(replay.clock):
                await replay

    asyncio.run(run())
    assert made == [START + timedelta(seconds=second + 0.25) for second in range(10)]


@each_speed
@pytest.mark.parametrize("options", [{"lockstep": True}, {"lockstep": False}], ids=str)
def test_publishing_into_the_full_queue_of_a_handler_that_sleeps_goes_on_when_it_is_due(
    store: Path, speed: float | None, options: dict[str, bool]
) -> None:
    def make(bus: InMemoryEventBus, clock: ReplayClock, log: Log) -> Any:
        async def slow(tick: TickEvent) -> None:
            await clock.sleep(5)
            log.write(f"slept {int(tick.bid)}")

        bus.on(TickEvent, capacity=1)(slow)
        return lambda _: None

    slept = play(store, make, speed=speed, **options)
    assert [text for _, text in slept] == [f"slept {number}" for number in range(10)]
    if options["lockstep"]:
        assert [second for second, _ in slept] == [5.0 * (number + 1) for number in range(10)]


@each_speed
def test_publishing_goes_on_too_where_a_handler_falls_asleep_while_it_waits(store: Path, speed: float | None) -> None:
    def make(bus: InMemoryEventBus, clock: ReplayClock, log: Log) -> Any:
        async def slow(tick: TickEvent) -> None:
            for _ in range(50):
                await asyncio.sleep(0)
            await clock.sleep(5)
            log.write(f"slept {int(tick.bid)}")

        bus.on(TickEvent, capacity=1)(slow)
        return lambda _: None

    slept = play(store, make, speed=speed, lockstep=False)
    assert [text for _, text in slept] == [f"slept {number}" for number in range(10)]


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
