"""A bus that notes when it is given events, in virtual time, and a store to replay on it."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from tests.support.recording import record, tick
from trading.events.base import BaseEvent
from trading.events.persistence import Replay

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


def record_seconds(tmp_path: Path) -> Path:
    """Five ticks, at SECONDS."""
    record(tmp_path, [tick(number, after_s=second) for number, second in enumerate(SECONDS)])
    return tmp_path


async def run(replay: Replay) -> int:
    return await replay
