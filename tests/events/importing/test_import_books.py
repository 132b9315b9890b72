"""Order books out of files: of rows that are one level each, and of Bybit's messages."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from trading.events.base import BaseEvent
from trading.events.errors import ImportFileError
from trading.events.importing import MarketDataFile, RefusedRow
from trading.events.importing.events import books as books_from_rows
from trading.events.market_data import BookLevel, OrderBookEvent

COLUMNS = "timestamp,last_update_id,update_type,side,price,qty,pu"
NEW_YEAR = datetime(2024, 1, 1, tzinfo=UTC)


def read(path: Path, *lines: str, **options: Any) -> list[BaseEvent | RefusedRow]:
    path.write_text("\n".join(lines))
    with MarketDataFile(path, **({"exchange": "x", "symbol": "A/B"} | options)) as file:
        items = list(file)
        assert file.rows_refused == sum(item.rows for item in items if isinstance(item, RefusedRow))
        return items


def books(items: Sequence[BaseEvent | RefusedRow]) -> list[OrderBookEvent]:
    assert all(isinstance(item, OrderBookEvent) for item in items), items
    return [item for item in items if isinstance(item, OrderBookEvent)]


def pairs(levels: Sequence[BookLevel]) -> list[tuple[str, str]]:
    return [(str(level.price), str(level.quantity)) for level in levels]


def level(
    side: str, price: str, qty: str = "1", *, update: int = 5, kind: str = "snap", time: str = "2024-01-01"
) -> str:
    return f"{time},{update},{kind},{side},{price},{qty},-1"


def test_rows_that_differ_only_in_their_level_are_one_book(tmp_path: Path) -> None:
    [book] = books(read(tmp_path / "f", COLUMNS, level("b", "10.0", "3"), level("a", "11"), level("b", "9.5")))
    assert (book.kind, book.sequence, book.previous_sequence, book.timestamp) == ("snapshot", 5, None, NEW_YEAR)
    assert pairs(book.bids) == [("10.0", "3"), ("9.5", "1")]
    assert pairs(book.asks) == [("11", "1")]


def test_a_snapshot_is_put_in_order_and_a_delta_left_in_its_own(tmp_path: Path) -> None:
    rows = [(side, price) for side in "ba" for price in ("2", "3", "1")]
    [snapshot] = books(read(tmp_path / "f", COLUMNS, *(level(side, price) for side, price in rows)))
    assert [str(one.price) for one in (*snapshot.bids, *snapshot.asks)] == ["3", "2", "1", "1", "2", "3"]
    [delta] = books(read(tmp_path / "f", COLUMNS, *(level(side, price, "0", kind="delta") for side, price in rows)))
    assert [str(one.price) for one in (*delta.bids, *delta.asks)] == ["2", "3", "1"] * 2


@pytest.mark.parametrize("change", [{"update": 6}, {"kind": "delta"}, {"time": "2024-01-02"}])
def test_a_row_that_differs_in_anything_else_begins_another_book(tmp_path: Path, change: dict[str, Any]) -> None:
    rows = [level("b", "1"), level("b", "2"), level("b", "3", **change)]
    assert [len(book.bids) for book in books(read(tmp_path / "f", COLUMNS, *rows))] == [2, 1]


def test_a_book_with_a_bad_row_is_refused_whole_and_the_next_one_is_taken(tmp_path: Path) -> None:
    rows = [level("b", "1"), level("b", "x"), level("b", "2"), level("b", "3", update=6)]
    refused, book = read(tmp_path / "f", COLUMNS, *rows)
    assert refused == RefusedRow(3, "'x' is no number; its book of 3 rows is refused whole", rows=3)
    assert isinstance(book, OrderBookEvent)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (level("north", "1"), "'north' is no side"),
        (level("b", "1", "-1"), "quantity: Input should be greater than or equal to 0"),
        (level("b", "1", "0"), "bids of a snapshot have quantity 0 at 1"),
        (level("b", "1", kind="partial"), "'partial' is neither snapshot nor delta"),
        (level("b", "1", kind=""), "None is neither snapshot nor delta"),
        (level("b", "1", time=""), "timestamp is empty"),
        (level("b", "1", time="x"), "'x' is no time"),
        (level("b", "1").replace(",5,", ",half,"), "'half' is no number"),
    ],
)
def test_a_book_that_cannot_be_is_refused_with_the_reason(tmp_path: Path, row: str, reason: str) -> None:
    [refused] = read(tmp_path / "f", COLUMNS, row)
    assert isinstance(refused, RefusedRow)
    assert reason in refused.reason
    assert (refused.line, refused.rows) == (2, 1)


def test_a_price_that_a_side_names_twice_is_refused(tmp_path: Path) -> None:
    [refused] = read(tmp_path / "f", COLUMNS, level("b", "1"), level("b", "1.0"))
    assert isinstance(refused, RefusedRow)
    assert "bids name the price" in refused.reason


def test_a_row_that_cannot_be_read_spoils_the_books_it_may_belong_to(tmp_path: Path) -> None:
    rows = [level("b", "1"), "broken", level("b", "2", update=6), level("b", "3", update=7)]
    broken, before, after, book = read(tmp_path / "f", COLUMNS, *rows)
    assert broken == RefusedRow(3, "it has 1 cells, the header has 7")
    assert before == RefusedRow(2, "row 3, which was refused, may be of the same book")
    assert after == RefusedRow(4, "row 3, which was refused, may be of the same book")
    assert isinstance(book, OrderBookEvent)


def test_a_row_that_cannot_be_read_in_the_middle_does_not_split_a_book(tmp_path: Path) -> None:
    items = read(tmp_path / "f", COLUMNS, level("b", "1"), "broken", level("b", "2"))
    assert items[1] == RefusedRow(2, "row 3, which was refused, may be of the same book", rows=2)
    assert len(items) == 2


def test_rows_that_never_change_their_time_are_no_book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(books_from_rows, "MAX_LEVELS", 10)
    rows = [level("b", str(price)) for price in range(1, 12)]
    assert len(books(read(tmp_path / "f", COLUMNS, *rows[:10]))[0].bids) == 10
    with pytest.raises(ImportFileError, match="more than 10 rows from 2 on are one book"):
        read(tmp_path / "f", COLUMNS, *rows)


def message(kind: str = "snapshot", **data: Any) -> str:
    levels = {"s": "AB", "b": [["10.0", "3"], ["9.5", "1"]], "a": [["11", "1"]], "u": 7, "seq": 70}
    return json.dumps(
        {"topic": "orderbook.500.AB", "type": kind, "ts": 1704067200001, "data": levels | data, "cts": 1704067200000}
    )


def test_each_message_of_bybit_is_a_book(tmp_path: Path) -> None:
    snapshot, delta = books(read(tmp_path / "f", message(), message("delta", a=[["12", "0"]])))
    assert (snapshot.kind, snapshot.raw_symbol, snapshot.sequence) == ("snapshot", "AB", 7)
    assert (snapshot.exchange_timestamp, snapshot.timestamp.microsecond) == (NEW_YEAR, 1_000)
    assert pairs(snapshot.bids) == [("10.0", "3"), ("9.5", "1")]
    assert (delta.kind, pairs(delta.asks)) == ("delta", [("12", "0")])


def test_a_message_names_its_own_symbol_where_none_is_given(tmp_path: Path) -> None:
    [book] = books(read(tmp_path / "f", message(), symbol=None))
    assert (book.symbol, book.raw_symbol) == ("AB", None)


def test_a_message_may_leave_out_what_is_not_needed(tmp_path: Path) -> None:
    text = '{"topic": "t", "type": "delta", "ts": 1704067200000, "data": {}}'
    [book] = books(read(tmp_path / "f", text, event_type="orderbook"))
    assert (book.bids, book.asks, book.sequence) == ((), (), None)
    assert book.exchange_timestamp == NEW_YEAR


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (message("partial"), "kind: Input should be 'snapshot' or 'delta'"),
        (message(b="x"), "'x' is no list of levels"),
        (message(b=[["1"]]), "['1'] is no pair of price and quantity"),
        (message(b=["1"]), "'1' is no pair of price and quantity"),
        (message(b=[["x", "1"]]), "'x' is no number"),
        (message(b=[["1", "1"], ["2", "1"]]), "bids of a snapshot are not best first"),
        (message(s="CD"), "it is of 'CD', but A/B was given"),
        (message(u="x"), "'x' is no number"),
        ('{"topic": "t", "type": "delta", "ts": 1704067200000, "data": 5}', "data is 5, not an object"),
        ('{"topic": "t", "type": "delta", "ts": "x", "data": {}}', "'x' is no time"),
        ('{"topic": "t", "ts": 1704067200000, "data": {}}', "it has no 'type'"),
        ("{", "is no JSON object"),
    ],
)
def test_a_message_that_is_no_book_is_refused_with_the_reason(tmp_path: Path, bad: str, reason: str) -> None:
    _, refused, book = read(tmp_path / "f", message(), bad, message())
    assert isinstance(refused, RefusedRow)
    assert refused.line == 2
    assert reason in refused.reason
    assert isinstance(book, OrderBookEvent)
