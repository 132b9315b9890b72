"""What every reader's tables and data frames hold: the fields, as they are asked for."""

import asyncio
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from tests.support.classes.samples import sample
from tests.support.recording import START
from tests.support.stores.kinds import ARCTIC_BYTES
from trading.events import BaseEvent, TradeEvent, table_to_events
from trading.events.persistence import (
    ArcticEventReader,
    ArcticEventWriter,
    EventReader,
    IEventReader,
    ParquetEventWriter,
)
from trading.events.system import HeartbeatEvent

PRICES = ["100.10", "0.1", "7E+3", "0.30", "12345678901234567.123456789012345678"]


class MeasuredEvent(BaseEvent):
    event_type: Literal["measured"] = "measured"
    amount: Decimal
    count: int = 0
    moment: datetime = START
    amount_exact: str = "a field of its own"


def trade(number: int, price: str) -> TradeEvent:
    moment = START + timedelta(seconds=20 * number)
    return sample(TradeEvent, timestamp=moment, price=Decimal(price), trade_id=f"t{number}", metadata={})


TRADES = [trade(number, price) for number, price in enumerate(PRICES)]


@pytest.fixture(params=["parquet", "arctic"])
def reader_of(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[list[BaseEvent]], IEventReader]:
    """Records events, and reads them."""

    def make(events: list[BaseEvent]) -> IEventReader:
        if request.param == "parquet":
            asyncio.run(fill(ParquetEventWriter(tmp_path), events))
            return EventReader(tmp_path)
        asyncio.run(fill(ArcticEventWriter(tmp_path, capacity_bytes=ARCTIC_BYTES), events))
        return ArcticEventReader(tmp_path, capacity_bytes=ARCTIC_BYTES)

    return make


async def fill(writer: Any, events: list[BaseEvent]) -> None:
    async with writer:
        await writer.write_batch(events)


@pytest.fixture
def reader(reader_of: Callable[[list[BaseEvent]], IEventReader]) -> IEventReader:
    return reader_of([*TRADES, sample(HeartbeatEvent, timestamp=START)])


def test_a_table_has_the_fields_alone_unless_it_is_to_be_exact(reader: IEventReader) -> None:
    fields = list(TradeEvent.model_fields)
    assert reader.read_table(event_type="trade").column_names == fields
    assert reader.to_polars(event_type="trade").columns == fields
    assert list(reader.to_pandas(event_type="trade").columns) == fields
    exact = reader.read_table(event_type="trade", exact=True)
    assert {*fields, "price_exp", "price_exact"} < set(exact.column_names)
    assert [str(event.price) for event in table_to_events(exact) if isinstance(event, TradeEvent)] == PRICES


def test_nothing_that_matches_has_the_columns_too(reader: IEventReader) -> None:
    assert reader.read_table(event_type="tick").column_names[-3:] == ["volume", "exchange_timestamp", "local_timestamp"]
    assert reader.read_table(event_type="tick", columns=["bid", "symbol"]).column_names == ["bid", "symbol"]


def test_columns_are_chosen_by_name_and_in_that_order(reader: IEventReader) -> None:
    table = reader.read_table(columns=["price", "trade_id", "sequence"])
    assert table.column_names == ["price", "trade_id", "sequence"]
    assert table["trade_id"].to_pylist() == ["t0", None, "t1", "t2", "t3", "t4"]
    assert reader.read_table(columns=["bid"])["bid"].null_count == 6  # a field of a class that has no events here
    assert reader.read_table(columns=[]).column_names == reader.read_table(columns=[], exact=True).column_names == []
    exact = reader.read_table(event_type="trade", columns=["price"], exact=True)
    assert exact.column_names == ["price", "price_exp", "price_exact"]
    with pytest.raises(ValueError, match="'prise', which is no field of the selected events; did you mean price"):
        reader.read_table(columns=["prise"])
    with pytest.raises(ValueError, match="'price' more than once"):
        reader.read_table(columns=["price", "price"])
    with pytest.raises(ValueError, match="exact=True excludes floats=True"):
        reader.read_table(exact=True, floats=True)


def test_floats_are_the_nearest_to_the_decimals_and_can_be_calculated_with(reader: IEventReader) -> None:
    nearest = [float(price) for price in PRICES]
    assert reader.read_table(event_type="trade", floats=True)["price"].to_pylist() == nearest
    assert reader.to_polars(event_type="trade", floats=True)["price"].to_list() == nearest
    frame = reader.to_pandas(event_type="trade", columns=["price"], floats=True, index="timestamp")
    assert frame["price"].dtype == np.float64
    assert isinstance(frame.index, pd.DatetimeIndex)
    assert list(frame.columns) == ["price"]
    assert frame["price"].pct_change().iloc[1] == pytest.approx(0.1 / 100.1 - 1)
    assert np.log(frame["price"]).iloc[0] == pytest.approx(np.log(100.1))
    bars = frame["price"].resample("1min").ohlc()
    assert bars.iloc[0].to_dict() == {"open": 100.1, "high": 7000.0, "low": 0.1, "close": 7000.0}


def test_an_index_may_be_any_field(reader: IEventReader) -> None:
    assert list(reader.to_pandas(event_type="trade", index="trade_id").index) == ["t0", "t1", "t2", "t3", "t4"]
    with pytest.raises(ValueError, match=r"index is 'time_stamp', which is no field .*did you mean timestamp"):
        reader.to_pandas(event_type="trade", index="time_stamp")


@pytest.mark.parametrize("package", ["pandas", "polars"])
def test_a_package_that_is_not_installed_is_named(
    reader: IEventReader, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=f"needs the package {package}: pip install {package}"):
        getattr(reader, f"to_{package}")()


@pytest.mark.usefixtures("classes_are_forgotten")
@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"amount": Decimal("1E-30")}, "row 1: amount is 1E-30, which .* cannot hold; exact=True .* floats=True"),
        ({"amount": Decimal("1E+30")}, "row 1: amount is 1E[+]30, which"),
        ({"amount": Decimal(1), "count": 2**70}, "row 1: count is 1180591620717411303424, which int64 cannot hold"),
        ({"amount": Decimal(1), "moment": datetime(2024, 1, 1)}, "row 1: moment is 2024-01-01T00:00:00, which"),
    ],
)
def test_what_a_column_cannot_hold_is_refused_and_is_there_exactly(
    reader_of: Callable[[list[BaseEvent]], IEventReader], values: dict[str, Any], message: str
) -> None:
    events = [MeasuredEvent(amount=Decimal(1), timestamp=START), MeasuredEvent(**values, timestamp=START)]
    reader = reader_of([*events])
    with pytest.raises(ValueError, match=message):
        reader.read_table(event_type="measured")
    assert table_to_events(reader.read_table(event_type="measured", exact=True)) == events
    assert reader.read_table(event_type="measured", columns=["event_id"]).num_rows == 2


@pytest.mark.usefixtures("classes_are_forgotten")
def test_what_stands_beside_a_column_is_put_into_it_where_it_fits(
    reader_of: Callable[[list[BaseEvent]], IEventReader],
) -> None:
    moment = datetime.fromisoformat("2024-01-01T02:00:00+02:00")
    events = [MeasuredEvent(amount=Decimal("-0"), moment=moment, timestamp=START)]
    table = reader_of([*events]).read_table(event_type="measured")
    assert table["amount"].to_pylist() == [Decimal(0)]
    assert table["moment"].to_pylist() == [moment]
    assert table["amount_exact"].to_pylist() == ["a field of its own"]  # though `amount` has a column beside it
    tiny = [MeasuredEvent(amount=Decimal("1E-30"), timestamp=START + timedelta(days=1))]
    floats = reader_of([*tiny]).to_polars(event_type="measured", columns=["amount"], floats=True)
    assert floats["amount"].to_list() == [0.0, 1e-30]


def test_a_frame_of_polars_has_the_types_of_the_table(reader: IEventReader) -> None:
    frame = reader.to_polars(event_type="trade")
    assert frame.schema["price"] == pl.Decimal(38, 18)
    assert frame.schema["timestamp"] == pl.Datetime("us", "UTC")
    assert reader.read_table(event_type="trade").schema.field("price").type == pa.decimal128(38, 18)
