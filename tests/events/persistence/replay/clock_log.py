"""Plays a store on a bus, and notes what is called at which time."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.recording import START, record, ticks
from tests.support.virtual_time import run_in_virtual_time
from trading.events import InMemoryEventBus, TickEvent
from trading.events.persistence import EventReader, ReplayClock

SPEEDS = [1.0, 100.0, None]

each_speed = pytest.mark.parametrize("speed", SPEEDS)


def record_for_clock(tmp_path_factory: pytest.TempPathFactory) -> Path:
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
