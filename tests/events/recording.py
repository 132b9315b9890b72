"""Small recordings to test stores with."""

import asyncio
import errno
import threading
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

import pytest

from tests.events.samples import sample
from trading.events.base import BaseEvent
from trading.events.market_data import TickEvent
from trading.events.persistence import EventReader, ParquetEventWriter, recorder, waiting_events

START = datetime(2024, 1, 1, tzinfo=UTC)


def tick(number: int = 0, *, after_s: float | None = None, **changes: Any) -> TickEvent:
    """A tick that happened so many seconds after START; by default as many as its number, which is its bid."""
    timestamp = START + timedelta(seconds=number if after_s is None else after_s)
    return sample(TickEvent, **{"event_id": f"tick-{number}", "bid": Decimal(number), "timestamp": timestamp} | changes)


def ticks(count: int, **changes: Any) -> list[TickEvent]:
    """Ticks, a second apart."""
    return [tick(number, **changes) for number in range(count)]


def record(store: Path, events: Iterable[BaseEvent]) -> None:
    """Records events with a writer of their own."""

    async def write() -> None:
        async with ParquetEventWriter(store) as writer:
            await writer.write_batch(events)

    asyncio.run(write())


def read(store: Path, *args: Any, **selection: Any) -> list[BaseEvent]:
    """What a store has."""
    return list(EventReader(store).read_range(*args, **selection))


def files_of(store: Path) -> list[str]:
    """The Parquet files of a store, by their paths in it."""
    return sorted(str(path.relative_to(store)) for path in store.rglob("*.parquet"))


class Disk:
    """Stands before `write_part`: lets files through, holds them up, or fails. Nothing is tried again by itself."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._write = waiting_events.write_part
        monkeypatch.setattr(waiting_events, "write_part", self.write_part)
        monkeypatch.setattr(recorder, "_RETRY_S", 3_600.0)
        self.asked = threading.Event()
        self.succeeded = threading.Event()
        self.open = threading.Event()
        self.open.set()
        self.error: OSError | None = None

    def write_part(self, *args: Any) -> None:
        self.asked.set()
        assert self.open.wait(30), "the test has left the disk shut"
        if self.error is not None:
            raise self.error
        self._write(*args)
        self.succeeded.set()

    def fill(self) -> None:
        self.error = OSError(errno.ENOSPC, "No space left on device")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.error = None
        self.open.set()


async def fill_up(writer: ParquetEventWriter, disk: Disk) -> tuple[asyncio.Task[None], asyncio.Task[None]]:
    """Holds the thread up with one event, fills the queue with two, and lets a fourth wait."""
    disk.open.clear()
    await writer.write_event(tick(0))
    flushing = asyncio.create_task(writer.flush())
    await asyncio.to_thread(disk.asked.wait)
    await writer.write_batch([tick(1), tick(2)])
    waiting = asyncio.create_task(writer.write_event(tick(3)))
    for _ in range(5):
        await asyncio.sleep(0)
    return flushing, waiting
