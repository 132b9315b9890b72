"""What a sync promises, and what is heard when it fails."""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.recording import read, tick, ticks
from trading.events.errors import StoreError
from trading.events.persistence import Durability, ParquetEventWriter


class WatchedJournal:
    """A journal whose syncs are counted, held up, or fail."""

    def __init__(self, journal: Any) -> None:
        self._journal = journal
        self.syncs = 0
        self.errors: list[OSError] = []
        self.go_on = threading.Event()
        self.go_on.set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)

    def sync(self) -> None:
        self.syncs += 1
        assert self.go_on.wait(30), "the test has left the disk shut"
        if self.errors:
            raise self.errors.pop()
        self._journal.sync()


def watched(store: Path, durability: Durability) -> tuple[ParquetEventWriter, WatchedJournal]:
    writer = ParquetEventWriter(store, durability=durability)
    journal: Any = WatchedJournal(writer._flusher.journal)
    writer._flusher.journal = journal
    return writer, journal


CALLS: list[tuple[Durability, Callable[[ParquetEventWriter], Awaitable[None]]]] = [
    ("journal", ParquetEventWriter.flush),
    ("memory", ParquetEventWriter.flush),
    ("fsync", lambda writer: writer.write_event(tick(1))),
    ("fsync", lambda writer: writer.write_batch([tick(1)])),
]


@pytest.mark.parametrize(("durability", "call"), CALLS)
async def test_a_sync_that_fails_is_loud_and_the_events_are_kept_once(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    durability: Durability,
    call: Callable[[ParquetEventWriter], Awaitable[None]],
) -> None:
    writer, journal = watched(tmp_path, durability)
    async with writer:
        await writer.write_event(tick(0))
        if durability != "fsync":
            await writer.write_event(tick(1))
        journal.errors = [OSError(5, "Input/output error")]
        with pytest.raises(StoreError, match=r"not durable yet: .*Input/output error; they are kept, flush again"):
            await call(writer)
        await writer.flush()
        assert read(tmp_path) == ticks(2)
    assert read(tmp_path) == ticks(2)
    [logged] = caplog.records
    assert logged.levelno == logging.ERROR
    assert "could not be synced: [Errno 5] Input/output error" in logged.message


async def test_writes_at_the_same_time_share_a_sync(tmp_path: Path) -> None:
    writer, journal = watched(tmp_path, "fsync")
    async with writer:
        journal.go_on.clear()
        writing = [asyncio.create_task(writer.write_event(event)) for event in ticks(100)]
        await asyncio.sleep(0)
        assert not any(task.done() for task in writing)
        journal.go_on.set()
        await asyncio.gather(*writing)
        assert journal.syncs <= 2
    assert read(tmp_path) == ticks(100)
