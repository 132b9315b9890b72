"""In lockstep, events, timers and sleeps come in one order at every speed: that of a naive model."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.recording import START, tick
from tests.support.virtual_time import run_in_virtual_time
from trading.events import Clock, HeartbeatEvent, InMemoryEventBus, TickEvent
from trading.events.persistence import EventChunks, EventRange, Replay

Line = tuple[float, str]


@dataclass(frozen=True)
class Step:
    """An event: when it comes, and what its handler does."""

    second: float
    sleeps: list[float] = field(default_factory=list)
    """Of a handler that sleeps; none for the handler that sets timers."""
    timers: list[tuple[float, float]] = field(default_factory=list)
    """Delays, each with that of another timer, which the first one sets."""
    cancels: int | None = None
    """The timer that it cancels, by the order of their making, if it has been made."""


@dataclass(frozen=True)
class Program:
    steps: list[Step]
    loop_sleeps: list[float]
    """What a task outside of handlers sleeps, one after the other."""


delays = st.integers(-2, 12).map(lambda quarters: quarters / 4)
waits = st.integers(1, 12).map(lambda quarters: quarters / 4)
setting = st.builds(
    Step,
    st.integers(0, 8).map(lambda halves: halves / 2),
    timers=st.lists(st.tuples(delays, delays), max_size=3),
    cancels=st.none() | st.integers(0, 5),
)
sleeping = st.builds(
    Step, st.integers(0, 8).map(lambda halves: halves / 2), sleeps=st.lists(delays, min_size=1, max_size=3)
)
programs = st.builds(
    Program,
    st.lists(setting | sleeping, min_size=1, max_size=8).map(lambda steps: sorted(steps, key=lambda step: step.second)),
    st.lists(waits, max_size=4),
)


class Model:
    """A simulation by hand: a list of what is due, searched for the first each time."""

    def __init__(self, program: Program) -> None:
        self.now = program.steps[0].second
        self.due: list[tuple[float, int, Callable[[], None]]] = []
        self.made = 0
        self.lines: list[Line] = []
        self.timers: list[int] = []
        self.waiting: list[tuple[int, list[float]]] = []
        self.is_busy = False
        self.run(program)

    def set(self, delay: float, function: Callable[[], None]) -> int:
        self.made += 1
        self.due.append((self.now + delay, self.made, function))
        return self.made

    def log(self, text: str) -> None:
        self.lines.append((self.now, text))

    def run(self, program: Program) -> None:
        self.loop(program.loop_sleeps)
        for number, step in enumerate(program.steps):
            self.pass_until(lambda second=step.second: second)  # type: ignore[misc]
            self.now = max(self.now, step.second)
            if step.sleeps:
                self.waiting.append((number, list(step.sleeps)))
                self.go_on()
            else:
                self.set_timers(number, step)
        self.pass_until(lambda: 1e9 if self.is_busy else self.now)

    def pass_until(self, limit: Callable[[], float]) -> None:
        while self.due and min(self.due)[0] <= limit():
            first = min(self.due, key=lambda entry: entry[:2])
            self.due.remove(first)
            self.now = max(self.now, first[0])
            first[2]()

    def loop(self, sleeps: list[float]) -> None:
        if sleeps:
            self.set(sleeps[0], lambda: (self.log("loop"), self.loop(sleeps[1:]))[1])  # type: ignore[func-returns-value]

    def set_timers(self, number: int, step: Step) -> None:
        self.log(f"event {number}")
        if step.cancels is not None and step.cancels < len(self.timers):
            gone = self.timers[step.cancels]
            self.due = [entry for entry in self.due if entry[1] != gone]
        for delay, again in step.timers:
            self.timers.append(self.set(delay, lambda again=again: self.called(again)))  # type: ignore[misc]

    def called(self, again: float) -> None:
        self.log("timer")
        self.log("heard")
        self.set(again, lambda: self.log("second timer"))

    def go_on(self) -> None:
        while self.waiting and not self.is_busy:
            number, sleeps = self.waiting[0]
            if not sleeps:
                self.waiting.pop(0)
                self.log(f"slept {number}")
                continue
            if (delay := sleeps.pop(0)) > 0:
                self.is_busy = True
                self.set(delay, self.wake)

    def wake(self) -> None:
        self.is_busy = False
        self.go_on()


def events_of(program: Program) -> EventRange:
    """The events of a program, as a reader gives them."""
    events = [
        tick(number, after_s=step.second, exchange="sleeper" if step.sleeps else "setter")
        for number, step in enumerate(program.steps)
    ]

    def read(_: datetime | None) -> EventChunks:
        yield events

    return EventRange(read)


async def play(program: Program, speed: float | None) -> list[Line]:
    """The same with the real thing."""
    lines: list[Line] = []
    async with InMemoryEventBus() as bus:
        replay = Replay(events_of(program), bus, speed=speed, lockstep=True)
        clock: Clock = replay.clock
        timers = []

        def log(text: str) -> None:
            lines.append(((clock.now() - START).total_seconds(), text))

        async def called(again: float) -> None:
            log("timer")
            await bus.publish(HeartbeatEvent(component="timer", sequence=1))
            clock.call_later(again, log, "second timer")

        @bus.on("events.tick.setter")
        def set_timers(event: TickEvent) -> None:
            number = int(event.bid)
            step = program.steps[number]
            log(f"event {number}")
            if step.cancels is not None and step.cancels < len(timers):
                timers[step.cancels].cancel()
            timers.extend(clock.call_later(delay, called, again) for delay, again in step.timers)

        @bus.on("events.tick.sleeper")
        async def sleep(event: TickEvent) -> None:
            number = int(event.bid)
            for delay in program.steps[number].sleeps:
                await clock.sleep(delay)
            log(f"slept {number}")

        async def loop() -> None:
            for delay in program.loop_sleeps:
                await clock.sleep(delay)
                log("loop")

        bus.on("heartbeat")(lambda _: log("heard"))
        task = asyncio.create_task(loop())
        await replay
        task.cancel()
    return lines


@settings(deadline=None)
@given(programs)
def test_the_order_at_every_speed_is_that_of_a_naive_model(program: Program) -> None:
    expected = Model(program).lines
    for speed in (None, 1.0, 100.0):
        assert run_in_virtual_time(play(program, speed)) == expected
