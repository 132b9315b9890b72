"""Tables of any library become the events that their class makes of the same values."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contract.store.test_writers import exactly
from tests.support.classes.samples import SAMPLES, sample
from trading.events import (
    BarEvent,
    BaseEvent,
    EventTableError,
    OrderBookEvent,
    QuoteEvent,
    TradeEvent,
    event_classes,
    events_from_table,
    events_to_table,
)
from trading.events._codec.frames import present_table

START = datetime(2024, 1, 1, tzinfo=UTC)
TIMES = [START + timedelta(seconds=number) for number in range(3)]
TRADES = {
    "event_id": ["a", "b", "c"],
    "timestamp": TIMES,
    "exchange_timestamp": TIMES,
    "local_timestamp": TIMES,
    "price": [100.1, 2.0, 1e-7],
    "quantity": [1, 2, 3],
    "side": ["buy", None, "sell"],
    "trade_id": ["1", "2", None],
}


class OfStream:
    """A table that is known by its interface alone."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)


LIBRARIES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "pyarrow": pa.table,
    "several chunks": lambda columns: pa.concat_tables([pa.table(columns).slice(0, 1), pa.table(columns).slice(1)]),
    "pandas": pd.DataFrame,
    "pandas of Arrow": lambda columns: pa.table(columns).to_pandas(types_mapper=pd.ArrowDtype),
    "polars": pl.DataFrame,
    "a stream": lambda columns: OfStream(pa.table(columns)),
    "a reader of batches": lambda columns: pa.table(columns).to_reader(),
}


def by_class(columns: dict[str, list[Any]], **others: Any) -> list[TradeEvent]:
    """What the class makes of each row."""
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return [TradeEvent(**row, **others) for row in rows]


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_table_of_any_library_becomes_what_the_class_makes_of_its_rows(library: str) -> None:
    made = events_from_table(LIBRARIES[library](TRADES), TradeEvent, exchange="binance", symbol="BTC/USDT")
    assert exactly(made) == exactly(by_class(TRADES, exchange="binance", symbol="BTC/USDT"))


@pytest.mark.parametrize("cls", SAMPLES, ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("exact", [True, False])
def test_what_was_a_table_of_events_becomes_the_same_events(cls: type[BaseEvent], *, exact: bool) -> None:
    events = [sample(cls), sample(cls, metadata={"a": [1, None]})]
    table = present_table(events_to_table(events), event_classes, exact=exact)
    for frame in (table, table.to_pandas(types_mapper=pd.ArrowDtype), pl.DataFrame(table)):
        assert events_from_table(frame, cls) == events


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30))
def test_a_float_becomes_the_decimal_that_the_class_makes_of_it(floats: list[float]) -> None:
    frame = {"timestamp": [START] * len(floats), "price": floats, "quantity": [1.0] * len(floats)}
    made = events_from_table(pa.table(frame), TradeEvent, exchange="a", symbol="b")
    assert [event.price.as_tuple() for event in made] == [Decimal(repr(each)).as_tuple() for each in floats]


@pytest.mark.parametrize(
    ("column", "texts"),
    [
        (pa.array([1.5, 100.25], pa.float32()), ["1.5", "100.25"]),
        (pa.array([0.1, 16777216], pa.float32()), ["0.1", "16777216.0"]),
        (pa.array([2**63, 5], pa.uint64()), ["9223372036854775808", "5"]),
        (pa.array([Decimal("1.10"), Decimal("2.00")], pa.decimal128(10, 2)), ["1.10", "2.00"]),
        (pa.array([Decimal("1.10"), Decimal("1E-18")], pa.decimal128(38, 18)), ["1.1", "1E-18"]),
        (pa.array([Decimal(100), Decimal(0)], pa.decimal128(38, 18)), ["100", "0"]),
        (pa.array([Decimal("1E-30"), Decimal(7)], pa.decimal256(60, 30)), ["1E-30", "7." + 30 * "0"]),
        (["1.10", " 7 "], ["1.10", "7"]),
        (pa.array(["1.10", "7"]).dictionary_encode(), ["1.10", "7"]),
        (pa.array(["1.10", "7"], pa.large_string()), ["1.10", "7"]),
        (pa.array(["1.10", "7"], pa.string_view()), ["1.10", "7"]),
    ],
)
def test_a_decimal_has_the_digits_that_the_column_says(column: Any, texts: list[str]) -> None:
    table = pa.table({"timestamp": [START] * 2, "price": column, "quantity": [1, 1]})
    made = events_from_table(table, TradeEvent, exchange="a", symbol="b")
    assert [str(event.price) for event in made] == texts


def test_objects_of_pandas_keep_their_digits_and_their_zones() -> None:
    moments = [pd.Timestamp("2024-01-01T02:00:00.5", tz="Europe/Berlin"), datetime(2024, 1, 1, tzinfo=UTC), None]
    frame = pd.DataFrame(
        {
            "timestamp": [START] * 3,
            "local_timestamp": pd.Series([*moments[:2], moments[1]], dtype=object),
            "price": pd.Series([Decimal("1.10"), Decimal("2.0"), 7], dtype=object),
            "quantity": pd.Series(["1", 2, Decimal("1.50")], dtype=object),
            "trade_id": pd.Series(["x", None, float("nan")], dtype=object),
            "side": pd.Series([pd.NA, "buy", None], dtype=object),
        }
    )
    made = events_from_table(frame, TradeEvent, exchange="a", symbol="b")
    assert [str(event.price) for event in made] == ["1.10", "2.0", "7"]
    assert [str(event.quantity) for event in made] == ["1", "2", "1.50"]
    assert made[0].local_timestamp == datetime(2024, 1, 1, 1, 0, 0, 500_000, tzinfo=UTC)
    assert [(event.trade_id, event.side) for event in made] == [("x", None), (None, "buy"), (None, None)]


def test_nan_and_null_are_none_where_the_field_takes_none() -> None:
    frame = pd.DataFrame(
        {"timestamp": [START] * 3, "bid": [1.5, float("nan"), None], "sequence": pd.array([1, None, 2])}
    )
    made = events_from_table(frame, QuoteEvent, exchange="a", symbol="b")
    assert [event.bid for event in made] == [Decimal("1.5"), None, None]
    assert [event.sequence for event in made] == [1, None, 2]


@pytest.mark.parametrize("library", LIBRARIES)
def test_nan_is_none_in_a_table_of_any_library(library: str) -> None:
    columns = {"timestamp": TIMES, "bid": [1.5, float("nan"), 2.5], "ask": [float("nan")] * 3, "metadata": ["{}"] * 3}
    made = events_from_table(LIBRARIES[library](columns), QuoteEvent, exchange="a", symbol="b")
    assert [(event.bid, event.ask) for event in made] == [(Decimal("1.5"), None), (None, None), (Decimal("2.5"), None)]
    prices = {"timestamp": TIMES, "price": [1.5, float("nan"), 2.5], "quantity": [1, 1, 1]}
    with pytest.raises(EventTableError, match=r"^row 1: price is (nan|None): "):
        events_from_table(LIBRARIES[library](prices), TradeEvent, exchange="a", symbol="b")


@pytest.mark.parametrize("nothing", [float("nan"), None])
def test_nan_and_null_are_refused_by_name_where_it_does_not(nothing: float | None) -> None:
    frame = pd.DataFrame({"timestamp": [START] * 3, "price": [1.5, 2.5, nothing], "quantity": 1})
    with pytest.raises(EventTableError, match=r"^row 2: price is None: ") as caught:
        events_from_table(frame, TradeEvent, exchange="a", symbol="b")
    assert (caught.value.row, caught.value.field, caught.value.value) == (2, "price", "None")


def test_identities_are_made_where_there_are_none() -> None:
    columns = {name: TRADES[name] for name in TRADES if name != "event_id"}
    made = events_from_table(pa.table(columns), TradeEvent, exchange="a", symbol="b")
    assert len({event.event_id for event in made}) == 3
    some = events_from_table(pa.table({**columns, "event_id": ["x", None, "y"]}), TradeEvent, exchange="a", symbol="b")
    assert (some[0].event_id, some[2].event_id, len(some[1].event_id)) == ("x", "y", 32)


def test_a_time_that_is_not_given_is_the_first_of_those_that_are() -> None:
    [event] = events_from_table(
        pa.table({"exchange_timestamp": [START], "price": [1], "quantity": [1]}), TradeEvent, exchange="a", symbol="b"
    )
    assert event.timestamp == event.exchange_timestamp == event.local_timestamp == START
    with pytest.raises(EventTableError, match="TradeEvent needs the column 'timestamp'"):
        events_from_table(pa.table({"price": [1], "quantity": [1]}), TradeEvent, exchange="a", symbol="b")


def test_defaults_are_those_of_the_class() -> None:
    columns = {"timestamp": [START], "open_time": [START], "close_time": [START], "interval": ["1m"]}
    prices = {name: [1.5] for name in ("open", "high", "low", "close")}
    [bar] = events_from_table(pa.table({**columns, **prices}), BarEvent, exchange="a", symbol="b")
    row = {name: values[0] for name, values in {**columns, **prices}.items()}
    assert bar == BarEvent(event_id=bar.event_id, exchange="a", symbol="b", **row)
    assert (bar.complete, bar.volume, bar.metadata) == (True, None, {})


def test_books_have_their_levels_as_lists_or_as_json() -> None:
    levels = [[{"price": 2.5, "quantity": Decimal(1)}, {"price": 2.0, "quantity": Decimal(3)}]]
    book = {"timestamp": [START], "kind": ["snapshot"]}
    expected = OrderBookEvent(
        event_id="x", exchange="a", symbol="b", timestamp=START, exchange_timestamp=START, local_timestamp=START,
        kind="snapshot", bids=levels[0],
    )  # fmt: skip
    for bids in (levels, ['[{"price": 2.5, "quantity": "1"}, {"price": 2, "quantity": 3}]']):
        table = pa.table({**book, "bids": bids, "event_id": ["x"]})
        assert events_from_table(table, OrderBookEvent, exchange="a", symbol="b") == [expected]


def test_the_named_index_of_pandas_is_a_column_and_another_is_none() -> None:
    columns = {name: TRADES[name] for name in ("timestamp", "price", "quantity")}
    frame = pd.DataFrame(columns)
    by_time = frame.set_index("timestamp")
    expected = events_from_table(frame, TradeEvent, exchange="a", symbol="b")
    for indexed in (by_time, frame[frame["price"] > 0], frame.sort_values("timestamp", ascending=False)[::-1]):
        made = events_from_table(indexed, TradeEvent, exchange="a", symbol="b")
        assert [event.timestamp for event in made] == [event.timestamp for event in expected]
    with pytest.raises(EventTableError, match=r'index without a name: frame.rename_axis\("timestamp"\) gives it one'):
        events_from_table(by_time.rename_axis(None), TradeEvent, exchange="a", symbol="b")


def test_the_names_of_columns_of_pandas_may_be_of_any_type() -> None:
    frame = pd.DataFrame({"timestamp": TIMES, "price": 1.5, "quantity": 1, "side": "buy", 7: "x", None: 0})
    made = events_from_table(frame, TradeEvent, exchange="a", symbol="b", unknown="ignore")
    assert [event.side for event in made] == ["buy"] * 3


def test_a_table_without_rows_makes_no_events() -> None:
    assert events_from_table(pa.table(TRADES).slice(0, 0), TradeEvent, exchange="a", symbol="b") == []
    assert events_from_table(events_to_table([sample(TradeEvent)]).slice(0, 0), TradeEvent) == []
