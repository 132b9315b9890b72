"""A store looked after: verified, compacted, pruned, while others read it."""

import asyncio
import random
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.events.persistence.parquet.store.test_damaged_bytes import regions_of
from tests.support.recording import START, files_of, journal_of, read, record, rewrite_manifest, tick, ticks
from trading.events.cli import main
from trading.events.errors import CorruptFileError
from trading.events.persistence import Compaction, EventReader, Fault, ParquetEventWriter, compact, remove_days, verify
from trading.events.persistence.parquet.reading import merge, part
from trading.events.persistence.parquet.store import manifest
from trading.events.persistence.parquet.upkeep import compaction

DAY = "2024/01/01"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Five files of one topic, with late events among them, and one of another."""
    for start in (8, 0, 4, 2, 6):
        record(tmp_path, [tick(start), tick(start + 1)])
    record(tmp_path, [tick(99, symbol="ETH/USDT")])
    return tmp_path


def faults(store: Path) -> list[Fault]:
    return list(verify(store))


class TestCompaction:
    def test_the_files_of_a_day_and_topic_become_one_sorted_file(self, store: Path) -> None:
        assert compact(store) == Compaction(merged=5, made=1, rows=10)
        assert len(files_of(store)) == 2
        [path] = (store / DAY).glob("tick_binance_BTCUSDT*")
        assert [row["bid"] for row in pq.read_table(path).to_pylist()] == list(range(10))
        assert read(store) == [*ticks(10), tick(99, symbol="ETH/USDT")]
        assert faults(store) == []
        assert compact(store) == Compaction()

    def test_only_the_chosen_days_are_compacted(self, store: Path) -> None:
        assert compact(store, start=date(2024, 1, 2)) == compact(store, end=date(2024, 1, 1)) == Compaction()
        assert compact(store, start=date(2024, 1, 1), end=date(2024, 1, 2)).made == 1

    def test_compacted_files_are_merged_with_later_ones_again(self, store: Path) -> None:
        compact(store)
        record(store, [tick(10)])
        assert compact(store) == Compaction(merged=2, made=1, rows=11)
        assert read(store, symbol="BTC/USDT") == ticks(11)

    async def test_a_writer_may_write_meanwhile(self, store: Path) -> None:
        async with ParquetEventWriter(store) as writer:
            for number in range(10, 20):
                await writer.write_event(tick(number))
                await asyncio.gather(writer.flush(seal=True), asyncio.to_thread(compact, store))
        assert read(store, symbol="BTC/USDT") == ticks(20)
        assert faults(store) == []

    def test_a_reader_goes_on_in_the_new_file(self, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(merge, "_MAX_OPEN", 0)
        for name in ("_LEAST_BATCH_ROWS", "_MOST_BATCH_ROWS", "_STEP_ROWS"):
            monkeypatch.setattr(merge, name, 2)
        events = iter(EventReader(store).read_range(symbol="BTC/USDT"))
        read_first = [next(events) for _ in range(3)]
        compact(store)
        assert [*read_first, *events] == ticks(10)

    def test_a_reader_is_not_misled_by_new_files_after_a_compaction(
        self, store: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(merge, "_MAX_OPEN", 0)
        for name in ("_LEAST_BATCH_ROWS", "_MOST_BATCH_ROWS", "_STEP_ROWS"):
            monkeypatch.setattr(merge, name, 2)
        events = iter(EventReader(store).read_range(symbol="BTC/USDT"))
        read_first = [next(events) for _ in range(3)]
        compact(store)
        for number in range(10, 20, 2):
            record(store, ticks(20)[number : number + 2])
        assert [*read_first, *events][:10] == ticks(10)

    def test_a_name_is_not_given_to_another_file_while_a_reader_may_know_it(self, store: Path) -> None:
        before = {name for name in files_of(store) if "BTC" in name}
        compact(store)
        record(store, [tick(10)])
        assert before.isdisjoint(files_of(store))

    def test_a_reader_that_has_read_the_manifest_reads_it_again(
        self, store: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        find_part, compacted = part.find_part, list[Compaction]()

        def find_late(*args: Any, **more: Any) -> Any:
            if not compacted:
                compacted.append(Compaction())
                compacted.append(compact(store))
            return find_part(*args, **more)

        monkeypatch.setattr("trading.events.persistence.parquet.reading.listing.find_part", find_late)
        assert read(store, symbol="BTC/USDT") == ticks(10)
        assert compacted[1].made == 1

    def test_what_another_compaction_has_merged_is_left_alone(
        self, store: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write_part, nested = compaction.write_part, list[Compaction]()

        def write_late(*args: Any, **more: Any) -> Any:
            if not nested:
                nested.append(Compaction())
                nested.append(compact(store))
            return write_part(*args, **more)

        monkeypatch.setattr(compaction, "write_part", write_late)
        assert compact(store) == Compaction()
        assert nested[1].made == 1
        assert read(store, symbol="BTC/USDT") == ticks(10)
        assert faults(store) == []

    def test_a_file_that_cannot_be_read_is_named_and_its_topic_left_as_it_is(self, store: Path) -> None:
        (store / DAY / "tick_binance_BTCUSDT~3.parquet").write_bytes(b"")
        with pytest.raises(CorruptFileError, match="BTCUSDT~3"):
            compact(store)
        assert len(files_of(store)) == 6

    @pytest.mark.parametrize("step", ["commit_manifest", "sync_files"])
    def test_what_a_dead_compaction_has_left_is_no_fault_and_is_removed_by_the_next(
        self, store: Path, monkeypatch: pytest.MonkeyPatch, step: str
    ) -> None:
        def die(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(compaction, step, die)
            with pytest.raises(KeyboardInterrupt):
                compact(store)
        assert read(store, symbol="BTC/USDT") == ticks(10)
        assert faults(store) == []
        assert len(files_of(store)) > 2
        compact(store)
        assert faults(store) == []
        assert len(files_of(store)) == 2


class TestVerification:
    def test_a_sound_store_has_no_faults(self, store: Path) -> None:
        assert faults(store) == []

    @pytest.mark.parametrize("region", ["data pages", "page headers", "footer"])
    def test_every_flipped_bit_of_a_file_is_noticed(self, tmp_path: Path, region: str) -> None:
        record(tmp_path, ticks(50))
        [path] = (tmp_path / DAY).glob("*.parquet")
        data = path.read_bytes()
        places = regions_of(path)[region]
        chance = random.Random(region)
        for _ in range(300):
            flipped = bytearray(data)
            flipped[chance.choice(places)] ^= 1 << chance.randrange(8)
            path.write_bytes(flipped)
            [fault] = faults(tmp_path)
            assert fault.path == path
            assert "checksum" in fault.reason
        path.write_bytes(data)
        assert faults(tmp_path) == []

    def test_a_file_that_is_missing_cut_or_unknown_is_named(self, store: Path) -> None:
        names = [store / DAY / f"tick_binance_BTCUSDT{number}.parquet" for number in ("", "~2", "~9")]
        names[0].unlink()
        names[1].write_bytes(names[1].read_bytes()[:-1])
        names[2].write_bytes(b"")
        assert [fault.path for fault in faults(store)] == names

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            (lambda table: table.slice(1), "it does not hold what the day's _manifest says"),
            (lambda table: table.sort_by([("timestamp", "descending")]), "not in the order of time and recording"),
        ],
    )
    def test_a_file_with_other_rows_than_were_written_is_named(
        self, store: Path, change: Callable[[Any], Any], reason: str
    ) -> None:
        path = store / DAY / "tick_binance_BTCUSDT.parquet"
        pq.write_table(change(pq.read_table(path)), path)
        rewrite_manifest(path.parent)
        [fault] = faults(store)
        assert reason in fault.reason

    def test_events_that_are_there_twice_are_noticed(self, store: Path) -> None:
        folder = store / DAY
        copy = folder / "tick_binance_BTCUSDT~9.parquet"
        copy.write_bytes((folder / "tick_binance_BTCUSDT.parquet").read_bytes())
        known = manifest.read_manifest(folder)
        twice = (*known.files, known.files[0].model_copy(update={"name": copy.name}))
        manifest.replace_manifest(folder, known.model_copy(update={"files": twice}))
        assert "2 events of this day are there more than once, by their _seq" in [
            fault.reason for fault in faults(store)
        ]

    def test_a_broken_manifest_and_a_missing_one_are_named(self, store: Path) -> None:
        (store / DAY / "_manifest").write_bytes(b"?")
        assert [fault.path for fault in faults(store)] == [store / DAY / "_manifest"]
        (store / DAY / "_manifest").unlink()
        assert faults(store)[0] == Fault(store / DAY, "it has files but no _manifest, which says which of them count")

    def test_damage_and_torn_tails_of_the_journal_are_named(self, store: Path) -> None:
        [name] = journal_of(store)
        segment = store / "_journal" / name
        segment.write_bytes(segment.read_bytes() + b"torn")
        (store / "_journal" / f"{name}.sealed.damaged").touch()
        torn, damaged = faults(store)
        assert torn == Fault(segment, "its last 4 bytes are no whole row")
        assert damaged.path.suffix == ".damaged"
        segment.write_bytes(b"!" + segment.read_bytes()[1:])
        assert "bytes 0 to 32 are damaged" in [fault.reason for fault in faults(store)]


class TestRetention:
    def test_days_before_one_are_removed_with_their_folders(self, tmp_path: Path) -> None:
        events = [tick(number, timestamp=START + timedelta(days=30 * number)) for number in range(4)]
        record(tmp_path, events)
        assert remove_days(tmp_path, before=date(2024, 2, 28)) == [date(2024, 1, 1), date(2024, 1, 31)]
        assert read(tmp_path) == events[2:]
        assert not (tmp_path / "2024" / "01").exists()
        assert faults(tmp_path) == []
        assert remove_days(tmp_path, before=date(2024, 2, 28)) == []

    async def test_rows_of_a_removed_day_do_not_come_back_from_a_segment_that_is_still_there(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with ParquetEventWriter(tmp_path) as writer:
            with monkeypatch.context() as patched:
                patched.setattr(Path, "unlink", lambda *_, **__: None)
                await writer.write_event(tick(0))
                await writer.flush(seal=True)
            assert remove_days(tmp_path, before=date(2025, 1, 1)) == [date(2024, 1, 1)]
            assert read(tmp_path) == []


class TestCommands:
    def test_compact_says_what_it_has_merged(self, store: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["compact", str(store), "--start", "2024-01-01", "--end", "2024-01-02"]) == 0
        assert capsys.readouterr().out == "5 files merged into 1, with 10 events\n"

    def test_verify_names_each_fault_and_ends_with_1(self, store: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["verify", str(store)]) == 0
        assert capsys.readouterr().out == f"{store} is as it was written\n"
        path = store / DAY / "tick_binance_BTCUSDT.parquet"
        path.write_bytes(b"")
        assert main(["verify", str(store)]) == 1
        out = capsys.readouterr().out.splitlines()
        assert out[0].startswith(f"{path}: ")
        assert out[-1] == f"{store}: 1 fault"

    def test_prune_removes_days_by_date_or_age(self, store: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["prune", str(store), "--before", "2024-01-01"]) == 0
        assert capsys.readouterr().out == "0 days before 2024-01-01 removed\n"
        assert main(["prune", str(store), "--keep-days", "1"]) == 0
        assert capsys.readouterr().out.startswith("1 day before ")

    @pytest.mark.parametrize(
        "arguments",
        [["compact", "--start", "2024-02-01", "--end", "2024-01-01"], ["prune", "--keep-days", "0"]],
    )
    def test_what_makes_no_sense_is_a_usage_error(
        self, store: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
    ) -> None:
        assert main([arguments[0], str(store), *arguments[1:]]) == 2
        assert "error: --" in capsys.readouterr().err

    @pytest.mark.parametrize("command", [["compact"], ["verify"], ["prune", "--keep-days", "9"]])
    def test_a_store_that_is_not_there_is_an_error(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]
    ) -> None:
        assert main([command[0], str(tmp_path / "none"), *command[1:]]) == 1
        assert "does not exist" in capsys.readouterr().err

    def test_a_day_that_is_none_is_refused(self, store: Path, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit):
            main(["prune", str(store), "--before", "yesterday"])
        assert "'yesterday' is no ISO 8601 date" in capsys.readouterr().err
