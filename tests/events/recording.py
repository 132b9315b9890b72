"""Small recordings to test stores with."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.events.samples import sample
from trading.events.base import BaseEvent
from trading.events.market_data import TickEvent
from trading.events.persistence import EventReader, ParquetEventWriter

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
