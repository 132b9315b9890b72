"""A disk that is really full: the bus lives, the error says what to do, and nothing is lost."""

import asyncio
import logging
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.recording import files_of, read, tick, ticks
from trading.events.errors import StoreError
from trading.events.market_data import TickEvent
from trading.events.memory_bus import InMemoryEventBus
from trading.events.persistence import ParquetEventWriter, verify
from trading.events.persistence.parquet.journal import flusher
from trading.events.persistence.parquet.sealing import sealer

PAGES = 96


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 384 kB, in memory."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={PAGES * 4}k", "tmpfs", str(tmp_path)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody mount a file system")
    yield tmp_path
    subprocess.run(["umount", "-l", str(tmp_path)], check=True)  # noqa: S607 - our own command


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flusher, "_RETRY_S", 0.01)
    monkeypatch.setattr(sealer, "_RETRY_S", 0.01)


def fill(disk: Path) -> Path:
    """Leaves no room at all."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            return ballast
    raise AssertionError


async def test_an_event_waits_for_room_and_is_then_recorded(small_disk: Path, caplog: pytest.LogCaptureFixture) -> None:
    store, recorded = small_disk / "store", [tick(0)]

    async def write_many() -> None:
        for number in range(1, 1_000):
            await writer.write_event(tick(number))
            recorded.append(tick(number))

    async with ParquetEventWriter(store) as writer:
        await writer.write_event(tick(0))
        ballast = fill(small_disk)
        writing = asyncio.create_task(write_many())
        done, _ = await asyncio.wait([writing], timeout=0.3)
        try:
            assert not done
            assert read(store) == recorded
            with pytest.raises(StoreError, match="1 events wait for the disk"):
                await writer.aclose()
        finally:
            ballast.unlink()
        await writing
    assert len(recorded) == 1_000
    assert read(store) == recorded
    logged = [record for record in caplog.records if "cannot be recorded" in record.message]
    assert logged[0].levelno == logging.ERROR
    assert "No space left on device; make room on the disk" in logged[0].message
    assert list(verify(store)) == []


async def test_an_event_stands_behind_those_that_wait_even_when_there_is_room_again(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flusher, "_RETRY_S", 3_600.0)
    store = small_disk / "store"
    async with ParquetEventWriter(store) as writer:
        await writer.write_event(tick(0))
        ballast = fill(small_disk)
        events, writing = [tick(0)], list[asyncio.Task[None]]()
        while not writer._flusher.waiting:
            events.append(tick(len(events)))
            writing.append(asyncio.create_task(writer.write_event(events[-1])))
            await asyncio.sleep(0)
        ballast.unlink()
        events.append(tick(len(events), after_s=len(events) - 1))
        writing.append(asyncio.create_task(writer.write_event(events[-1])))
        await asyncio.sleep(0)
        await writer.flush()
        await asyncio.gather(*writing)
    assert read(store) == events


async def test_a_bus_goes_on_and_its_queue_holds_what_there_is_no_room_for(small_disk: Path) -> None:
    heard, store = asyncio.Event(), small_disk / "store"

    def hear(event: TickEvent) -> None:
        if event.bid == 999:
            heard.set()

    async with ParquetEventWriter(store) as writer, InMemoryEventBus() as bus:
        sid = await bus.subscribe("tick", writer.write_event, capacity=2_000)
        await bus.subscribe("tick", hear)
        ballast = fill(small_disk)
        try:
            await bus.publish_batch(ticks(1_000))
            await heard.wait()
            counts = bus.statistics().subscriptions[sid]
            assert (counts.accepted, counts.failed, sum(counts.dropped.values())) == (1_000, 0, 0)
            assert counts.handled < 1_000
            assert counts.handled + counts.waiting == 1_000
        finally:
            ballast.unlink()
        await bus.join()
    assert read(store) == ticks(1_000)


async def test_what_cannot_be_sealed_stays_in_the_journal_until_there_is_room(small_disk: Path) -> None:
    store = small_disk / "store"
    async with ParquetEventWriter(store) as writer:
        await writer.write_batch(ticks(100))
        ballast = fill(small_disk)
        with pytest.raises(StoreError, match="No space left on device"):
            await writer.flush(seal=True)
        assert files_of(store) == []
        assert read(store) == ticks(100)
        ballast.unlink()
        await writer.flush(seal=True)
        assert len(files_of(store)) == 1
    assert read(store) == ticks(100)
