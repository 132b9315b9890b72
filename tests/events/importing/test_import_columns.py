"""Which column becomes which field, what a file is taken for by its columns, and whose names its events bear."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import pytest

from trading.events.base import Amount, BaseEvent
from trading.events.errors import ImportFileError
from trading.events.importing import MarketDataFile, RefusedRow
from trading.events.market_data import BarEvent, MarketDataEvent, OrderBookEvent, QuoteEvent, TickEvent, TradeEvent

TIME = "1704067200000"


class FundingRateEvent(MarketDataEvent):
    event_type: Literal["import_funding_rate"] = "import_funding_rate"
    rate: Amount
    period_h: int | None = None


def write(folder: Path, row: Mapping[str, str], *more: Mapping[str, str]) -> Path:
    """A CSV file with these cells by column."""
    path = folder / "file.csv"
    lines = [",".join(row), *(",".join(each.values()) for each in (row, *more))]
    path.write_text("\n".join(lines))
    return path


def read(path: Path, **options: Any) -> list[BaseEvent | RefusedRow]:
    with MarketDataFile(path, **({"exchange": "x", "symbol": "A/B"} | options)) as file:
        return list(file)


BOOK = {"time": TIME, "side": "b", "price": "1", "qty": "1"}


@pytest.mark.parametrize(
    ("row", "event_class"),
    [
        ({"timestamp": TIME, "price": "1", "quantity": "2"}, TradeEvent),
        ({"Trade ID": "7", "Price": "1", "Qty": "2", "Time": TIME, "isBuyerMaker": "true"}, TradeEvent),
        ({"timestamp": TIME, "bid": "1", "ask": "2"}, TickEvent),
        ({"timestamp": TIME, "last": "1"}, TickEvent),
        ({"timestamp": TIME, "bid": "1", "ask": "2", "bid_size": "3"}, QuoteEvent),
        ({"ts": TIME, "bidPrice": "1", "bidQty": "3", "askPrice": "2", "askQty": "4"}, QuoteEvent),
        ({"time": TIME, "open": "1", "high": "1", "low": "1", "close": "1", "interval": "1m"}, BarEvent),
        (
            {"openTime": TIME, "o": "1", "h": "1", "l": "1", "c": "1", "v": "5", "interval": "1m", "price": "1"},
            BarEvent,
        ),
        (BOOK | {"update_type": "snap"}, OrderBookEvent),
        (BOOK | {"is_snapshot": "false"}, OrderBookEvent),
    ],
)
def test_the_columns_tell_what_a_file_holds(tmp_path: Path, row: dict[str, str], event_class: type[BaseEvent]) -> None:
    [event] = read(write(tmp_path, row))
    assert type(event) is event_class


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"a": "1", "b": "2"}, "its columns do not tell what it holds; it has 'a', 'b'"),
        ({"timestamp": TIME, "volume": "1"}, "its columns do not tell what it holds"),
        ({"price": "1", "quantity": "1"}, "its columns do not tell what it holds"),
        ({f"column {n}": "1" for n in range(100)}, "and 70 more. Name the kind of event"),
    ],
)
def test_columns_that_tell_nothing_are_listed(tmp_path: Path, row: dict[str, str], reason: str) -> None:
    with pytest.raises(ImportFileError, match=reason):
        read(write(tmp_path, row))


@pytest.mark.parametrize(
    ("event_type", "row", "missing"),
    [
        ("trade", {"timestamp": TIME, "px": "1"}, "no column for quantity,"),
        ("trade", {"date": TIME}, "no column for price, quantity, "),
        ("trade", {"price": "1", "size": "1"}, "no column for timestamp or exchange_timestamp or local_timestamp, "),
        ("tick", {"timestamp": TIME}, "no column for bid or ask or last, "),
        ("quote", {"timestamp": TIME, "bid_size": "1"}, "no column for bid or ask, "),
        ("bar", {"timestamp": TIME, "open": "1", "high": "1"}, "no column for low, close, "),
        ("bar", dict.fromkeys(("open", "high", "low", "close"), "1"), "no column for open_time or close_time, "),
        ("orderbook", {"timestamp": TIME, "price": "1", "qty": "1"}, "no column for kind, side, "),
        ("order_filled", {"timestamp": TIME}, "no column for order_id, fill_id, side, price, "),
    ],
)
def test_columns_that_are_missing_are_named_with_those_that_are_there_and_the_way_out(
    tmp_path: Path, event_type: str, row: dict[str, str], missing: str
) -> None:
    with pytest.raises(ImportFileError) as caught:
        read(write(tmp_path, row), event_type=event_type)
    text = str(caught.value)
    assert missing in text
    assert f"which {event_type} events need; it has " in text
    assert all(repr(column) in text for column in row)
    assert text.endswith("=COLUMN")


def test_a_wrong_delimiter_shows_as_one_long_column(tmp_path: Path) -> None:
    path = write(tmp_path, {"timestamp": TIME, "price": "1"})
    with pytest.raises(ImportFileError, match="it has 'timestamp,price'"):
        read(path, event_type="trade", delimiter=";")


def test_a_mapping_comes_before_the_usual_names(tmp_path: Path) -> None:
    row = {"timestamp": TIME, "price": "1", "fair price": "2", "lots": "3", "quantity": "4", "taker": "sell"}
    columns = {"price": "fair price", "quantity": "lots", "side": "taker"}
    [trade] = read(write(tmp_path, row), columns=columns)
    assert isinstance(trade, TradeEvent)
    assert (trade.price, trade.quantity, trade.side) == (2, 3, "sell")


def test_a_column_that_is_mapped_is_not_given_to_another_field(tmp_path: Path) -> None:
    row = {"timestamp": TIME, "bid": "1", "price": "9"}
    [tick] = read(write(tmp_path, row), event_type="tick", columns={"ask": "price"})
    assert isinstance(tick, TickEvent)
    assert (tick.bid, tick.ask, tick.last) == (1, 9, None)


def test_a_mapping_helps_to_tell_what_a_file_holds(tmp_path: Path) -> None:
    [trade] = read(
        write(tmp_path, {"t0": TIME, "p0": "1", "q0": "2"}),
        columns={"timestamp": "t0", "price": "p0", "quantity": "q0"},
    )
    assert isinstance(trade, TradeEvent)


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"prise": "price"}, "there is no field 'prise' to map; there are event_id, timestamp, exchange, symbol, "),
        ({"price": "px"}, "has no column 'px' for price; it has 'timestamp', 'price', 'quantity'"),
        ({"event_type": "price"}, "there is no field 'event_type' to map"),
        ({"metadata": "price"}, "there is no field 'metadata' to map"),
    ],
)
def test_a_mapping_of_what_is_not_there_is_refused(tmp_path: Path, columns: dict[str, str], reason: str) -> None:
    path = write(tmp_path, {"timestamp": TIME, "price": "1", "quantity": "1"})
    with pytest.raises(ImportFileError, match=reason):
        read(path, event_type="trade", columns=columns)


def test_a_mapping_that_suits_no_kind_of_event_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, {"timestamp": TIME, "price": "1", "quantity": "1"})
    with pytest.raises(ImportFileError, match="its columns do not tell"):
        read(path, columns={"prise": "price"})


def test_a_needed_column_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text(f"timestamp,price,quantity,price,x,x\n{TIME},1,1,2,3,4\n")
    with pytest.raises(ImportFileError, match="has the column 'price' 2 times"):
        read(path)
    path.write_text(f"timestamp,price,quantity,x,x\n{TIME},1,1,3,4\n")
    assert len(read(path)) == 1


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"time_unit": "h"}, "the time unit must be one of auto, s, ms, us, ns, not 'h'"),
        ({"interval": "1 minute"}, "'1 minute' is no interval"),
        ({"delimiter": ",,"}, "the delimiter must be one character"),
        ({"delimiter": '"'}, "the delimiter must be one character"),
        ({"event_type": "trades"}, "there is no event type 'trades'"),
        ({"exchange": "*"}, r"the exchange cannot be '\*'"),
        ({"exchange": "a.b"}, "the exchange cannot be 'a.b'"),
        ({"symbol": ""}, "the symbol cannot be ''"),
        ({"exchange": None}, "no column gives the exchange; give it, or map its column"),
        ({"symbol": None}, "no column gives the symbol; give it, or map its column"),
    ],
)
def test_an_option_that_cannot_be_is_refused(tmp_path: Path, options: dict[str, Any], reason: str) -> None:
    path = write(tmp_path, {"timestamp": TIME, "price": "1", "quantity": "1"})
    with pytest.raises(ImportFileError, match=reason):
        read(path, **options)


def test_each_time_that_a_file_gives_is_kept_and_the_others_follow_it(tmp_path: Path) -> None:
    row = {"exchange_time": "1704067200001", "local_timestamp": "1704067200002", "price": "1", "quantity": "1"}
    [trade] = read(write(tmp_path, row))
    assert isinstance(trade, TradeEvent)
    assert trade.timestamp == trade.exchange_timestamp
    assert (trade.local_timestamp - trade.exchange_timestamp).total_seconds() == 0.001


def test_the_taker_sold_where_the_buyer_was_the_maker(tmp_path: Path) -> None:
    row = {"timestamp": TIME, "price": "1", "quantity": "1", "buyer_maker": "True"}
    sold, bought, refused = read(write(tmp_path, row, row | {"buyer_maker": "False"}, row | {"buyer_maker": "perhaps"}))
    assert isinstance(sold, TradeEvent)
    assert isinstance(bought, TradeEvent)
    assert (sold.side, bought.side) == ("sell", "buy")
    assert refused == RefusedRow(4, "buyer_maker: 'perhaps' is neither true nor false")


def test_a_tick_or_quote_that_says_nothing_is_refused(tmp_path: Path) -> None:
    row = {"timestamp": TIME, "bid": "1", "ask": "2"}
    _, refused = read(write(tmp_path, row, row | {"bid": "", "ask": ""}))
    assert refused == RefusedRow(3, "bid, ask, last are all empty")


NAMED = {"timestamp": TIME, "price": "1", "quantity": "1", "symbol": "AB", "exchange": "venue"}


def test_a_file_names_the_exchange_and_the_symbol_itself_where_nobody_else_does(tmp_path: Path) -> None:
    path = write(tmp_path, NAMED, NAMED | {"symbol": "CD"})
    first, second = read(path, exchange=None, symbol=None, default_exchange="unused", default_symbol="unused")
    assert isinstance(first, TradeEvent)
    assert isinstance(second, TradeEvent)
    assert (first.exchange, first.symbol, first.raw_symbol, second.symbol) == ("venue", "AB", None, "CD")


def test_a_symbol_that_is_given_makes_the_files_own_the_raw_symbol(tmp_path: Path) -> None:
    [trade] = read(write(tmp_path, NAMED))
    assert isinstance(trade, TradeEvent)
    assert (trade.exchange, trade.symbol, trade.raw_symbol) == ("x", "A/B", "AB")
    [trade] = read(write(tmp_path, NAMED), symbol="AB")
    assert isinstance(trade, TradeEvent)
    assert (trade.symbol, trade.raw_symbol) == ("AB", None)


def test_a_symbol_that_is_given_never_names_a_second_instrument(tmp_path: Path) -> None:
    _, refused, _ = read(write(tmp_path, NAMED, NAMED | {"symbol": "CD"}, NAMED))
    assert isinstance(refused, RefusedRow)
    assert refused.reason.startswith("it is of 'CD', but A/B was given for a file that began with 'AB'")


def test_defaults_name_what_nobody_names(tmp_path: Path) -> None:
    path = write(tmp_path, {"timestamp": TIME, "bid": "1", "ask": "1"})
    [tick] = read(path, exchange=None, symbol=None, default_exchange="venue", default_symbol="AB")
    assert isinstance(tick, TickEvent)
    assert (tick.exchange, tick.symbol, tick.raw_symbol) == ("venue", "AB", "AB")


def test_an_event_class_of_ones_own_is_read_like_any_other(tmp_path: Path) -> None:
    row = {"timestamp": TIME, "rate": "0.0001", "period h": "8"}
    for event_type in (FundingRateEvent, "import_funding_rate"):
        [event] = read(write(tmp_path, row), event_type=event_type)
        assert isinstance(event, FundingRateEvent)
        assert (event.rate, event.period_h) == (Decimal("0.0001"), 8)
