"""ParquetEventWriter: bounded, loud, and losing nothing while its process lives."""

import asyncio
import gc
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.patience import PATIENCE_S
from tests.support.recording import Disk, files_of, journal_of, read, tick, ticks
from trading.events.errors import (
    NotAnEventError,
    StoreClosedError,
    StoreLockedError,
    StorePathError,
    UnstorableEventError,
)
from trading.events.market_data import TickEvent
from trading.events.persistence import Durability, EventReader, ParquetEventWriter, Recovery, parquet_writer
from trading.events.persistence.encoding import encode_row
from trading.events.persistence.parquet.journal import flusher
from trading.events.persistence.parquet.sealing import sealer


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

    async def test_what_was_written_is_in_the_store_at_once(self, tmp_path: Path) -> None:
        async with ParquetEventWriter(tmp_path) as writer:
            await writer.write_event(tick(0))
            assert read(tmp_path) == ticks(1)
            await writer.flush()
            assert read(tmp_path) == ticks(1)
            assert files_of(tmp_path) == []

    async def test_what_was_written_is_in_a_file_when_a_flush_that_seals_returns(self, tmp_path: Path) -> None:
        async with ParquetEventWriter(tmp_path) as writer:
            await writer.write_event(tick(0))
            await writer.flush(seal=True)
            assert files_of(tmp_path) == ["2024/01/01/tick_binance_BTCUSDT.parquet"]
            await writer.write_event(tick(1))
            assert read(tmp_path) == ticks(2)

    async def test_all_that_a_closed_writer_leaves_in_the_journal_is_an_empty_segment(self, tmp_path: Path) -> None:
        for number in range(3):
            async with ParquetEventWriter(tmp_path) as writer:
                await writer.write_event(tick(number))
            assert len(journal_of(tmp_path)) == 1
        async with ParquetEventWriter(tmp_path) as writer:
            assert writer.recovery == Recovery(rows=0, torn_bytes=0, damaged_bytes=0)
        assert read(tmp_path) == ticks(3)

    async def test_a_flush_with_nothing_to_write_makes_no_file(self, tmp_path: Path) -> None:
        async with ParquetEventWriter(tmp_path) as writer:
            await writer.flush()
            await writer.flush(seal=True)
        assert files_of(tmp_path) == []

    @pytest.mark.parametrize(
        "changes",
        [{"bid": "cheap"}, {"timestamp": datetime(2024, 1, 1)}, {"exchange_timestamp": None}],
    )
    async def test_an_event_that_no_model_would_accept_is_refused_and_leaves_nothing(
        self, tmp_path: Path, changes: dict[str, Any]
    ) -> None:
        broken = TickEvent.model_construct(**dict(tick()) | {"event_id": "broken"} | changes)
        async with ParquetEventWriter(tmp_path) as writer:
            if "exchange_timestamp" not in changes:
                with pytest.raises(UnstorableEventError, match="TickEvent broken cannot be stored"):
                    await writer.write_batch([tick(0), broken])
            await writer.write_event(tick(1))
        assert read(tmp_path) == [tick(1)]

    @pytest.mark.parametrize("durability", ["memory", "journal", "fsync"])
    async def test_every_durability_records_the_same(self, tmp_path: Path, durability: Durability) -> None:
        async with ParquetEventWriter(tmp_path, durability=durability) as writer:
            await writer.write_event(tick(0))
            await writer.write_batch(ticks(3)[1:])
            await writer.flush()
            assert read(tmp_path) == ticks(3)
        assert read(tmp_path) == ticks(3)

    async def test_with_fsync_each_event_is_on_the_disk_when_its_write_returns(self, tmp_path: Path) -> None:
        async with ParquetEventWriter(tmp_path, durability="fsync") as writer:
            journal = writer._flusher.journal
            for event in ticks(3):
                await writer.write_event(event)
                assert journal.synced == journal.place

    async def test_a_durability_that_there_is_not_is_refused(self, tmp_path: Path) -> None:
        wrong: Any = "disk"
        with pytest.raises(ValueError, match="'memory', 'journal' or 'fsync', not 'disk'"):
            ParquetEventWriter(tmp_path, durability=wrong)

    async def test_what_is_in_memory_only_is_written_after_a_while(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(flusher, "_UNSYNCED_S", 0.01)
        async with ParquetEventWriter(tmp_path, durability="memory") as writer:
            synced, walk = threading.Event(), writer._flusher._walk_line

            def walk_and_tell() -> None:
                walk()
                synced.set()

            monkeypatch.setattr(writer._flusher, "_walk_line", walk_and_tell)
            await writer.write_event(tick(0))
            await asyncio.to_thread(synced.wait)
            assert read(tmp_path) == ticks(1)


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
        writer._flusher.journal.append(encode_row(tick(1)))  # as one that came just before: the next tells nothing
        with pytest.raises(StoreClosedError):
            await writer.write_event(tick(2))
        with pytest.raises(StoreClosedError):
            await writer.flush()
        disk.open.set()
        await asyncio.gather(*closing)
        assert read(tmp_path) == ticks(2)

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
        thread = writer._sealer.thread
        await asyncio.to_thread(thread.join)
        del writer, closing
        gc.collect()
        assert read(tmp_path) == [tick()]

    async def test_a_writer_that_its_own_thread_drops_does_not_wait_for_itself(
        self, tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        writer = ParquetEventWriter(tmp_path)
        thread, seal = writer._sealer, sealer.seal_segment

        def drop_and_seal(*args: Any) -> list[str]:
            parquet_writer._close(thread, os.getpid())
            return seal(*args)

        monkeypatch.setattr(sealer, "seal_segment", drop_and_seal)
        await writer.write_event(tick())
        await writer.flush(seal=True)
        await asyncio.to_thread(thread.thread.join)
        assert read(tmp_path) == [tick()]

    def test_the_end_of_the_interpreter_closes_it(self, tmp_path: Path) -> None:
        script = """
            import asyncio, sys
            from tests.support.recording import tick
            from trading.events.persistence import ParquetEventWriter
            writer = ParquetEventWriter(sys.argv[1])
            asyncio.run(writer.write_event(tick()))
        """
        run_python(script, tmp_path)
        assert read(tmp_path) == [tick()]

    def test_a_forked_child_can_neither_write_nor_keep_the_store_locked(self, tmp_path: Path) -> None:
        script = """
            import asyncio, os, sys
            from tests.support.recording import tick
            from trading.events.errors import StoreClosedError
            from trading.events.persistence import ParquetEventWriter
            writer = ParquetEventWriter(sys.argv[1])
            asyncio.run(writer.write_event(tick(0)))
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
            asyncio.run(writer.write_event(tick(1)))
            asyncio.run(writer.aclose())
            asyncio.run(ParquetEventWriter(sys.argv[1]).aclose())
            os.write(writing, b".")
            sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        """
        run_python(script, tmp_path)
        assert read(tmp_path) == ticks(2)


def run_python(script: str, *args: object) -> None:
    """Runs a script that must end well."""
    lines = script.splitlines()
    indent = len(lines[1]) - len(lines[1].lstrip())
    text = "\n".join(line[indent:] for line in lines)
    subprocess.run([sys.executable, "-c", text, *map(str, args)], check=True, timeout=PATIENCE_S)
