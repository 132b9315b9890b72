"""Small recordings to test stores with."""

import asyncio
import errno
import threading
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

import pytest

from tests.support.classes.samples import sample
from trading.events import _core
from trading.events.base import BaseEvent
from trading.events.market_data import TickEvent
from trading.events.persistence import EventReader, ParquetEventWriter
from trading.events.persistence.parquet.sealing import sealer, sealing
from trading.events.persistence.parquet.store import manifest

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


def journal_of(store: Path) -> list[str]:
    """The files of a store's journal."""
    return sorted(path.name for path in (store / "_journal").iterdir())


class Disk:
    """Stands before sealing: lets files through, holds them up, or fails. Nothing is tried again by itself."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._write, self._seal = sealing.write_part, sealer.seal_segment
        monkeypatch.setattr(sealing, "write_part", self._write_part)
        monkeypatch.setattr(sealer, "seal_segment", self._seal_segment)
        monkeypatch.setattr(sealer, "_RETRY_S", 3_600.0)
        self.asked = threading.Event()
        self.sealed = threading.Event()
        self.failed = threading.Event()
        self.open = threading.Event()
        self.open.set()
        self.error: OSError | None = None

    def fill(self) -> None:
        self.error = OSError(errno.ENOSPC, "No space left on device")

    def _write_part(self, *args: Any, **more: Any) -> Any:
        self.asked.set()
        assert self.open.wait(30), "the test has left the disk shut"
        if self.error is not None:
            raise self.error
        return self._write(*args, **more)

    def _seal_segment(self, *args: Any) -> list[str]:
        try:
            faults = self._seal(*args)
        except OSError:
            self.failed.set()
            raise
        self.sealed.set()
        return faults

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.error = None
        self.open.set()


def rewrite_manifest(folder: Path, *, renamed: Mapping[str, str] | None = None) -> None:
    """Makes the manifest of a day fit the files that are there now, whatever they hold; some have a new name."""
    old = manifest.read_manifest(folder)
    files = []
    for file in old.files:
        path = folder / (renamed or {}).get(file.name, file.name)
        if path.is_file():
            data = path.read_bytes()
            facts = {"name": path.name, "size_bytes": len(data), "crc32c": _core.crc32c(data), "footer_crc32c": None}
            files.append(file.model_copy(update=facts))
    manifest.replace_manifest(folder, old.model_copy(update={"files": tuple(files)}))
