"""What recording costs: on the caller's thread, until all is sealed, on the disk, in memory."""

import asyncio
import os
import resource
import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.figures.case import Case, Plan
from benchmarks.figures.comparison import settled
from benchmarks.ticks import make_ticks
from trading.events import encode_event
from trading.events.market_data import TickEvent
from trading.events.memory_bus import InMemoryEventBus
from trading.events.persistence import Durability, EventReader, ParquetEventWriter, RotationPolicy

FIELDS = tuple(TickEvent.model_fields)
CAPACITY = 1_000
"""Of the queue before the writer: a program that loses nothing lets its publishers wait."""


@contextmanager
def folder() -> Iterator[Path]:
    """A new folder on the disk."""
    path = Path(tempfile.mkdtemp(prefix="trading-events-bench-", dir="/var/tmp"))
    try:
        yield path
    finally:
        shutil.rmtree(path)


async def write_one_by_one(plan: Plan) -> list[float]:
    """`write_event` against encoding, appending to a list and writing as many bytes."""
    events = make_ticks(plan.size(20_000))
    figures: list[float] = []
    with folder() as path:
        for number in range(plan.rounds):
            store = path / str(number)
            async with ParquetEventWriter(store) as writer:
                await writer.write_batch(events[:10])
                start = time.perf_counter()
                for event in events:
                    await writer.write_event(event)
                ours = time.perf_counter() - start
                figures.append(ours / _write_bare(path / "bare", events))
            assert EventReader(store).count() == len(events) + 10
    return figures


def _write_bare(path: Path, events: Sequence[TickEvent]) -> float:
    descriptor, kept = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), list[bytes]()
    start = time.perf_counter()
    for event in events:
        row = encode_event(event)
        kept.append(row)
        os.write(descriptor, row)
    spent = time.perf_counter() - start
    os.close(descriptor)
    return spent


async def record_one_symbol(plan: Plan) -> list[float]:
    """A million events from publish to sealed, against the plain pyarrow way."""
    return await _record(plan, symbols=("BTC/USDT",))


async def record_many_symbols(plan: Plan) -> list[float]:
    """The same over a thousand symbols."""
    return await _record(plan, symbols=tuple(f"S{number}/USDT" for number in range(plan.size(1_000))))


async def record_many_symbols_at_once(plan: Plan) -> list[float]:
    """The same, where all of a symbol's events come into one file, as on the other side."""
    symbols = tuple(f"S{number}/USDT" for number in range(plan.size(1_000)))
    return await _record(plan, symbols=symbols, rotation=RotationPolicy(rows=2_000_000, size_bytes=2**30))


async def _record(plan: Plan, *, symbols: tuple[str, ...], rotation: RotationPolicy | None = None) -> list[float]:
    events = make_ticks(plan.size(1_000_000), symbols=symbols)
    figures: list[float] = []
    for _ in range(plan.rounds):
        with folder() as path, settled():
            start = time.perf_counter()
            await _publish_all(path / "store", events, rotation)
            ours = time.perf_counter() - start
            assert EventReader(path / "store").count() == len(events)
            start = time.perf_counter()
            write_plainly(path, events)
            figures.append(ours / (time.perf_counter() - start))
    return figures


async def record_beside_nautilus(plan: Plan) -> list[float]:
    """The first against NautilusTrader's catalog with as many QuoteTicks."""
    write, quotes = _make_catalog_writer(plan.size(1_000_000))
    events = make_ticks(len(quotes))
    with folder() as path, settled():
        start = time.perf_counter()
        await _publish_all(path / "store", events)
        ours = time.perf_counter() - start
        assert EventReader(path / "store").count() == len(events)
        start = time.perf_counter()
        write(path / "catalog", quotes)
        return [ours / (time.perf_counter() - start)]


def _make_catalog_writer(count: int) -> tuple[Callable[[Path, list[Any]], None], list[Any]]:
    """What writes quotes into a catalog, and the quotes."""
    from nautilus_trader.model.data import QuoteTick
    from nautilus_trader.model.identifiers import InstrumentId
    from nautilus_trader.model.objects import Price, Quantity
    from nautilus_trader.persistence.catalog import ParquetDataCatalog

    instrument = InstrumentId.from_str("BTC/USDT.BINANCE")
    quotes = [
        QuoteTick(
            instrument,
            Price(50_000 + number % 1000 / 10, 1),
            Price(50_000.1 + number % 1000 / 10, 1),
            Quantity(1 + number % 7, 0),
            Quantity(1 + number % 7, 0),
            number * 1_000_000,
            number * 1_000_000,
        )
        for number in range(count)
    ]
    return (lambda path, data: ParquetDataCatalog(str(path)).write_data(data)), quotes


def without_nautilus() -> str | None:
    """Why there is nothing to compare with, if so."""
    return None if find_spec("nautilus_trader") else "nautilus_trader is not installed: it needs Python 3.12"


async def _publish_all(store: Path, events: Sequence[TickEvent], rotation: RotationPolicy | None = None) -> None:
    async with ParquetEventWriter(store, rotation=rotation) as writer, InMemoryEventBus() as bus:
        await bus.subscribe("tick", writer.write_event, capacity=CAPACITY)
        for event in events:
            await bus.publish(event)
        await bus.join()


def write_plainly(path: Path, events: Sequence[TickEvent]) -> int:
    """Attributes to arrays to files, one a symbol; returns how many bytes they have."""
    by_symbol = defaultdict[str | None, list[TickEvent]](list)
    for event in events:
        by_symbol[event.symbol].append(event)
    size_bytes = 0
    for number, group in enumerate(by_symbol.values()):
        columns = {name: [getattr(event, name) for event in group] for name in FIELDS}
        columns["metadata"] = [str(value) for value in columns["metadata"]]
        target = path / f"{number}.parquet"
        pq.write_table(pa.table(columns), target, compression="zstd")
        size_bytes += target.stat().st_size
    return size_bytes


async def stand_still_while_recording(plan: Plan) -> list[float]:
    """The longest time between two turns of the loop while a million events are recorded and sealed."""
    events = make_ticks(plan.size(1_000_000))
    figures: list[float] = []
    for _ in range(plan.rounds):
        with folder() as path, settled():
            watching = asyncio.create_task(_longest_turn())
            await asyncio.sleep(0)
            await _publish_all(path / "store", events)
            watching.cancel()
            figures.append(await watching * 1e3)
            assert EventReader(path / "store").count() == len(events)
    return figures


async def _longest_turn() -> float:
    longest, before = 0.0, time.perf_counter()
    try:
        while True:
            await asyncio.sleep(0)
            now = time.perf_counter()
            longest, before = max(longest, now - before), now
    except asyncio.CancelledError:
        return longest


async def write_batches(plan: Plan) -> list[float]:
    """p99 of `write_batch` of a thousand, in milliseconds."""
    return [time_s * 1e3 for time_s in await _time_batches(plan, "journal", bare=False)]


async def write_durable_batches(plan: Plan) -> list[float]:
    """p99 of the same with `fsync`, against a bare write and `fdatasync`."""
    ours = await _time_batches(plan, "fsync", bare=False)
    bare = await _time_batches(plan, "fsync", bare=True)
    return [one / other for one, other in zip(ours, bare, strict=True)]


async def _time_batches(plan: Plan, durability: Durability, *, bare: bool) -> list[float]:
    events, count = make_ticks(1_000), plan.size(200)
    figures: list[float] = []
    for _ in range(plan.rounds):
        with folder() as path:
            times: list[float] = []
            async with ParquetEventWriter(path / "store", durability=durability) as writer:
                descriptor = os.open(path / "bare", os.O_WRONLY | os.O_CREAT)
                for _ in range(count):
                    start = time.perf_counter()
                    if bare:
                        os.write(descriptor, b"".join(map(encode_event, events)))
                        os.fdatasync(descriptor)
                    else:
                        await writer.write_batch(events)
                    times.append(time.perf_counter() - start)
                os.close(descriptor)
            assert EventReader(path / "store").count() == (0 if bare else count * len(events))
            figures.append(sorted(times)[int(count * 0.99) - 1])
    return figures


async def weigh(plan: Plan) -> list[float]:
    """Bytes an event on the disk, against zstd Parquet with plain settings."""
    events = make_ticks(plan.size(200_000))
    with folder() as path:
        async with ParquetEventWriter(path / "store") as writer:
            await writer.write_batch(events)
        ours = sum(file.size_bytes for file in EventReader(path / "store").files())
        return [ours / write_plainly(path, events)]


async def grow(plan: Plan) -> list[float]:
    """Memory that the process has grown by while a million events were recorded, in megabytes."""
    events = make_ticks(1_000)
    with folder() as path:
        async with ParquetEventWriter(path / "store") as writer:
            await writer.write_batch(events)
            await writer.flush(seal=True)
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            for _ in range(plan.size(1_000)):
                await writer.write_batch(events)
                await asyncio.sleep(0)
        return [(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1_000]


STORE_CASES = (
    Case(
        "store_write",
        "`write_event` on the caller's thread, against `encode_event`, `list.append` and a bare `os.write`",
        write_one_by_one,
        bound=1.3,
        aim=1.1,
        rounds=10,
    ),
    Case(
        "store_million",
        "1,000,000 events from publish to sealed Parquet, against attributes to arrays to `write_table`, zstd",
        record_one_symbol,
        bound=1 / 3,
        aim=1 / 6,
        rounds=1,
        cycles=1,
    ),
    Case(
        "store_symbols",
        "the same over 1,000 symbols",
        record_many_symbols,
        bound=1 / 2,
        aim=1 / 4,
        rounds=1,
        cycles=1,
    ),
    Case(
        "store_symbols_at_once",
        "the same, sealed at once: `RotationPolicy(rows=2_000_000, size_bytes=2**30)`",
        record_many_symbols_at_once,
        rounds=1,
        cycles=1,
    ),
    Case(
        "store_nautilus",
        "the first against NautilusTrader's catalog writing as many `QuoteTick`s",
        record_beside_nautilus,
        bound=1 / 1.5,
        aim=1 / 3,
        rounds=1,
        cycles=1,
        what_is_missing=without_nautilus,
    ),
    Case(
        "store_stall",
        "longest time the loop stands still while a million events are recorded and sealed",
        stand_still_while_recording,
        bound=10.0,
        aim=2.0,
        unit=" ms",
        rounds=1,
        cycles=1,
    ),
    Case(
        "store_batch",
        "`write_batch` of 1,000, p99, `journal`",
        write_batches,
        bound=10.0,
        aim=2.0,
        unit=" ms",
        rounds=3,
    ),
    Case(
        "store_fsync",
        "the same with `fsync`, p99, against encoding, a bare write and `fdatasync`",
        write_durable_batches,
        bound=3.0,
        aim=1.5,
        rounds=3,
    ),
    Case(
        "store_bytes",
        "bytes an event on the disk, against zstd Parquet with plain settings",
        weigh,
        bound=0.8,
        aim=0.72,
        rounds=1,
        cycles=1,
    ),
    Case(
        "store_memory",
        "memory that the writer has grown by while a million events pass",
        grow,
        bound=100.0,
        aim=50.0,
        unit=" MB",
        rounds=1,
        cycles=1,
    ),
)
