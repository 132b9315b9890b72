"""What recording and reading cost."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.ticks import START, make_ticks
from trading.events.persistence import EventReader, ParquetEventWriter

SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT")
EVENTS = make_ticks(10_000, symbols=SYMBOLS)
END = START + timedelta(days=1)
Write = Callable[[Path], Coroutine[None, None, None]]


async def write_one_by_one(base_path: Path) -> None:
    writer = ParquetEventWriter(base_path)
    for event in EVENTS:
        await writer.write_event(event)
    await writer.aclose()


async def write_in_one_batch(base_path: Path) -> None:
    writer = ParquetEventWriter(base_path)
    await writer.write_batch(EVENTS)
    await writer.aclose()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that holds the events."""
    base_path = tmp_path_factory.mktemp("store")
    asyncio.run(write_in_one_batch(base_path))
    return base_path


@pytest.mark.parametrize("write", [write_one_by_one, write_in_one_batch])
def test_write_10_000_events(benchmark: BenchmarkFixture, runner: asyncio.Runner, tmp_path: Path, write: Write) -> None:
    stores = (tmp_path / str(number) for number in count())
    written = tmp_path

    def run() -> None:
        nonlocal written
        written = next(stores)
        runner.run(write(written))

    benchmark.pedantic(run, rounds=5)
    assert list(EventReader(written).read_range(START, END)) == EVENTS


def test_read_10_000_events(benchmark: BenchmarkFixture, store: Path) -> None:
    assert benchmark(lambda: list(EventReader(store).read_range(START, END))) == EVENTS


def test_read_one_symbol_of_three(benchmark: BenchmarkFixture, store: Path) -> None:
    read = benchmark(lambda: list(EventReader(store).read_range(START, END, symbol=SYMBOLS[0])))
    assert read == EVENTS[::3]


def test_read_10_000_events_as_a_table(benchmark: BenchmarkFixture, store: Path) -> None:
    table = benchmark(lambda: EventReader(store).read_table(START, END, event_type="tick"))
    assert table.num_rows == len(EVENTS)
