"""Order books out of Bybit's order book messages, one JSON object a line."""

from collections.abc import Iterator, Mapping
from typing import Final, cast

from trading.events.base import BaseEvent
from trading.events.importing.cells import read_integer, shown
from trading.events.importing.events.events import reason_of
from trading.events.importing.events.layout import Layout
from trading.events.importing.rows.file_facts import FileFacts
from trading.events.importing.rows.rows import RefusedRow, Row
from trading.events.market_data import BookLevel, OrderBookEvent

BYBIT_LAYOUT: Final = Layout(
    OrderBookEvent, {"raw_symbol": "topic", "kind": "type", "timestamp": "ts", "symbol": "data"}
)
"""The keys by which such a message differs from other JSON objects."""

_PRICE_AND_QUANTITY = 2


class BybitBooks:
    """Makes one book of each message: `ts` is when it was sent, `cts` when the matching engine made it.

    Args:
        facts: What is known of the file besides its columns.
    """

    def __init__(self, facts: FileFacts) -> None:
        self._instrument = facts.instrument
        self._read_number = facts.read_number
        self._read_time = facts.read_time

    def events(self, rows: Iterator[Row | RefusedRow]) -> Iterator[BaseEvent | RefusedRow]:
        """A book or a refused row for each row."""
        for row in rows:
            if isinstance(row, RefusedRow):
                yield row
                continue
            try:
                yield self._event(row.cells)
            except ValueError as wrong:
                yield RefusedRow(row.line, reason_of(wrong))

    def _event(self, message: Mapping[str, object]) -> OrderBookEvent:
        data = message["data"]
        if not isinstance(data, dict):
            raise ValueError(f"data is {shown(data)}, not an object")  # noqa: TRY004 - a bad cell, not a bad argument
        book = cast("dict[str, object]", data)
        sent = self._read_time(message["ts"])
        values: dict[str, object] = {
            "kind": message["type"],
            "bids": self._levels(book.get("b", [])),
            "asks": self._levels(book.get("a", [])),
            "timestamp": sent,
            "local_timestamp": sent,
            "exchange_timestamp": self._read_time(message["cts"]) if "cts" in message else sent,
        }
        if "u" in book:
            values["sequence"] = read_integer(book["u"])
        names = self._instrument.names({"symbol": book["s"]} if "s" in book else {})
        return OrderBookEvent.model_validate(values | names)

    def _levels(self, side: object) -> list[BookLevel]:
        return [self._level(level) for level in _as_list(side, "list of levels")]

    def _level(self, level: object) -> BookLevel:
        pair = _as_list(level, "pair of price and quantity")
        if len(pair) != _PRICE_AND_QUANTITY:
            raise ValueError(f"{shown(pair)} is no pair of price and quantity")
        return BookLevel(price=self._read_number(pair[0]), quantity=self._read_number(pair[1]))


def _as_list(value: object, what: str) -> list[object]:
    if not isinstance(value, list):
        raise ValueError(f"{shown(value)} is no {what}")  # noqa: TRY004 - a bad cell, not a bad argument
    return cast("list[object]", value)
