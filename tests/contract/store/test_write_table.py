"""What every writer's `write_table` promises: all rows of a table are recorded, or it says which are."""

import asyncio
from datetime import timedelta
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from tests.contract.store.test_writers import assert_holds
from tests.support.recording import START
from tests.support.stores.kinds import Store
from trading.events import BaseEvent, EventTableError, TradeEvent, events_from_table
from trading.events.errors import StoreError
from trading.events.persistence import IEventWriter, ParquetEventWriter

ROWS = 10_000
GIVEN = {"exchange": "binance", "symbol": "BTC/USDT"}


def trades(rows: int = ROWS, **columns: Any) -> pd.DataFrame:
    times = [START + timedelta(seconds=number) for number in range(rows)]
    ids = [f"t{number}" for number in range(rows)]
    return pd.DataFrame({"event_id": ids, "timestamp": times, "price": 1.5, "quantity": 2, **columns})


async def test_the_rows_of_a_table_are_recorded(store: Store) -> None:
    frame = trades()
    async with store.writer() as writer:
        assert isinstance(writer, IEventWriter)
        assert await writer.write_table(frame, TradeEvent, **GIVEN) == ROWS
    assert_holds(store, events_from_table(frame, TradeEvent, **GIVEN))


async def test_nothing_of_a_table_with_a_bad_row_is_recorded(store: Store) -> None:
    frame = trades(quantity=[1] * (ROWS - 1) + [0])
    async with store.writer() as writer:
        assert isinstance(writer, IEventWriter)
        with pytest.raises(EventTableError, match=r"^row 9999: quantity is 0"):
            await writer.write_table(frame, TradeEvent, **GIVEN)
        with pytest.raises(EventTableError, match="needs the column 'price'"):
            await writer.write_table(frame.drop(columns="price"), TradeEvent, **GIVEN)
    assert store.read() == []


async def test_a_stream_that_can_be_read_once_is_recorded(store: Store) -> None:
    reader = pa.Table.from_pandas(trades(3)).to_reader()
    async with store.writer() as writer:
        assert isinstance(writer, IEventWriter)
        assert await writer.write_table(reader, TradeEvent, **GIVEN) == 3
    assert len(store.read()) == 3


class FullAfterOneBatch(IEventWriter):
    """A writer whose disk is full after the first batch."""

    def __init__(self) -> None:
        self.taken: list[BaseEvent] = []

    async def write_event(self, event: BaseEvent) -> None:
        raise NotImplementedError

    async def write_batch(self, events: Any) -> None:
        if self.taken:
            raise StoreError("the disk is full")
        self.taken += events

    async def flush(self) -> None: ...


async def test_what_was_written_before_an_error_is_said() -> None:
    writer = FullAfterOneBatch()
    with pytest.raises(StoreError, match="the disk is full") as caught:
        await writer.write_table(trades(), TradeEvent, **GIVEN)
    written = len(writer.taken)
    assert 0 < written < ROWS
    assert vars(caught.value)["written"] == written
    assert f"{written} of the {ROWS} rows of the table had been written before" in caught.value.__notes__[0]


async def test_others_have_turns_while_a_long_table_is_written(tmp_path: Any) -> None:
    async with ParquetEventWriter(tmp_path) as writer:
        writing = asyncio.ensure_future(writer.write_table(trades(30_000), TradeEvent, **GIVEN))
        turns = 0
        while not writing.done():
            turns += 1
            await asyncio.sleep(0)
        assert turns >= 6
        assert await writing == 30_000
