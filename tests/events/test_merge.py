"""Which files are opened for an answer, how many at once, and when they are closed."""

from collections.abc import Callable
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from tests.events.recording import START, read, record, tick, ticks
from tests.events.samples import sample
from trading.events.market_data import TickEvent, TradeEvent
from trading.events.persistence import EventReader, merge, part


def opened(monkeypatch: pytest.MonkeyPatch, store: Path, question: Callable[[EventReader], object]) -> set[str]:
    """The files that were opened for an answer."""
    names: set[str] = set()
    open_parquet = part._open_parquet

    def watched(path: Path) -> Any:
        names.add(path.name)
        return open_parquet(path)

    with monkeypatch.context() as patched:
        patched.setattr(part, "_open_parquet", watched)
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
    assert len(asking()) == 4


def test_only_row_groups_of_the_range_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trading.events.persistence.part_writer.ROW_GROUP_ROWS", 10)
    record(tmp_path, ticks(100))
    scanned: list[list[int]] = []
    scan = part._Scan

    def watched(path: Path, groups: list[int], rows: int, names: list[str]) -> Any:
        scanned.append(groups)
        return scan(path, groups, rows, names)

    monkeypatch.setattr(part, "_Scan", watched)
    start, end = START + timedelta(seconds=25), START + timedelta(seconds=41)
    assert read(tmp_path, start, end) == ticks(100)[25:41]
    assert EventReader(tmp_path).count(start, end) == 16
    assert scanned == [[2, 3, 4], [2, 4]]


def test_many_files_are_merged_with_few_of_them_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = [tick(number, symbol=f"S{number % 12}") for number in range(240)]
    record(tmp_path, recorded)
    monkeypatch.setattr(merge, "_MAX_OPEN", 3)
    monkeypatch.setattr(merge, "_ROWS", 12 * 6)
    monkeypatch.setattr(merge, "_LEAST_BATCH_ROWS", 6)
    now_open, most = 0, 0
    parquet_file = part.pq.ParquetFile

    class Watched(parquet_file):
        def __init__(self, *args: Any, **more: Any) -> None:
            nonlocal now_open, most
            super().__init__(*args, **more)
            now_open += 1
            most = max(most, now_open)

        def close(self, *args: Any, **more: Any) -> None:
            nonlocal now_open
            super().close(*args, **more)
            now_open -= 1

    monkeypatch.setattr(part.pq, "ParquetFile", Watched)
    assert read(tmp_path) == recorded
    assert now_open == 0
    assert most == 4


@pytest.mark.parametrize("batches", [0, 1, 3])
def test_a_file_that_was_kept_open_makes_room_for_another_when_it_is_left(tmp_path: Path, batches: int) -> None:
    record(tmp_path, ticks(10))
    [path] = tmp_path.rglob("*.parquet")
    stored = part.read_part(path, START.date(), path.stat().st_size)
    open_files = part.OpenFiles(1)

    left = stored.batches(list(stored.groups), rows=4, open_files=open_files)
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
