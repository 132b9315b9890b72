"""Which files are opened for an answer, how many at once, and when they are closed."""

from collections.abc import Callable
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from tests.support.classes.samples import sample
from tests.support.recording import START, read, record, tick, ticks
from trading.events.filters import event_type_filter, exchange_filter, symbol_filter, time_range_filter
from trading.events.market_data import TickEvent, TradeEvent
from trading.events.persistence import EventReader
from trading.events.persistence.parquet.reading import merge, part
from trading.events.persistence.parquet.reading import merge_buffer as window
from trading.events.persistence.selection import select


def opened(monkeypatch: pytest.MonkeyPatch, store: Path, question: Callable[[EventReader], object]) -> set[str]:
    """The files that were opened for an answer."""
    names: set[str] = set()
    open_parquet = part.open_parquet

    def watched(path: Path, *args: Any, **more: Any) -> Any:
        names.add(path.name)
        return open_parquet(path, *args, **more)

    with monkeypatch.context() as patched:
        patched.setattr(part, "open_parquet", watched)
        question(EventReader(store))
    return names


def test_only_files_whose_names_may_match_are_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["BTC/USDT", "BTCUSDT", "ETH/USDT"]
    later = timedelta(days=1)
    record(
        tmp_path,
        [tick(0, symbol=symbol, timestamp=START + days * later) for symbol in names for days in range(2)]
        + [sample(TradeEvent, timestamp=START)],
    )

    def asking(**selection: Any) -> set[str]:
        return opened(monkeypatch, tmp_path, lambda reader: list(reader.read_range(**selection)))

    assert asking(symbol="BTC/USDT", event_type=TickEvent) == {"tick_binance_BTCUSDT.parquet"}
    assert asking(event_type="trade", end=START + later) == {"trade_binance_BTCUSDT.parquet"}
    assert asking(start=START + later, exchange="okx") == set()
    assert asking(filter=symbol_filter("BTC/USDT") & event_type_filter("tick")) == {"tick_binance_BTCUSDT.parquet"}
    assert asking(filter=exchange_filter("okx") & symbol_filter("ETH/USDT")) == set()
    assert asking(filter=symbol_filter("A") | symbol_filter("ETH/USDT")) == {"tick_binance_ETHUSDT.parquet"}
    assert len(asking()) == 4


def test_only_row_groups_of_the_range_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trading.events.persistence.parquet.store.part_writer.ROW_GROUP_ROWS", 10)
    record(tmp_path, ticks(100))
    scanned: list[int] = []
    iterate = part._iterate

    def watched(file: Any, group: part.RowGroup, *args: Any) -> Any:
        scanned.append(group.index)
        return iterate(file, group, *args)

    monkeypatch.setattr(part, "_iterate", watched)
    start, end = START + timedelta(seconds=25), START + timedelta(seconds=41)
    assert read(tmp_path, start, end) == ticks(100)[25:41]
    assert scanned == [2, 3, 4]
    assert read(tmp_path, filter=time_range_filter(start, end)) == ticks(100)[25:41]
    assert scanned == [2, 3, 4] * 2
    assert EventReader(tmp_path).last_before(end) == ticks(100)[40]
    assert scanned[6:] == [4, 4]
    reader = EventReader(tmp_path)
    assert reader.count() == reader.count(filter=symbol_filter("BTC/USDT")) == 100
    assert [(topic.rows, topic.first, topic.last) for topic in reader.topics()] == [
        (100, START, START + timedelta(seconds=99))
    ]
    assert reader.time_span() == (START, START + timedelta(seconds=99))
    assert len(scanned) == 8
    assert reader.count(start, end) == 16
    assert scanned[8:] == [2, 3, 4]


@pytest.fixture
def most_open(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Tells how many files were open at once; all must be closed by then."""
    now_open, most = 0, 0
    parquet_file = part.pq.ParquetFile

    class Watched(parquet_file):
        def __init__(self, *args: Any, **more: Any) -> None:
            nonlocal now_open, most
            super().__init__(*args, **more)
            self.is_counted = True
            now_open += 1
            most = max(most, now_open)

        def close(self, *args: Any, **more: Any) -> None:
            nonlocal now_open
            super().close(*args, **more)
            now_open -= self.is_counted
            self.is_counted = False

    def ask() -> int:
        assert now_open == 0
        return most

    monkeypatch.setattr(part.pq, "ParquetFile", Watched)
    return ask


def interleaved(count: int, *, symbols: int) -> list[TickEvent]:
    return [tick(number, symbol=f"S{number % symbols}") for number in range(count)]


def test_many_files_are_merged_with_few_of_them_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most_open: Callable[[], int]
) -> None:
    recorded = interleaved(240, symbols=12)
    record(tmp_path, recorded)
    monkeypatch.setattr(merge, "_MAX_OPEN", 3)
    for name in ("_LEAST_BATCH_ROWS", "_MOST_BATCH_ROWS", "_STEP_ROWS"):
        monkeypatch.setattr(merge, name, 6)
    assert read(tmp_path) == recorded
    assert most_open() == 4


def test_too_many_files_for_the_memory_wait_in_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most_open: Callable[[], int]
) -> None:
    recorded = interleaved(600, symbols=12)
    record(tmp_path / "store", recorded)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    for name, value in [("_MAX_OPEN", 2), ("_ROWS", 60), ("_STEP_ROWS", 20), ("_LEAST_SPILLED_ROWS", 1)]:
        monkeypatch.setattr(merge, name, value)
    for name in ("_LEAST_BATCH_ROWS", "_MOST_BATCH_ROWS"):
        monkeypatch.setattr(merge, name, 20)

    events = iter(EventReader(tmp_path / "store").read_range())
    found = [next(events)]
    assert list(tmp_path.glob("temporary/*/*.arrow")) != []
    found += events
    assert found == recorded
    assert list(tmp_path.glob("temporary/*")) == []
    assert most_open() == 1

    events = iter(EventReader(tmp_path / "store").read_range())
    next(events)
    events.close()
    assert list(tmp_path.glob("temporary/*")) == []


def test_many_small_batches_are_put_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = [sample(cls, timestamp=START, symbol=f"S{n}") for n in range(9) for cls in (TickEvent, TradeEvent)]
    record(tmp_path, recorded)
    monkeypatch.setattr(window, "_MOST_SMALL", 4)
    assert read(tmp_path) == recorded


def test_files_of_a_kind_that_overlap_in_part_are_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = [tick(number, after_s=number) for number in range(0, 100, 2)]
    second = [tick(number, after_s=number) for number in range(51, 151, 2)]
    record(tmp_path, first)
    record(tmp_path, second)
    monkeypatch.setattr(window, "_SMALL_ROWS", 4)
    for name in ("_LEAST_BATCH_ROWS", "_MOST_BATCH_ROWS", "_STEP_ROWS"):
        monkeypatch.setattr(merge, name, 7)
    assert read(tmp_path) == sorted(first + second, key=lambda event: event.timestamp)


def test_what_is_handed_out_is_copied_in_pieces_that_no_moment_is_divided_between(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = [tick(number, after_s=number // 5, symbol=f"S{number % 5}") for number in range(100)]
    record(tmp_path, recorded)
    pieces: list[int] = []

    class Watched(window._Order):
        def __init__(self, runs: list[window._Run]) -> None:
            super().__init__(runs)
            pieces.append(len(self))

    monkeypatch.setattr(window, "_Order", Watched)
    monkeypatch.setattr(window, "_RELEASED_ROWS", 13)
    assert read(tmp_path) == recorded
    assert pieces == [10] * 10
    monkeypatch.setattr(window, "_RELEASED_ROWS", 1)
    assert read(tmp_path) == recorded
    assert pieces[10:] == [5] * 20


@pytest.mark.parametrize("batches", [0, 1, 3])
def test_a_file_that_was_kept_open_makes_room_for_another_when_it_is_left(tmp_path: Path, batches: int) -> None:
    record(tmp_path, ticks(10))
    [path] = tmp_path.rglob("*.parquet")
    stored = part.read_part(path, START.date(), path.stat().st_size)
    open_files = part.OpenFiles(1)

    left = stored.batches(select(None, None), rows=4, open_files=open_files)
    assert [batch.num_rows for batch in islice(left, batches)] == [4, 4, 2][:batches]
    left.close()

    assert open_files.acquire()
    assert not open_files.acquire()


def test_a_range_that_is_left_early_leaves_no_file_open(tmp_path: Path) -> None:
    record(tmp_path, ticks(10))
    events = iter(EventReader(tmp_path).read_range())
    assert next(events) == tick(0)
    events.close()
    assert list(events) == []
