"""A store whose files cannot be written: loud, and nothing is lost or doubled."""

import asyncio
import errno
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.support.recording import Disk, files_of, read, tick, ticks
from trading.events.errors import CorruptFileError, StoreError, StoreLockedError, UnreadableFileWarning
from trading.events.persistence import EventReader, ParquetEventWriter, RotationPolicy
from trading.events.persistence.parquet.sealing import sealer, sealing


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    with Disk(monkeypatch) as made:
        yield made


STEPS = {
    "pq.ParquetWriter": (pq, "ParquetWriter"),
    "Path.open": (Path, "open"),
    "Path.read_bytes": (Path, "read_bytes"),
    "Path.write_bytes": (Path, "write_bytes"),
    "os.fsync": (os, "fsync"),
    "sealing.make_folder": (sealing, "make_folder"),
    "Path.rename": (Path, "rename"),
    "sealing.prepare_manifest": (sealing, "prepare_manifest"),
    "sealing.commit_manifest": (sealing, "commit_manifest"),
    "Path.unlink": (Path, "unlink"),
}


def fail(*_args: object, **_more: object) -> None:
    raise OSError(errno.EIO, "Input/output error")


async def test_a_flush_that_cannot_seal_says_why_and_the_events_stay_in_the_journal(tmp_path: Path, disk: Disk) -> None:
    async with ParquetEventWriter(tmp_path) as writer:
        await writer.write_batch(ticks(3))
        disk.fill()
        with pytest.raises(
            StoreError, match=r"stay in the journal to be tried again: .*No space left on device"
        ) as caught:
            await writer.flush(seal=True)
        assert isinstance(caught.value.__cause__, OSError)
        assert files_of(tmp_path) == []
        assert read(tmp_path) == ticks(3)
        disk.error = None
        await writer.flush(seal=True)
        assert len(files_of(tmp_path)) == 1
        assert read(tmp_path) == ticks(3)
    assert read(tmp_path) == ticks(3)


async def test_a_failure_in_the_background_is_logged_once_and_disturbs_nobody(
    tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sealer, "_RETRY_S", 0.001)
    writer = ParquetEventWriter(tmp_path, rotation=RotationPolicy(rows=1))
    disk.fill()
    await writer.write_event(tick(0))
    for _ in range(3):
        disk.failed.clear()
        await asyncio.to_thread(disk.failed.wait)
        await writer.write_event(tick(1))
    disk.sealed.clear()
    disk.error = None
    await asyncio.to_thread(disk.sealed.wait)
    await writer.aclose()
    assert read(tmp_path) == [tick(0), *[tick(1)] * 3]
    [logged] = caplog.records
    assert logged.levelno == logging.ERROR
    assert "they stay in the journal and are tried again: [Errno 28] No space left" in logged.message


async def test_a_close_that_fails_leaves_the_writer_open(tmp_path: Path, disk: Disk) -> None:
    writer = ParquetEventWriter(tmp_path)
    await writer.write_event(tick(0))
    disk.fill()
    with pytest.raises(StoreError, match="No space left on device"):
        await writer.aclose()
    with pytest.raises(StoreLockedError):
        ParquetEventWriter(tmp_path)
    await writer.write_event(tick(1))
    disk.error = None
    await writer.aclose()
    assert read(tmp_path) == ticks(2)


@pytest.mark.parametrize("step", STEPS)
async def test_a_failure_at_any_step_neither_loses_nor_doubles_an_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    expected = [*ticks(2), *ticks(2, symbol="ETH/USDT")]
    async with ParquetEventWriter(tmp_path) as writer:
        await writer.write_batch(expected)
        with monkeypatch.context() as patched:
            patched.setattr(*STEPS[step], fail)
            with pytest.raises(StoreError, match="Input/output error"):
                await writer.flush(seal=True)
        assert sorted_by_symbol(tmp_path) == expected
        await writer.flush(seal=True)
        assert sorted_by_symbol(tmp_path) == expected
    assert sorted_by_symbol(tmp_path) == expected
    assert len(files_of(tmp_path)) == 2


def sorted_by_symbol(store: Path) -> list[Any]:
    return sorted(read(store), key=lambda event: event.symbol or "")


async def test_a_file_that_is_not_what_was_written_gets_no_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_table = pq.ParquetWriter.write_table
    async with ParquetEventWriter(tmp_path) as writer:
        await writer.write_batch(ticks(2))
        with monkeypatch.context() as patched:
            patched.setattr(
                pq.ParquetWriter, "write_table", lambda self, table, **how: write_table(self, table.slice(1), **how)
            )
            with pytest.raises(StoreError, match="does not hold what was just written"):
                await writer.flush(seal=True)
        assert files_of(tmp_path) == []
    assert read(tmp_path) == ticks(2)


async def test_a_damaged_segment_is_sealed_as_far_as_it_can_be_and_readers_name_it_until_it_is_removed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with ParquetEventWriter(tmp_path) as writer:
        await writer.write_batch(ticks(3))
        [path] = [path for path in (tmp_path / "_journal").iterdir() if path.stat().st_size > 32]
        data = path.read_bytes()
        path.write_bytes(data.replace(b"tick-1", b"tick-X"))
        await writer.flush(seal=True)
    [damaged] = (tmp_path / "_journal").glob("*.segment.sealed.damaged")
    for reader in (EventReader(tmp_path, on_error="warn"), EventReader(tmp_path, on_error="warn")):
        with pytest.warns(UnreadableFileWarning, match=f"{damaged}: not all of it could be read"):
            assert list(reader.read_range()) == [tick(0), tick(2)]
    with pytest.raises(CorruptFileError, match="not all of it could be read") as caught:
        EventReader(tmp_path).count()
    assert caught.value.path == damaged
    [logged] = caplog.records
    assert "segment.sealed.damaged, since not all of it could be read: ['bytes" in logged.message
    damaged.unlink()
    assert read(tmp_path) == [tick(0), tick(2)]
