"""Record, query, replay: whatever was recorded is found again, exactly, in order, where the layout says."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.classes.samples import SAMPLES, sample
from tests.support.classes.strategies import events as any_events
from tests.support.recording import START, files_of, read, record, tick, ticks
from trading.events.base import BaseEvent
from trading.events.market_data import QuoteEvent, TickEvent, TradeEvent
from trading.events.memory_bus import InMemoryEventBus
from trading.events.persistence import EventReader, EventWriter, IEventWriter, ParquetEventWriter, RotationPolicy


def in_order(events: Sequence[BaseEvent]) -> list[BaseEvent]:
    """The naive answer: by timestamp, ties as they were recorded."""
    return sorted(events, key=lambda event: event.timestamp)


def test_a_tick_lies_where_the_request_says(tmp_path: Path) -> None:
    record(tmp_path, [tick()])
    assert files_of(tmp_path) == ["2024/01/01/tick_binance_BTCUSDT.parquet"]


def test_events_of_every_class_come_back_merged(tmp_path: Path) -> None:
    recorded = [sample(cls, timestamp=START + timedelta(seconds=n)) for n, cls in enumerate(SAMPLES)]
    record(tmp_path, reversed(recorded))
    again = read(tmp_path)
    assert again == recorded
    assert [event.model_dump_json() for event in again] == [event.model_dump_json() for event in recorded]


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(any_events(), max_size=5), max_size=4))
def test_whatever_was_written_is_read_in_order_of_time_and_recording(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[BaseEvent]]
) -> None:
    store = tmp_path_factory.mktemp("store")

    async def write() -> None:
        async with ParquetEventWriter(store) as writer:
            for number, batch in enumerate(batches):
                await writer.write_batch(batch)
                await writer.flush(seal=number % 2 == 0)
            assert read(store) == in_order([event for batch in batches for event in batch])

    asyncio.run(write())
    recorded = [event for batch in batches for event in batch]
    assert read(store) == in_order(recorded)
    assert EventReader(store).count() == EventReader(store).read_table(exact=True).num_rows == len(recorded)


async def test_a_bus_is_recorded_and_replayed_as_the_request_shows(tmp_path: Path) -> None:
    published = ticks(3) + ticks(3, symbol="ETH/USDT")
    async with ParquetEventWriter(base_path=tmp_path / "events") as writer, InMemoryEventBus() as bus:
        await bus.subscribe("*", writer.write_event)
        for event in published:
            await bus.publish(event)

    replayed: list[BaseEvent] = []
    async with InMemoryEventBus() as bus:
        await bus.subscribe("*", replayed.append)
        reader = EventReader(base_path=tmp_path / "events")
        async for event in reader.read_range(
            start=datetime(2024, 1, 1),
            end=datetime(2024, 1, 2),
            symbol="BTC/USDT",
        ):
            await bus.publish(event)

    assert replayed == ticks_of(published, "BTC/USDT")


def ticks_of(events: Sequence[TickEvent], symbol: str) -> list[TickEvent]:
    return [event for event in events if event.symbol == symbol]


NASTY_SYMBOLS = [
    "BTC/USDT", "BTCUSDT", "btc/usdt", "btcusdt", "Btc/Usdt", "BT/CUSDT", "x" * 300, "X" * 300, "x" * 299 + "X",
    "€" * 300, "..", ".", "a/../b", "../../../etc/passwd", "/etc/passwd", "C:\\x", "CON", "nul", "a.", "a ", "a",
    "A", "ä", "a\u0308", "~", "a~2", "+", "ES Z4 [mini]", "a_b", "-", "x.parquet", "\u202egnp.",
]  # fmt: skip


def test_nasty_symbols_are_stored_inside_the_store_and_found_again(tmp_path: Path) -> None:
    store = tmp_path / "deep" / "store"
    recorded = [tick(number, symbol=symbol) for number, symbol in enumerate(NASTY_SYMBOLS)]
    record(store, recorded)

    for event in recorded:
        assert read(store, symbol=event.symbol) == [event]
    outside = [path for path in tmp_path.rglob("*") if path.is_file() and store not in path.parents]
    assert outside == []
    names = [name.casefold() for name in files_of(store)]
    assert len(set(names)) == len(names) == len(recorded)


def test_exchanges_that_differ_by_case_only_are_kept_apart(tmp_path: Path) -> None:
    recorded = [tick(number, exchange=name) for number, name in enumerate(["nyse", "NYSE", "Nyse", "a/b", "深圳"])]
    record(tmp_path, recorded)
    for event in recorded:
        assert read(tmp_path, exchange=event.exchange) == [event]


def test_an_exchange_that_no_model_accepts_leads_nowhere(tmp_path: Path) -> None:
    store = tmp_path / "deep" / "down" / "store"
    evil = TickEvent.model_construct(**dict(tick()) | {"exchange": "../../etc"})
    record(store, [evil])
    assert [path for path in tmp_path.rglob("*") if path.is_file() and store not in path.parents] == []


async def test_ties_keep_the_order_of_recording_across_topics_flushes_and_writers(tmp_path: Path) -> None:
    recorded: list[BaseEvent] = []
    for writer_number in range(2):
        async with ParquetEventWriter(tmp_path) as writer:
            for number in range(20):
                cls = (TickEvent, TradeEvent, QuoteEvent)[number % 3]
                changes = {"symbol": "BA"[number % 2], "timestamp": START, "event_id": f"{writer_number}-{number}"}
                recorded.append(sample(cls, **changes))
                await writer.write_event(recorded[-1])
                if number % 5 == 0:
                    await writer.flush(seal=number % 2 == 0)
    assert read(tmp_path) == recorded


def test_the_same_event_written_twice_is_two_records(tmp_path: Path) -> None:
    event = tick()
    record(tmp_path, [event, event])
    record(tmp_path, [event])
    assert read(tmp_path) == [event] * 3


async def test_later_parts_never_replace_earlier_ones(tmp_path: Path) -> None:
    async with ParquetEventWriter(tmp_path) as writer:
        for event in ticks(3):
            await writer.write_event(event)
            await writer.flush(seal=True)
        await writer.write_event(tick(3))
    names = ["tick_binance_BTCUSDT.parquet", *(f"tick_binance_BTCUSDT~{number}.parquet" for number in (2, 3, 4))]
    assert files_of(tmp_path) == [f"2024/01/01/{name}" for name in names]
    assert read(tmp_path) == ticks(4)


def test_late_events_are_merged_in_order(tmp_path: Path) -> None:
    recorded = ticks(10)
    record(tmp_path, recorded[5:])
    record(tmp_path, recorded[:5])
    assert read(tmp_path) == recorded


def test_a_days_file_holds_that_days_timestamps_only(tmp_path: Path) -> None:
    day = timedelta(days=1)
    edges = [START - timedelta(microseconds=1), START, START + day - timedelta(microseconds=1), START + day]
    moments = [*edges, datetime(2024, 2, 29, 12, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]
    recorded = [sample(TickEvent, timestamp=moment) for moment in [datetime.min.replace(tzinfo=UTC), *moments]]
    record(tmp_path, recorded)

    assert [file.first.date() for file in EventReader(tmp_path).files()] == sorted(
        {event.timestamp.date() for event in recorded}
    )
    assert files_of(tmp_path)[0] == "0001/01/01/tick_binance_BTCUSDT.parquet"
    assert read(tmp_path) == recorded


def test_rows_in_a_file_are_sorted_by_time_then_recording(tmp_path: Path) -> None:
    record(tmp_path, [tick(2), tick(1, event_id="a"), tick(1, event_id="b"), tick(0)])
    [path] = tmp_path.rglob("*.parquet")
    rows = pq.read_table(path).to_pylist()
    assert [row["bid"] for row in rows] == [0, 1, 1, 2]
    assert [row["event_id"] for row in rows][1:3] == ["a", "b"]


def test_a_row_group_has_65536_rows_where_there_are_so_many(tmp_path: Path) -> None:
    event = tick()
    record(tmp_path, [event] * 65_537)
    [path] = tmp_path.rglob("*.parquet")
    footer = pq.read_metadata(path)
    assert [footer.row_group(index).num_rows for index in range(footer.num_row_groups)] == [65_536, 1]
    assert EventReader(tmp_path).count() == 65_537


def test_times_and_the_order_of_recording_are_stored_as_differences(tmp_path: Path) -> None:
    record(tmp_path, ticks(100))
    [path] = tmp_path.rglob("*.parquet")
    row_group = pq.read_metadata(path).row_group(0)
    encodings = {chunk.path_in_schema: chunk.encodings for chunk in map(row_group.column, range(row_group.num_columns))}
    for name in ("timestamp", "exchange_timestamp", "local_timestamp", "_seq"):
        assert "DELTA_BINARY_PACKED" in encodings[name]


def test_the_interface_has_both_names() -> None:
    assert EventWriter is IEventWriter
    assert issubclass(ParquetEventWriter, IEventWriter)
    assert IEventWriter.__abstractmethods__ == {"write_event", "write_batch", "flush"}


@pytest.mark.parametrize("name", ["rows", "age_s", "size_bytes"])
@pytest.mark.parametrize("limit", [0, -1, float("nan")])
def test_a_rotation_limit_that_is_not_positive_is_refused(name: str, limit: Any) -> None:
    with pytest.raises(ValueError, match=f"{name} must be above zero"):
        RotationPolicy(**{name: limit})
