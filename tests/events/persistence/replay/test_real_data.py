"""Real market data, the whole way: imported, published, recorded, and replayed as it was imported.

The files stand outside the project, in the folder that TRADING_EVENTS_TEST_DATA names, or beside the checkout.
"""

import os
from decimal import Decimal
from itertools import pairwise
from operator import attrgetter
from pathlib import Path

import pytest

from tests.support.places import ROOT
from trading.events.base import BaseEvent
from trading.events.importing import MarketDataFile
from trading.events.market_data import BarEvent, OrderBookEvent, QuoteEvent, TickEvent, TradeEvent
from trading.events.memory_bus import InMemoryEventBus
from trading.events.persistence import EventReader, ParquetEventWriter

DATA = Path(os.environ.get("TRADING_EVENTS_TEST_DATA", ROOT.parent / "shared" / "data"))

NO_DATA = f"there is no market data in {DATA}: $TRADING_EVENTS_TEST_DATA names another folder"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=NO_DATA)


def load(name: str, exchange: str, symbol: str) -> list[BaseEvent]:
    with MarketDataFile(DATA / name, exchange=exchange, symbol=symbol) as file:
        return list(file.events())


async def record(events: list[BaseEvent], store: Path) -> None:
    async with ParquetEventWriter(store) as writer, InMemoryEventBus() as bus:
        await bus.subscribe("*", writer.write_event)
        await bus.publish_batch(events)


async def replay(store: Path) -> list[BaseEvent]:
    heard: list[BaseEvent] = []
    async with InMemoryEventBus() as bus:
        await bus.subscribe("*", heard.append)
        await EventReader(store).replay(bus, speed=None)
    return heard


def exactly(events: list[BaseEvent]) -> list[str]:
    """Every field of every event, decimals digit by digit."""
    return [event.model_dump_json() for event in events]


async def test_trades_and_quotes_are_replayed_merged_in_time_none_lost_none_doubled_ties_in_order(
    tmp_path: Path,
) -> None:
    trades = load("btcusdt-trades.parquet", "binance", "BTC/USDT")
    quotes = load("btcusdt-quotes.parquet", "binance", "BTC/USDT")
    await record(trades + quotes, tmp_path)
    replayed = await replay(tmp_path)

    assert len(replayed) == 2_452
    assert len({event.event_id for event in replayed}) == 2_452
    assert exactly(replayed) == exactly(sorted(trades + quotes, key=attrgetter("timestamp")))
    assert exactly([event for event in replayed if isinstance(event, TradeEvent)]) == exactly(trades)
    assert exactly([event for event in replayed if isinstance(event, QuoteEvent)]) == exactly(quotes)
    assert sum(a.timestamp == b.timestamp for a, b in pairwise(trades)) > 500


@pytest.mark.parametrize(
    ("name", "symbol", "event_class", "count"),
    [
        ("gbpusd-m1-bid-2012.csv", "GBP/USD", BarEvent, 30_117),
        ("usdjpy-ticks.csv", "USD/JPY", TickEvent, 1_000),
        ("xrpusdt-ob500.data.zip", "XRP/USDT", OrderBookEvent, 50),
        ("btcusdt-depth-snap.csv", "BTC/USDT", OrderBookEvent, 1),
    ],
)
async def test_a_file_is_replayed_as_it_was_imported(
    tmp_path: Path, name: str, symbol: str, event_class: type[BaseEvent], count: int
) -> None:
    events = load(name, "venue", symbol)
    assert {type(event) for event in events} == {event_class}
    await record(events, tmp_path)
    assert len(events) == count
    assert exactly(await replay(tmp_path)) == exactly(events)


def test_the_noise_of_doubles_is_gone() -> None:
    trades = [event for event in load("btcusdt-trades.parquet", "b", "S") if isinstance(event, TradeEvent)]
    assert trades[2].quantity == Decimal("0.000311")
    assert all(trade.quantity == round(trade.quantity, 6) for trade in trades)
    assert all(trade.price == round(trade.price, 2) for trade in trades)


def test_the_numbers_of_a_text_file_are_those_that_are_written() -> None:
    lines = (DATA / "gbpusd-m1-bid-2012.csv").read_text().splitlines()[1:]
    bars = [event for event in load("gbpusd-m1-bid-2012.csv", "f", "S") if isinstance(event, BarEvent)]
    assert [f"{bar.open_time},{bar.open},{bar.high},{bar.low},{bar.close}" for bar in bars] == lines
    assert all((bar.timestamp, bar.interval) == (bar.close_time, "1m") for bar in bars)
    assert all((bar.close_time - bar.open_time).total_seconds() == 60 for bar in bars)


def test_the_books_are_whole() -> None:
    [snapshot] = [event for event in load("btcusdt-depth-snap.csv", "b", "S") if isinstance(event, OrderBookEvent)]
    assert (len(snapshot.bids), snapshot.asks, snapshot.raw_symbol) == (100, (), "BTCUSDT")
    first, *deltas = [event for event in load("xrpusdt-ob500.data.zip", "b", "S") if isinstance(event, OrderBookEvent)]
    assert (first.kind, len(first.bids), len(first.asks)) == ("snapshot", 500, 500)
    assert {delta.kind for delta in deltas} == {"delta"}
    sequences = [book.sequence for book in (first, *deltas)]
    assert sequences == list(range(20254869, 20254869 + 50))
