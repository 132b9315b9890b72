"""Files of any form become events, and their bad rows are refused one by one."""

import gzip
import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from tests.events.importing.written import (
    GOOD,
    HEADER,
    MIDNIGHT,
    ROWS,
    TWO_TRADES,
    Write,
    archive,
    read,
    trades,
    write_parquet,
    writer_in,
)
from trading.events.base import BaseEvent
from trading.events.errors import ImportFileError
from trading.events.importing import MarketDataFile, RefusedRow
from trading.events.market_data import TickEvent, TradeEvent


@pytest.fixture
def write(tmp_path: Path) -> Write:
    return writer_in(tmp_path)


def test_each_row_of_csv_is_one_event_in_the_order_of_the_file(write: Write) -> None:
    first, second = read(write(GOOD))
    assert isinstance(first, TradeEvent)
    assert isinstance(second, TradeEvent)
    assert (first.exchange, first.symbol, first.raw_symbol, first.side) == ("x", "A/B", None, None)
    assert first.timestamp == first.exchange_timestamp == first.local_timestamp == MIDNIGHT
    assert second.timestamp == MIDNIGHT + timedelta(seconds=1)
    assert (str(first.price), str(first.quantity)) == ("1.10", "5")
    assert first.event_id != second.event_id


@pytest.mark.parametrize(
    "content",
    [
        GOOD.replace("\n", "\r\n"),
        GOOD.rstrip("\n"),
        "\ufeff" + GOOD,
        "\n\n" + GOOD.replace("\n", "\n\n"),
        GOOD.replace(",", ";"),
        GOOD.replace(",", "\t"),
        GOOD.replace(",", "|"),
        GOOD.replace("price", ' "Price" '.strip()).replace("1.10", '"1.10"'),
        GOOD.replace("timestamp", "Time").replace("quantity", "QTY"),
    ],
    ids=["crlf", "no last line end", "byte order mark", "blank lines", "semicolons", "tabs", "bars", "quotes", "names"],
)
def test_csv_may_be_written_in_several_ways(write: Write, content: str) -> None:
    assert trades(write(content)) == TWO_TRADES


def test_text_may_be_gzipped_or_alone_in_a_zip_archive_whatever_the_name(write: Write, tmp_path: Path) -> None:
    assert trades(write(gzip.compress(GOOD.encode()), "trades.csv")) == TWO_TRADES
    assert trades(write(archive(GOOD, tmp_path, "folder/", "folder/a.csv"), "trades.gz")) == TWO_TRADES


def test_json_lines_keep_every_digit_that_is_written(write: Write) -> None:
    lines = (
        '{"ts": 1704067200000, "price": 1.10, "qty": 5}\n\n{"ts": 1704067201000, "price": "1.20", "qty": 6, "x": 1}\n'
    )
    assert trades(write(lines)) == TWO_TRADES
    assert str(trades(write(lines))[0][0]) == "1.10"
    assert trades(write("\ufeff" + lines)) == TWO_TRADES


def test_a_file_without_a_header_is_read_by_the_names_that_are_given(write: Write) -> None:
    header = HEADER.split(",")
    assert trades(write("\n".join(ROWS)), header=header) == TWO_TRADES
    with pytest.raises(ImportFileError, match="line 1 is data where the names of the columns were expected"):
        read(write("1704067200000,1.10,5\n"))


def test_a_delimiter_that_is_given_is_used(write: Write) -> None:
    content = "timestamp:price:a,b,c,d:quantity\n1704067200000:1:x:2\n"
    assert trades(write(content), delimiter=":") == [(Decimal(1), Decimal(2))]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2024-01-01T00:00:02Z,abc,1", "price: 'abc' is no number"),
        ("2024-01-01T00:00:02Z,1.1", "it has 2 cells, the header has 3"),
        ("2024-01-01T00:00:02Z,1.1,1,", "it has 4 cells, the header has 3"),
        ("2024-01-01T00:00:02Z,,1", "price is empty"),
        ("2024-01-01T00:00:02Z,  ,1", "price is empty"),
        (",1,1", "timestamp is empty"),
        ("noon,1,1", "timestamp: 'noon' is no time; ISO 8601 or a number since 1970 is expected"),
        ("2024-01-01T00:00:02Z,1,0", "quantity: Input should be greater than 0"),
        ("2024-01-01T00:00:02Z,1,-5", "quantity: Input should be greater than 0"),
        ('2024-01-01T00:00:02Z,"1.1"x,1', "is no CSV: ',' expected after '\"'"),
        ('2024-01-01T00:00:02Z,"1.1,1', "is no CSV: unexpected end of data"),
        ("2024-01-01T00:00:02Z,1.1\0,1", r"price: '1.1\x00' is no number"),
        ("2024-01-01T00:00:02Z,\u0661,1", "price: '\u0661' is no number"),
        ("2024-01-01T00:00:02Z," + "9" * 200_000 + ",1", "is no CSV: field larger than field limit"),
    ],
)
def test_a_bad_row_is_refused_with_its_line_and_reason_and_no_other_suffers(
    write: Write, row: str, reason: str
) -> None:
    first, refused, last = read(write("\n".join([HEADER, ROWS[0], row, ROWS[1]])))
    assert isinstance(first, TradeEvent)
    assert isinstance(last, TradeEvent)
    assert isinstance(refused, RefusedRow)
    assert refused.line == 3
    assert reason in refused.reason
    assert len(refused.reason) < 200


def test_bytes_that_are_no_utf8_spoil_only_their_own_row(write: Write) -> None:
    content = f"{HEADER}\n{ROWS[0]}\n".encode() + b"2024-01-01T00:00:02Z,\xff\xfe,1\n" + ROWS[1].encode()
    _, refused, _ = read(write(content))
    assert refused == RefusedRow(3, r"price: '\udcff\udcfe' is no number")


def test_a_column_of_text_may_hold_any_letters_but_not_broken_ones(write: Write) -> None:
    content = f"symbol,{HEADER}\nBÉTA/日本,{ROWS[0]}\n".encode() + b"\xff," + ROWS[1].encode()
    event, refused = read(write(content), symbol=None)
    assert isinstance(event, TradeEvent)
    assert event.symbol == "BÉTA/日本"
    assert isinstance(refused, RefusedRow)
    assert refused.reason.startswith("symbol: ")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "is no JSON object"),
        ("[1, 2]", "is no JSON object: it is another kind of value"),
        ('{"ts": 1704067200000, "price": NaN, "qty": 1}', "NaN is no JSON"),
        ('{"ts": 1704067200000, "price": 1}', "it has no 'qty'"),
        ('{"ts": 1704067200000, "price": null, "qty": 1}', "price is empty"),
        ('{"ts": 1704067200000, "price": {"a": 1}, "qty": 1}', "is no number"),
        ("[" * 100_000, "is no JSON object"),
        ('{"ts": ' + "9" * 5_000 + "}", "is no JSON object"),
    ],
)
def test_a_bad_line_of_json_is_refused_with_its_line_and_reason(write: Write, line: str, reason: str) -> None:
    good = '{"ts": 1704067200000, "price": 1, "qty": 1}'
    first, refused, last = read(write("\n".join([good, line, good])))
    assert isinstance(first, TradeEvent)
    assert isinstance(last, TradeEvent)
    assert isinstance(refused, RefusedRow)
    assert refused.line == 2
    assert reason in refused.reason


@pytest.mark.parametrize(
    ("times", "prices", "price"),
    [
        (pa.array([1704067200000], pa.timestamp("ms")), pa.array([0.00031099999999999997]), "0.000311"),
        (pa.array([1704067200000], pa.timestamp("ms", "UTC")), pa.array([Decimal("1.10")]), "1.10"),
        (pa.array([1704067200], pa.timestamp("s", "Asia/Tokyo")), pa.array([0.1], pa.float32()), "0.1"),
        (pa.array([1704067200000000999], pa.timestamp("ns")), pa.array([7]), "7"),
        (pa.array([1704067200000000], pa.timestamp("us")), pa.array(["1.50"]), "1.50"),
        (pa.array([19723], pa.date32()), pa.array(["1.50"]).dictionary_encode(), "1.50"),
        (pa.array(["2024-01-01"]), pa.array([2.0]), "2"),
        (pa.array([1704067200000]), pa.array([1e-8]), "1E-8"),
    ],
)
def test_every_kind_of_parquet_column_keeps_what_it_holds(
    tmp_path: Path, times: pa.Array, prices: pa.Array, price: str
) -> None:
    path = write_parquet(tmp_path / "t", timestamp=times, price=prices, quantity=pa.array([1]))
    [event] = read(path)
    assert isinstance(event, TradeEvent)
    assert str(event.price) == price
    assert event.timestamp == MIDNIGHT


def test_a_bad_row_of_parquet_is_refused_with_its_number(tmp_path: Path) -> None:
    path = write_parquet(
        tmp_path / "trades.parquet",
        timestamp=pa.array([1, 2, 3, 2**62], pa.timestamp("us")),
        price=pa.array([1.5, None, float("inf"), 1.0]),
        quantity=pa.array([1, 1, 1, 1]),
        unused=pa.array([{"nested": [1]}] * 4),
    )
    with MarketDataFile(path, exchange="x", symbol="A/B") as file:
        _, *refused = file
        assert file.line_word == "row"
        assert (file.rows_read, file.rows_refused, file.fraction_read) == (4, 3, 1.0)
    assert refused == [
        RefusedRow(2, "price is empty"),
        RefusedRow(3, "price: inf is no number"),
        RefusedRow(
            4, "timestamp: '4611686018427387904 us since 1970' is no time; ISO 8601 or a number since 1970 is expected"
        ),
    ]


def test_a_double_that_is_not_a_number_stands_for_nothing(tmp_path: Path) -> None:
    times = pa.array([1704067200], pa.timestamp("s"))
    path = write_parquet(tmp_path / "t", timestamp=times, bid=pa.array([1.5]), ask=pa.array([float("nan")]))
    [tick] = read(path)
    assert isinstance(tick, TickEvent)
    assert (tick.bid, tick.ask) == (Decimal("1.5"), None)


def test_a_path_that_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match="does not exist"):
        MarketDataFile(tmp_path / "none.csv")
    with pytest.raises(ImportFileError, match="is no regular file"):
        MarketDataFile(tmp_path)


def test_events_stops_at_the_first_refused_row_and_names_it(write: Write) -> None:
    path = write("\n".join([HEADER, ROWS[0], "x,1,1"]))
    with (
        MarketDataFile(path, exchange="x", symbol="A/B") as file,
        pytest.raises(ImportFileError, match=r"trades\.csv: line 3: timestamp: 'x' is no time"),
    ):
        list(file.events())


def test_a_file_is_read_as_a_stream(write: Write) -> None:
    with MarketDataFile(write(GOOD + "\n".join(ROWS * 100_000)), exchange="x", symbol="A/B") as file:
        next(iter(file))
        assert file.rows_read == 1
        assert file.fraction_read < 0.1


def test_a_file_with_only_a_header_holds_nothing(write: Write) -> None:
    assert read(write(HEADER)) == []


def test_the_numbers_of_a_text_are_taken_as_doubles_when_asked(write: Write) -> None:
    path = write(f"{HEADER}\n2024-01-01,0.00031099999999999997,1")
    assert trades(path)[0][0] == Decimal("0.00031099999999999997")
    assert trades(path, text_holds_doubles=True)[0][0] == Decimal("0.000311")


def test_reading_a_file_twice_makes_other_events(write: Write) -> None:
    path = write(GOOD)
    ids = {event.event_id for event in (*read(path), *read(path)) if isinstance(event, BaseEvent)}
    assert len(ids) == 4


def test_json_of_the_event_itself_can_be_imported_again(write: Write) -> None:
    [first, _] = read(write(GOOD))
    assert isinstance(first, TradeEvent)
    document = json.loads(first.model_dump_json())
    assert read(write(json.dumps(document)), exchange=None, symbol=None) == [first]
