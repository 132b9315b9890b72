"""When waiting events become files."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from tests.events.recording import START, Disk, files_of, read, tick, ticks
from tests.events.samples import sample
from trading.events.base import BaseEvent
from trading.events.market_data import TradeEvent
from trading.events.persistence import ParquetEventWriter, RotationPolicy, waiting_events
from trading.events.persistence.schema import Record, event_schema
from trading.events.persistence.waiting_events import WaitingEvents


def waiting(store: Path, rotation: RotationPolicy) -> WaitingEvents:
    return WaitingEvents(store, rotation)


def records(events: Sequence[BaseEvent], *, first_seq: int = 0) -> list[Record]:
    return [Record(seq, event, event_schema(type(event)).render(event)) for seq, event in enumerate(events, first_seq)]


def test_nothing_is_due_while_nothing_waits(tmp_path: Path) -> None:
    assert waiting(tmp_path, RotationPolicy()).due_s is None


def test_events_are_written_when_the_first_of_them_is_old_enough(tmp_path: Path) -> None:
    events = waiting(tmp_path, RotationPolicy(age_s=10))
    events.add(records([tick(0)]), now_s=100.0)
    events.add(records([tick(1)], first_seq=1), now_s=105.0)

    assert events.due_s == 110.0
    events.write_due(now_s=109.9)
    assert read(tmp_path) == []
    events.write_due(now_s=110.0)
    assert read(tmp_path) == ticks(2)
    assert events.due_s is None


def test_events_are_written_when_there_are_enough_of_one_type_and_day(tmp_path: Path) -> None:
    events = waiting(tmp_path, RotationPolicy(rows=3))
    trade = sample(TradeEvent, timestamp=START)
    tomorrow = tick(0, timestamp=START + timedelta(days=1))
    events.add(records([*ticks(2), trade, tomorrow]), now_s=0.0)
    events.write_due(now_s=1.0)
    assert read(tmp_path) == []

    events.add(records([tick(2)], first_seq=9), now_s=1.0)
    assert events.due_s == 0.0
    events.write_due(now_s=1.0)

    assert read(tmp_path) == ticks(3)
    events.write_all()
    assert len(files_of(tmp_path)) == 3


def test_all_events_are_written_when_they_take_too_much_memory(tmp_path: Path) -> None:
    events = waiting(tmp_path, RotationPolicy(size_bytes=100_000))
    events.add(records(ticks(100)), now_s=0.0)
    assert not events.is_full
    events.add(records([sample(TradeEvent, timestamp=START, metadata={"a": "x" * 100_000})], first_seq=100), now_s=0.0)

    assert events.is_full
    assert events.due_s == 0.0
    events.write_due(now_s=0.0)

    assert len(read(tmp_path)) == 101
    assert not events.is_full


def test_each_topic_gets_a_file_of_its_own(tmp_path: Path) -> None:
    events = waiting(tmp_path, RotationPolicy())
    mixed = [tick(number, symbol="AB"[number % 2], exchange="yx"[number // 2]) for number in range(4)]
    events.add(records(mixed), now_s=0.0)
    events.write_all()
    names = [f"2024/01/01/tick_{exchange}_{symbol}.parquet" for exchange in "xy" for symbol in "AB"]
    assert files_of(tmp_path) == names
    assert read(tmp_path) == mixed


def test_part_numbers_are_found_again_when_they_have_been_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting_events, "_MAX_REMEMBERED_PATHS", 1)
    events = waiting(tmp_path, RotationPolicy())
    for number in range(3):
        events.add(records([tick(number), tick(number, symbol="ETH/USDT")], first_seq=2 * number), now_s=0.0)
        events.write_all()
    assert len(files_of(tmp_path)) == 6
    assert read(tmp_path, symbol="BTC/USDT") == ticks(3)


async def test_a_writer_rotates_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with ParquetEventWriter(tmp_path, rotation=RotationPolicy(age_s=0.01)) as writer:
        with Disk(monkeypatch) as disk:
            await writer.write_event(tick())
            await asyncio.to_thread(disk.succeeded.wait)
    assert read(tmp_path) == [tick()]
