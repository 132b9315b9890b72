"""A recording process that tells what it has been promised, and the check of what it leaves behind."""

import asyncio
import os
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from tests.support.classes.samples import sample
from trading.events.errors import StoreError
from trading.events.market_data import QuoteEvent, TickEvent, TradeEvent
from trading.events.persistence import (
    Durability,
    EventReader,
    Fault,
    ParquetEventWriter,
    RotationPolicy,
    compact,
    verify,
)
from trading.events.persistence.parquet.sealing import sealing

T = TypeVar("T")

MOMENTS = (
    datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2024, 3, 1, tzinfo=UTC),
    datetime(2023, 12, 31, 12, tzinfo=UTC),
    datetime(2100, 1, 1, tzinfo=UTC),
)
"""Midnight on a leap day, the moment after, late and future ones."""


@dataclass(frozen=True)
class Promises:
    """What a recording process has noted, event by event, by number.

    Attributes:
        begun: Given to the writer.
        kept: `write_event` or `write_batch` has returned; with `memory`, a `flush` since.
        durable: A `flush` has returned since, or they were written with `fsync`.
    """

    begun: frozenset[int]
    kept: frozenset[int]
    durable: frozenset[int]


def read_promises(notes: bytes) -> Promises:
    """The promises of one or several processes, by their notes."""
    begun, kept, durable = set[int](), set[int](), set[int]()
    for line in notes.decode().splitlines():
        kind, *numbers = line.split()
        if kind == "begin":
            begun.update(map(int, numbers))
        elif kind == "kept":
            kept.update(map(int, numbers))
        else:
            durable |= kept
    return Promises(frozenset(begun), frozenset(kept), frozenset(durable))


def record(store: Path, notes: Path, *, seed: int, steps: int) -> None:
    """Records events, and notes what it does; the program depends on the seed alone."""
    done = read_promises(notes.read_bytes() if notes.exists() else b"")
    first = max(done.begun, default=-1) + 1
    descriptor = os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    asyncio.run(_record(store, random.Random(seed), first, steps, lambda text: _note(descriptor, text)))


async def _record(store: Path, chance: random.Random, number: int, steps: int, note: Callable[[str], None]) -> None:
    sealing._FEW_FILES = chance.choice([1, 1_000])
    rotation = RotationPolicy(rows=chance.choice([3, 20, 1_000]), segments=chance.choice([2, 8]))
    durability: Durability = chance.choice(["journal", "fsync", "memory"])
    writer = await _insist(lambda: _open(store, rotation, durability))
    unkept = list[int]()
    for _ in range(steps):
        step = chance.random()
        if step < 0.7:
            count = 1 if step < 0.5 else chance.randrange(1, 8)
            numbers = range(number, number := number + count)
            events = [make_event(each, chance) for each in numbers]
            text = " ".join(map(str, numbers))
            note(f"begin {text}")
            is_written = await _write(writer, events)
            if durability == "memory":
                unkept += numbers
                continue
            note(f"kept {text}")
            if is_written and durability == "fsync":
                note("durable")
        elif step < 0.96:
            await _insist(lambda: writer.flush(seal=step > 0.85))  # noqa: B023 - called at once
            _note_durable(note, unkept)
        else:
            await _insist(lambda: asyncio.to_thread(compact, store))
    await _insist(writer.aclose)
    _note_durable(note, unkept)


def _note_durable(note: Callable[[str], None], unkept: list[int]) -> None:
    """Notes that all is durable, what nobody had been promised until now included."""
    if unkept:
        note(f"kept {' '.join(map(str, unkept))}")
        unkept.clear()
    note("durable")


async def _open(store: Path, rotation: RotationPolicy, durability: Durability) -> ParquetEventWriter:
    return ParquetEventWriter(store, rotation=rotation, durability=durability)


async def _write(writer: ParquetEventWriter, events: list[TickEvent | TradeEvent | QuoteEvent]) -> bool:
    """Whether nothing was said against it; the events are recorded even if they are not durable."""
    try:
        await (writer.write_event(events[0]) if len(events) == 1 else writer.write_batch(events))
    except StoreError:
        return False
    return True


async def _insist(call: Callable[[], Awaitable[T]]) -> T:
    """Calls again what says that it has failed."""
    for _ in range(20):
        try:
            return await call()
        except (StoreError, OSError):
            continue
    return await call()


def make_event(number: int, chance: random.Random) -> TickEvent | TradeEvent | QuoteEvent:
    """An event that bears a number."""
    cls = chance.choice([TickEvent, TradeEvent, QuoteEvent])
    moment = chance.choice(MOMENTS) + timedelta(microseconds=chance.randrange(3))
    return sample(cls, event_id=str(number), timestamp=moment, symbol=chance.choice(["A", "B/USDT", "ä" * 90]))


def _note(descriptor: int, text: str) -> None:
    os.write(descriptor, f"{text}\n".encode())


def check(store: Path, promised: frozenset[int], begun: frozenset[int]) -> list[str]:
    """What is wrong with a store, before and after another writer has had it."""
    sealing._FEW_FILES = len(begun) % 2 * 1_000  # sometimes what is left is sealed together
    faults = [f"as it was left: {fault}" for fault in _check_once(store, promised, begun)]
    asyncio.run(_open_and_close(store))
    faults += [f"after recovery: {fault}" for fault in _check_once(store, promised, begun)]
    compact(store)
    faults += [f"after compaction: {fault}" for fault in _check_once(store, promised, begun)]
    return [*faults, *(f"after compaction: {fault.path}: {fault.reason}" for fault in verify(store) if counts(fault))]


def counts(fault: Fault) -> bool:
    """Whether a fault is more than a file that an attempt which has died left behind, and that nobody looks at."""
    return "does not name it" not in fault.reason


def _check_once(store: Path, promised: frozenset[int], begun: frozenset[int]) -> list[str]:
    if not store.is_dir():
        return [f"{len(promised)} promised events and no store"] if promised else []
    stored = Counter(int(event.event_id) for event in EventReader(store).read_range())
    faults: list[str] = []
    if missing := promised - stored.keys():
        faults.append(f"{len(missing)} of {len(promised)} promised events are missing: {sorted(missing)[:9]}")
    if doubled := [number for number, count in stored.items() if count > 1]:
        faults.append(f"{len(doubled)} events are doubled: {sorted(doubled)[:9]}")
    if invented := stored.keys() - begun:
        faults.append(f"{len(invented)} events were never given: {sorted(invented)[:9]}")
    waiting = len(begun) - len(stored)
    if len(begun) != stored.total() + waiting or waiting > len(begun - promised):
        faults.append(f"{len(begun)} given are not {stored.total()} stored and {waiting} that nobody was promised")
    return faults


async def _open_and_close(store: Path) -> None:
    await ParquetEventWriter(store).aclose()
