"""A store that cannot be written: loud, and nothing is lost or doubled."""

import asyncio
import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.events.recording import Disk, files_of, fill_up, read, tick, ticks
from trading.events.errors import StoreError, StoreLockedError
from trading.events.persistence import ParquetEventWriter, RotationPolicy, recorder, waiting_events


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    with Disk(monkeypatch) as made:
        yield made


PLACES = {
    "part_writer.pq.write_table": pq,
    "part_writer.os.fsync": os,
    "waiting_events.make_folder": waiting_events,
    "Path.rename": Path,
}


def fail(*_args: object, **_more: object) -> None:
    raise OSError(errno.EIO, "Input/output error")


def watch_failures(writer: ParquetEventWriter) -> threading.Event:
    """Set when the background thread knows of a failure."""
    recorder, known = writer._recorder, threading.Event()
    write = recorder._write

    def watched(*, everything: bool) -> StoreError | None:
        failure = write(everything=everything)
        if failure is not None:
            known.set()
        return failure

    recorder._write = watched
    return known


async def test_flush_raises_what_went_wrong_and_the_events_are_kept(tmp_path: Path, disk: Disk) -> None:
    async with ParquetEventWriter(tmp_path) as writer:
        await writer.write_batch(ticks(3))
        disk.fill()
        with pytest.raises(StoreError, match=r"kept to be tried again: .*No space left on device") as caught:
            await writer.flush()
        assert isinstance(caught.value.__cause__, OSError)
        assert files_of(tmp_path) == []
        disk.error = None
        await writer.flush()
        assert read(tmp_path) == ticks(3)
    assert read(tmp_path) == ticks(3)


async def test_a_failure_in_the_background_is_raised_once_by_the_next_call_which_takes_nothing(
    tmp_path: Path, disk: Disk
) -> None:
    failed = watch_failures(writer := ParquetEventWriter(tmp_path, rotation=RotationPolicy(rows=1)))
    disk.fill()
    await writer.write_event(tick(0))
    await asyncio.to_thread(failed.wait)
    with pytest.raises(StoreError, match="No space left on device"):
        await writer.write_event(tick(1))
    await writer.write_event(tick(2))
    disk.error = None
    await writer.aclose()
    assert read(tmp_path) == [tick(0), tick(2)]


async def test_one_who_waits_for_room_hears_of_the_failure(tmp_path: Path, disk: Disk) -> None:
    async with ParquetEventWriter(tmp_path, capacity=2) as writer:
        flushing, waiting = await fill_up(writer, disk)
        flushing.cancel()
        disk.fill()
        disk.open.set()
        with pytest.raises(StoreError, match="No space left on device"):
            await waiting
        disk.error = None
    assert read(tmp_path) == ticks(3)


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


async def test_a_full_memory_takes_no_more_until_the_disk_does(tmp_path: Path, disk: Disk) -> None:
    writer = ParquetEventWriter(tmp_path, capacity=1, rotation=RotationPolicy(size_bytes=1))
    failed = watch_failures(writer)
    disk.fill()
    await writer.write_event(tick(0))
    await asyncio.to_thread(failed.wait)
    with pytest.raises(StoreError, match="No space left on device"):
        await writer.write_event(tick(9))
    await writer.write_event(tick(1))
    waiting = asyncio.create_task(writer.write_event(tick(2)))
    done, _ = await asyncio.wait([waiting], timeout=0.2)
    assert not done
    disk.error = None
    await writer.flush()
    await waiting
    await writer.aclose()
    assert read(tmp_path) == ticks(3)


async def test_after_a_success_files_are_made_at_once_again(tmp_path: Path, disk: Disk) -> None:
    async with ParquetEventWriter(tmp_path, rotation=RotationPolicy(age_s=1e-9)) as writer:
        disk.fill()
        await writer.write_event(tick(0))
        with pytest.raises(StoreError):
            await writer.flush()
        disk.error = None
        await writer.flush()
        disk.succeeded.clear()
        await writer.write_event(tick(1))
        await asyncio.to_thread(disk.succeeded.wait)
    assert read(tmp_path) == ticks(2)


async def test_trying_again_in_vain_takes_no_more_into_a_full_memory(
    tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "_RETRY_S", 0.01)
    writer = ParquetEventWriter(tmp_path, rotation=RotationPolicy(size_bytes=1))
    failed = watch_failures(writer)
    disk.fill()
    await writer.write_event(tick(0))
    await asyncio.to_thread(failed.wait)
    while True:
        try:
            await writer.write_event(tick(1))
            break
        except StoreError:
            continue
    for _ in range(3):
        failed.clear()
        await asyncio.to_thread(failed.wait)
        assert len(writer._recorder._queue) == 1
    disk.error = None
    await writer.aclose()
    assert read(tmp_path) == ticks(2)


async def test_what_could_not_be_written_is_tried_again_by_itself(
    tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "_RETRY_S", 0.01)
    writer = ParquetEventWriter(tmp_path, rotation=RotationPolicy(rows=1))
    failed = watch_failures(writer)
    disk.fill()
    await writer.write_event(tick())
    await asyncio.to_thread(failed.wait)
    disk.succeeded.clear()
    disk.error = None
    await asyncio.to_thread(disk.succeeded.wait)
    await writer.aclose()
    assert read(tmp_path) == [tick()]


@pytest.mark.parametrize(
    "step", ["part_writer.pq.write_table", "part_writer.os.fsync", "waiting_events.make_folder", "Path.rename"]
)
async def test_a_failure_at_any_step_neither_loses_nor_doubles_an_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    async with ParquetEventWriter(tmp_path) as writer:
        await writer.write_batch(ticks(2) + ticks(2, symbol="ETH/USDT"))
        with monkeypatch.context() as patched:
            patched.setattr(PLACES[step], step.rpartition(".")[2], fail)
            with pytest.raises(StoreError, match="Input/output error"):
                await writer.flush()
        await writer.flush()
    assert len(read(tmp_path, symbol="BTC/USDT")) == len(read(tmp_path, symbol="ETH/USDT")) == 2


async def test_a_file_that_can_never_be_written_does_not_keep_the_others_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_part = waiting_events.write_part

    def write_but_one(table: pa.Table, temp: Path) -> None:
        if table["symbol"][0].as_py() == "A":
            fail()
        write_part(table, temp)

    async with ParquetEventWriter(tmp_path) as writer:
        await writer.write_batch([tick(0, symbol=symbol) for symbol in "ABC"])
        with monkeypatch.context() as patched:
            patched.setattr(waiting_events, "write_part", write_but_one)
            for _ in range(2):
                with pytest.raises(StoreError, match="Input/output error"):
                    await writer.flush()
            assert [event.symbol for event in read(tmp_path)] == ["B", "C"]
    assert [event.symbol for event in read(tmp_path)] == ["A", "B", "C"]


async def test_a_failed_sync_of_the_folder_is_raised_though_the_file_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ParquetEventWriter(tmp_path) as writer:
        await writer.write_event(tick())
        with monkeypatch.context() as patched:
            patched.setattr(waiting_events, "sync_folder", fail)
            with pytest.raises(StoreError, match="Input/output error"):
                await writer.flush()
    assert read(tmp_path) == [tick()]


async def test_a_file_that_is_not_what_was_written_gets_no_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_table = pq.write_table
    async with ParquetEventWriter(tmp_path) as writer:
        await writer.write_batch(ticks(2))
        with monkeypatch.context() as patched:
            patched.setattr(pq, "write_table", lambda table, file, **how: write_table(table.slice(1), file, **how))
            with pytest.raises(StoreError, match="does not hold what was just written"):
                await writer.flush()
        assert files_of(tmp_path) == []
    assert read(tmp_path) == ticks(2)
