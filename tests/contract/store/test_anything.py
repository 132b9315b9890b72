"""Any events at all, and real ones, through every store."""

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract.store.test_writers import assert_holds, write
from tests.events.persistence.replay.test_real_data import DATA, NO_DATA, load
from tests.support.classes.strategies import events
from tests.support.stores.kinds import ArcticStore, InfluxStore, ParquetStore, Store
from trading.events.base import BaseEvent

MakeStore = Callable[[], Store]


@pytest.fixture(scope="module", params=["parquet", "influx", "arctic"])
def make_store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> MakeStore:
    """Makes an empty store, any number of times."""
    if request.param == "influx":
        server = request.getfixturevalue("influx_server")
        return lambda: InfluxStore(server)
    cls = ParquetStore if request.param == "parquet" else ArcticStore
    return lambda: cls(tmp_path_factory.mktemp(request.param) / "store")


def held(event: BaseEvent, store: Store) -> BaseEvent:
    """The event, at a time that the store knows."""
    return event.model_copy(update={"timestamp": min(max(event.timestamp, store.first), store.last)})


@given(batches=st.lists(st.lists(events(), max_size=6), max_size=3))
@settings(max_examples=15)
def test_whatever_is_written_comes_back(make_store: MakeStore, batches: list[list[BaseEvent]]) -> None:
    store = make_store()
    known = [[held(event, store) for event in batch] for batch in batches]
    asyncio.run(write_all(store, known))
    assert_holds(store, [event for batch in known for event in batch])


async def write_all(store: Store, batches: list[list[BaseEvent]]) -> None:
    async with store.writer() as writer:
        for batch in batches:
            await writer.write_batch(batch)
            await writer.flush()


@pytest.mark.skipif(not DATA.is_dir(), reason=NO_DATA)
@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("btcusdt-trades.parquet", "BTC/USDT"),
        ("btcusdt-quotes.parquet", "BTC/USDT"),
        ("usdjpy-ticks.csv", "USD/JPY"),
        ("gbpusd-m1-bid-2012.csv", "GBP/USD"),
        ("xrpusdt-ob500.data.zip", "XRP/USDT"),
        ("btcusdt-depth-snap.csv", "BTC/USDT"),
    ],
)
def test_real_market_data_come_back_to_the_digit(make_store: MakeStore, name: str, symbol: str) -> None:
    real = load(name, "venue", symbol)
    store = make_store()
    asyncio.run(write(store, real))
    assert_holds(store, real)
