"""A store is not replayed into itself, unless that is meant."""

import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest

from tests.support.recording import START, read, record, ticks
from trading.events import InMemoryEventBus
from trading.events.cli import main
from trading.events.errors import ReplayIntoItselfError
from trading.events.persistence import EventReader, ParquetEventWriter
from trading.events.persistence.parquet.store.store_lock import find_writer

COUNT = 20


@pytest.fixture
def store(tmp_path: Path) -> Path:
    record(tmp_path / "store", ticks(COUNT))
    return tmp_path / "store"


async def test_a_replay_where_its_own_writer_records_is_refused(store: Path) -> None:
    """Turned red by: comparing paths as they were given."""
    (store.parent / "link").symlink_to(store)
    async with ParquetEventWriter(store) as writer, InMemoryEventBus() as bus:
        await bus.subscribe("*", writer.write_event)
        for path in (store, store.parent / "link", store / ".." / "store"):
            with pytest.raises(ReplayIntoItselfError, match=r"would be in it twice.*into_itself=True"):
                EventReader(path).replay(bus, speed=None)
    assert len(read(store)) == COUNT


async def test_said_so_it_doubles_the_store(store: Path) -> None:
    async with ParquetEventWriter(store) as writer, InMemoryEventBus() as bus:
        await bus.subscribe("*", writer.write_event)
        assert await EventReader(store).replay(bus, speed=None, into_itself=True) == COUNT
    assert len(read(store)) == 2 * COUNT


async def test_a_writer_that_comes_later_ends_the_replay(store: Path) -> None:
    """Turned red by: looking at the bus once."""
    async with ParquetEventWriter(store) as writer, InMemoryEventBus() as bus:
        replay = EventReader(store).replay(bus, speed=None)
        await bus.subscribe("*", writer.write_event)
        with pytest.raises(ReplayIntoItselfError):
            await replay
    assert len(read(store)) == COUNT


async def test_other_stores_and_former_writers_are_let_be(store: Path, tmp_path: Path) -> None:
    """Turned red by: refusing every bus that has a writer."""
    other = tmp_path / "other"
    async with ParquetEventWriter(other) as copy, ParquetEventWriter(store) as former, InMemoryEventBus() as bus:
        await bus.subscribe("*", copy.write_event)
        sid = await bus.subscribe("*", former.write_event)
        await bus.unsubscribe(sid)
        assert await EventReader(store).replay(bus, speed=None) == COUNT
    assert read(other) == read(store)
    assert len(read(store)) == COUNT


async def test_a_subscription_is_not_given_the_store_that_it_records_into(store: Path) -> None:
    async with ParquetEventWriter(store) as writer, InMemoryEventBus() as bus:
        with pytest.raises(ReplayIntoItselfError, match="into the same store once more"):
            await bus.subscribe("*", writer.write_event, start=START, store=EventReader(store))
        assert not bus.statistics().subscriptions


async def test_whatever_publishes_may_stand_for_a_bus(store: Path) -> None:
    bus = Mock()
    EventReader(store).replay(bus, speed=None)


def test_the_command_refuses_a_server_while_somebody_records_into_the_store(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Turned red by: taking the process in the lock's file for one that holds it."""
    code = (
        "import asyncio, sys; from trading.events.persistence import ParquetEventWriter\n"
        f"writer = ParquetEventWriter({str(store)!r}); print(flush=True); sys.stdin.read()"
    )
    assert find_writer(store) is None
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code], **pipes) as recorder:  # type: ignore[call-overload]
        recorder.stdout.read(1)
        assert find_writer(store) == recorder.pid
        assert main(["replay", str(store), "redis://127.0.0.1:1", "--speed", "max"]) == 1
        assert f"is being written to by process {recorder.pid}" in capsys.readouterr().err
        assert main(["replay", str(store), "--speed", "max"]) == 0
        assert main(["replay", str(store), "redis://127.0.0.1:1", "--speed", "max", "--into-itself"]) == 1
        assert "127.0.0.1:1" in capsys.readouterr().err
        recorder.communicate()
    assert find_writer(store) is None
