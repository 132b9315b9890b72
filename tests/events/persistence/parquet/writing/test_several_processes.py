"""A store that several processes have open: readers see all that was acknowledged, and writers do not meet."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.recording import read, record, tick, ticks
from trading.events.errors import StoreLockedError
from trading.events.market_data import TickEvent
from trading.events.persistence import ParquetEventWriter, RotationPolicy, compact

READER = """
import sys
from trading.events.persistence import EventReader
reader = EventReader(sys.argv[1])
for _ in sys.stdin:
    print(*(event.event_id for event in reader.read_range()), flush=True)
"""

WRITER = """
import asyncio, sys
from tests.support.recording import ticks
from trading.events.persistence import ParquetEventWriter
async def main():
    writer = ParquetEventWriter(sys.argv[1])
    await writer.write_batch(ticks(3))
    print("written", flush=True)
    sys.stdin.readline()
asyncio.run(main())
"""


class Process:
    """Another process, which answers line by line."""

    def __init__(self, program: str, store: Path) -> None:
        command = [sys.executable, "-c", program, str(store)]
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def ask(self) -> list[str]:
        assert self.child.stdin is not None
        self.child.stdin.write("?\n")
        return self.hear()

    def hear(self) -> list[str]:
        assert self.child.stdout is not None
        return self.child.stdout.readline().split()

    def kill(self) -> None:
        self.child.kill()
        self.child.communicate()


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Process]:
    record(tmp_path, [])
    process = Process(READER, tmp_path)
    yield process
    process.kill()


def ids(events: list[TickEvent]) -> list[str]:
    return [event.event_id for event in events]


async def test_another_process_sees_all_that_was_acknowledged_while_it_is_sealed_and_merged(
    tmp_path: Path, reader: Process
) -> None:
    events = ticks(200)
    async with ParquetEventWriter(tmp_path, rotation=RotationPolicy(rows=7)) as writer:
        for start in range(0, len(events), 10):
            await writer.write_event(events[start])
            await writer.write_batch(events[start + 1 : start + 10])
            upkeep = asyncio.gather(writer.flush(seal=True), asyncio.to_thread(compact, tmp_path))
            assert await asyncio.to_thread(reader.ask) == ids(events[: start + 10])
            await upkeep
        await writer.write_event(tick(200))
        assert await asyncio.to_thread(reader.ask) == ids(ticks(201))
    assert await asyncio.to_thread(reader.ask) == ids(ticks(201))


async def test_a_store_that_another_process_writes_to_is_refused_by_its_number_until_that_is_killed(
    tmp_path: Path, reader: Process
) -> None:
    other = Process(WRITER, tmp_path)
    assert await asyncio.to_thread(other.hear) == ["written"]
    with pytest.raises(StoreLockedError, match=f"another writer, in process {other.child.pid}; close that one first"):
        ParquetEventWriter(tmp_path)
    await asyncio.to_thread(other.kill)
    assert await asyncio.to_thread(reader.ask) == ids(ticks(3))
    async with ParquetEventWriter(tmp_path) as writer:
        assert (writer.recovery.rows, other.child.returncode) == (3, -9)
        with pytest.raises(StoreLockedError, match=f"in process {os.getpid()}"):
            ParquetEventWriter(tmp_path)
    assert read(tmp_path) == ticks(3)
