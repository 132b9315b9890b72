"""ParquetEventWriter: bounded, loud, and losing nothing while its process lives."""

import asyncio
import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.events.recording import Disk, files_of, fill_up, read, tick, ticks
from trading.events.errors import (
    NotAnEventError,
    StoreClosedError,
    StoreLockedError,
    StorePathError,
    UnstorableEventError,
)
from trading.events.market_data import TickEvent
from trading.events.persistence import EventReader, ParquetEventWriter, parquet_writer


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    with Disk(monkeypatch) as made:
        yield made


class TestWhatIsTaken:
    @pytest.mark.parametrize("wrong", [None, "tick", {}, TickEvent, object()])
    async def test_something_that_is_no_event_is_refused(self, tmp_path: Path, wrong: Any) -> None:
        async with ParquetEventWriter(tmp_path) as writer:
            with pytest.raises(NotAnEventError, match="only events can be recorded, not"):
                await writer.write_event(wrong)

    async def test_a_batch_with_something_that_is_no_event_is_refused_whole(self, tmp_path: Path) -> None:
        async with ParquetEventWriter(tmp_path) as writer:
            with pytest.raises(NotAnEventError):
                await writer.write_batch([tick(), "tick"])
        assert read(tmp_path) == []

    async def test_a_batch_may_be_any_iterable_even_an_empty_one(self, tmp_path: Path) -> None:
        async with ParquetEventWriter(tmp_path) as writer:
            await writer.write_batch([])
            await writer.write_batch(event for event in ticks(2))
        assert read(tmp_path) == ticks(2)

    async def test_what_was_taken_is_in_the_store_when_flush_returns(self, tmp_path: Path) -> None:
        async with ParquetEventWriter(tmp_path) as writer:
            await writer.write_event(tick())
            await writer.flush()
            assert read(tmp_path) == [tick()]

    async def test_a_flush_with_nothing_to_write_makes_no_file(self, tmp_path: Path) -> None:
        async with ParquetEventWriter(tmp_path) as writer:
            await writer.flush()
        assert files_of(tmp_path) == []

    async def test_an_event_that_no_model_would_accept_does_not_take_others_with_it(self, tmp_path: Path) -> None:
        good = ticks(9)
        broken = [TickEvent.model_construct(**dict(tick()) | {"event_id": "broken", "bid": "cheap"}) for _ in range(2)]
        naive = TickEvent.model_construct(**dict(tick()) | {"timestamp": tick().timestamp.replace(tzinfo=None)})
        empty = TickEvent.model_construct(metadata={})
        async with ParquetEventWriter(tmp_path) as writer:
            await writer.write_batch([*good[:4], broken[0], *good[4:], broken[1], naive, empty])
            with pytest.raises(UnstorableEventError, match="TickEvent broken has not been stored") as caught:
                await writer.flush()
            assert len(caught.value.__notes__) == 3
            await writer.flush()
        assert read(tmp_path) == good


class TestTheStore:
    async def test_a_file_is_no_place_for_a_store(self, tmp_path: Path) -> None:
        path = tmp_path / "file"
        path.touch()
        with pytest.raises(StorePathError, match="file is a file; a store needs a folder"):
            ParquetEventWriter(path)

    async def test_nor_is_a_folder_below_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(StorePathError, match="cannot hold a store"):
            ParquetEventWriter(tmp_path / "file" / "store")

    @pytest.mark.parametrize("capacity", [0, -1])
    async def test_a_capacity_that_is_not_positive_is_refused(self, tmp_path: Path, capacity: int) -> None:
        with pytest.raises(ValueError, match="capacity must be at least 1"):
            ParquetEventWriter(tmp_path, capacity=capacity)

    async def test_a_second_writer_is_refused_until_the_first_is_closed(self, tmp_path: Path) -> None:
        async with ParquetEventWriter(tmp_path):
            with pytest.raises(StoreLockedError, match=f"another writer, in process {os.getpid()}"):
                ParquetEventWriter(tmp_path)
        async with ParquetEventWriter(tmp_path) as writer:
            assert writer.base_path == tmp_path

    async def test_a_relative_path_may_be_used(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        async with ParquetEventWriter("a/b") as writer:
            await writer.write_event(tick())
            events = EventReader("a/b").read_range()
            monkeypatch.chdir("/")
        assert list(events) == read(tmp_path / "a" / "b") == [tick()]


class TestClosing:
    async def test_a_closed_writer_refuses_everything_but_to_be_closed_again(self, tmp_path: Path) -> None:
        writer = ParquetEventWriter(tmp_path)
        await writer.aclose()
        for call in (writer.write_event(tick()), writer.write_batch([tick()]), writer.flush()):
            with pytest.raises(StoreClosedError):
                await call
        await writer.aclose()

    async def test_a_closing_writer_takes_no_more(self, tmp_path: Path, disk: Disk) -> None:
        writer = ParquetEventWriter(tmp_path)
        await writer.write_event(tick())
        disk.open.clear()
        closing = [asyncio.create_task(writer.aclose()) for _ in range(2)]
        await asyncio.to_thread(disk.asked.wait)
        with pytest.raises(StoreClosedError):
            await writer.write_event(tick())
        with pytest.raises(StoreClosedError):
            await writer.flush()
        disk.open.set()
        await asyncio.gather(*closing)
        assert read(tmp_path) == [tick()]

    async def test_a_writer_that_is_dropped_is_closed(self, tmp_path: Path) -> None:
        writer = ParquetEventWriter(tmp_path)
        await writer.write_event(tick())
        del writer
        gc.collect()
        assert read(tmp_path) == [tick()]
        await ParquetEventWriter(tmp_path).aclose()

    async def test_a_close_that_is_cancelled_goes_on(self, tmp_path: Path, disk: Disk) -> None:
        writer = ParquetEventWriter(tmp_path)
        await writer.write_event(tick())
        disk.open.clear()
        closing = asyncio.create_task(writer.aclose())
        await asyncio.to_thread(disk.asked.wait)
        closing.cancel()
        await asyncio.wait([closing])
        disk.open.set()
        thread = writer._recorder.thread
        await asyncio.to_thread(thread.join)
        del writer, closing
        gc.collect()
        assert read(tmp_path) == [tick()]

    async def test_a_writer_that_its_own_thread_drops_does_not_wait_for_itself(
        self, tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        writer = ParquetEventWriter(tmp_path)
        recorder = writer._recorder
        write = recorder._waiting.write_all

        def drop_and_write() -> None:
            parquet_writer._close(recorder, os.getpid())
            write()

        monkeypatch.setattr(recorder._waiting, "write_all", drop_and_write)
        await writer.write_event(tick())
        await writer.flush()
        await asyncio.to_thread(recorder.thread.join)
        assert read(tmp_path) == [tick()]

    def test_the_end_of_the_interpreter_closes_it(self, tmp_path: Path) -> None:
        script = """
            import asyncio, sys
            from tests.events.recording import tick
            from trading.events.persistence import ParquetEventWriter
            writer = ParquetEventWriter(sys.argv[1])
            asyncio.run(writer.write_event(tick()))
        """
        run_python(script, tmp_path)
        assert read(tmp_path) == [tick()]

    def test_a_forked_child_can_neither_write_nor_keep_the_store_locked(self, tmp_path: Path) -> None:
        script = """
            import asyncio, os, sys
            from tests.events.recording import tick
            from trading.events.errors import StoreClosedError
            from trading.events.persistence import ParquetEventWriter
            writer = ParquetEventWriter(sys.argv[1])
            reading, writing = os.pipe()
            child = os.fork()
            if child == 0:
                for call in (writer.write_event(tick()), writer.flush()):
                    try:
                        asyncio.run(call)
                    except StoreClosedError:
                        continue
                    os._exit(1)
                asyncio.run(writer.aclose())
                os.read(reading, 1)
                sys.exit(0)
            asyncio.run(writer.write_event(tick()))
            asyncio.run(writer.aclose())
            asyncio.run(ParquetEventWriter(sys.argv[1]).aclose())
            os.write(writing, b".")
            sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        """
        run_python(script, tmp_path)
        assert read(tmp_path) == [tick()]


def run_python(script: str, *args: object) -> None:
    """Runs a script that must end well."""
    lines = script.splitlines()
    indent = len(lines[1]) - len(lines[1].lstrip())
    text = "\n".join(line[indent:] for line in lines)
    subprocess.run([sys.executable, "-c", text, *map(str, args)], check=True, timeout=60)  # noqa: S603 - our own script


class TestBackpressure:
    async def test_write_event_waits_while_the_thread_is_behind(self, tmp_path: Path, disk: Disk) -> None:
        async with ParquetEventWriter(tmp_path, capacity=2) as writer:
            flushing, waiting = await fill_up(writer, disk)
            assert not waiting.done()
            disk.open.set()
            await asyncio.gather(flushing, waiting)
        assert read(tmp_path) == ticks(4)

    async def test_an_event_whose_write_is_cancelled_while_it_waits_is_not_taken(
        self, tmp_path: Path, disk: Disk
    ) -> None:
        async with ParquetEventWriter(tmp_path, capacity=2) as writer:
            flushing, waiting = await fill_up(writer, disk)
            waiting.cancel()
            await asyncio.wait([waiting])
            disk.open.set()
            await flushing
        assert read(tmp_path) == ticks(3)

    async def test_a_cancelled_flush_harms_nobody(self, tmp_path: Path, disk: Disk) -> None:
        async with ParquetEventWriter(tmp_path, capacity=2) as writer:
            flushing, waiting = await fill_up(writer, disk)
            flushing.cancel()
            disk.open.set()
            await waiting
        assert read(tmp_path) == ticks(4)
