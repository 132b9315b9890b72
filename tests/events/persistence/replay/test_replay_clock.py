"""A replay's clock: when timers and sleeps are due, with every way in which a replay goes on and ends."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.events.persistence.replay.clock_log import Log, each_speed, play, record_for_clock
from tests.support.recording import START
from trading.events import HeartbeatEvent, InMemoryEventBus, TickEvent, use_clock
from trading.events.persistence import EventReader, ReplayClock


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record_for_clock(tmp_path_factory)


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
