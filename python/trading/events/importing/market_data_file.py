"""MarketDataFile: a file of market data as events."""

from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from pydantic import JsonValue, TypeAdapter

from trading.events import _core
from trading.events.base import BaseEvent, event_class
from trading.events.errors import ImportFileError
from trading.events.importing.cells import (
    TIME_UNITS,
    TimeUnit,
    read_noisy_number,
    read_number,
    shown,
    time_reader,
)
from trading.events.importing.events.bars import BarsFromRows
from trading.events.importing.events.books import BooksFromRows
from trading.events.importing.events.bybit_books import BYBIT_LAYOUT, BybitBooks
from trading.events.importing.events.events import EventsFromRows
from trading.events.importing.events.layout import Layout, choose_layout
from trading.events.importing.instrument import Instrument
from trading.events.importing.rows.file_facts import FileFacts
from trading.events.importing.rows.opening import open_rows
from trading.events.importing.rows.rows import RefusedRow, Row
from trading.events.market_data import BarEvent, BarInterval, OrderBookEvent

_INTERVAL = TypeAdapter[str](BarInterval)


class _Maker(Protocol):
    def events(self, rows: Iterator[Row | RefusedRow]) -> Iterator[BaseEvent | RefusedRow]: ...


class MarketDataFile:
    """A file of market data, as events in the order of the file. It is read as a stream: its size does not matter.

        with MarketDataFile("btcusdt-trades.csv", exchange="binance", symbol="BTC/USDT") as file:
            for event in file.events():
                await bus.publish(event)

    The file may be Parquet, CSV or JSON lines; text may be gzipped or alone in a zip archive. Which column is which
    field is told by the usual names. Each row becomes one event, except that the levels of an order book become one
    OrderBookEvent. Doubles in Parquet are taken through their shortest text of at most 15 significant digits, which is
    all that a double holds; text and Arrow decimals keep every digit.

    Each reading makes new events with new ids. `FileImport` records those of a file once.

    Args:
        path: The file.
        event_type: What it holds, `trade`, `tick`, `quote`, `bar`, `orderbook` or an event class with simple fields; by
            default what its columns tell.
        exchange: The exchange; may be left out where a column gives it.
        symbol: The normalized symbol; may be left out where a column gives it. Where both are there, the column's is
            the `raw_symbol`.
        default_exchange: The exchange where neither is there.
        default_symbol: The symbol where neither is there.
        columns: The column of a field, for those that the usual names do not find.
        time_unit: The unit of times that are numbers; by default told by their size, for times since 1973.
        interval: The interval of bars, such as `1m`; by default told by the distance of the first.
        text_holds_doubles: Take the numbers of a text file as doubles that somebody has printed, noise and all.
        header: The names of the columns of a CSV file whose first line is data already.
        delimiter: What stands between two cells of CSV; by default the likeliest by the first line.

    Raises:
        ImportFileError: The file or an option cannot be taken; it says which, and the way out.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        *,
        event_type: str | type[BaseEvent] | None = None,
        exchange: str | None = None,
        symbol: str | None = None,
        default_exchange: str | None = None,
        default_symbol: str | None = None,
        columns: Mapping[str, str] | None = None,
        time_unit: TimeUnit = "auto",
        interval: str | None = None,
        text_holds_doubles: bool = False,
        header: Sequence[str] | None = None,
        delimiter: str | None = None,
    ) -> None:
        _check_options(time_unit=time_unit, interval=interval, delimiter=delimiter)
        self.path = Path(path)
        """The file."""
        self.rows_read = 0
        """Rows read so far."""
        self.rows_refused = 0
        """Rows among them that became no event."""
        fallbacks = (("exchange", default_exchange), ("symbol", default_symbol))
        defaults = {field: name for field, name in fallbacks if name is not None}
        self._facts = FileFacts(
            path=self.path,
            instrument=Instrument(exchange, symbol, defaults=defaults),
            read_number=read_noisy_number if text_holds_doubles else read_number,
            read_time=time_reader(time_unit),
            interval=interval,
        )
        wanted = _class_of(event_type)
        self._source = open_rows(self.path, header=header, delimiter=delimiter)
        try:
            layout = self._choose_layout(wanted, columns or {})
            _check_names(layout, exchange=exchange, symbol=symbol, defaults=defaults)
        except BaseException:
            self._source.close()
            raise
        self.options: Mapping[str, JsonValue] = {
            "exchange": exchange,
            "symbol": symbol,
            "default_exchange": default_exchange,
            "default_symbol": default_symbol,
            "columns": dict(layout.columns),
            "time_unit": time_unit,
            "interval": interval,
            "text_holds_doubles": text_holds_doubles,
            "header": None if header is None else list(header),
            "delimiter": delimiter,
        }
        """What decides, besides the file and the type of its events, which events it gives."""
        self.event_type: str = layout.event_class.model_fields["event_type"].default
        """The type of its events."""
        self.columns = layout.columns
        """The column of each field that comes from one."""
        self._items = self._maker(layout).events(self._rows(layout))

    def _choose_layout(self, wanted: type[BaseEvent] | None, overrides: Mapping[str, str]) -> Layout:
        names = self._source.columns
        from_bybit = all(column in names for column in BYBIT_LAYOUT.columns.values())
        if from_bybit and wanted in (None, OrderBookEvent) and not overrides:
            return BYBIT_LAYOUT
        return choose_layout(self.path, names, event_class=wanted, overrides=overrides)

    def _maker(self, layout: Layout) -> _Maker:
        if layout is BYBIT_LAYOUT:
            return BybitBooks(self._facts)
        if layout.event_class is BarEvent:
            return BarsFromRows(layout.columns, self._facts)
        if layout.event_class is OrderBookEvent:
            return BooksFromRows(layout.columns, self._facts)
        return EventsFromRows(layout.event_class, layout.columns, self._facts)

    def _rows(self, layout: Layout) -> Iterator[Row | RefusedRow]:
        for row in self._source.rows(set(layout.columns.values())):
            self.rows_read += 1
            yield row

    @property
    def line_word(self) -> str:
        """Name of a row's place: `line`, or `row` in a Parquet file."""
        return self._source.line_word

    @property
    def fraction_read(self) -> float:
        """Fraction of the file that has been read, from 0 to 1."""
        return self._source.fraction_read

    def __iter__(self) -> Iterator[BaseEvent | RefusedRow]:
        """Every event, and in its place every row that became none; once.

        Raises:
            ImportFileError: The file cannot be read any further, or is no such data after all.
        """
        for item in self._items:
            if isinstance(item, RefusedRow):
                self.rows_refused += item.rows
            yield item

    def events(self) -> Iterator[BaseEvent]:
        """Every event; once.

        Raises:
            ImportFileError: A row becomes no event, or the file cannot be read any further.
        """
        for item in self:
            if isinstance(item, RefusedRow):
                raise ImportFileError(f"{self.path}: {self.line_word} {item.line}: {item.reason}")
            yield item

    def close(self) -> None:
        """Closes the file."""
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _check_options(*, time_unit: str, interval: str | None, delimiter: str | None) -> None:
    if time_unit not in TIME_UNITS:
        raise ImportFileError(f"the time unit must be one of {', '.join(TIME_UNITS)}, not {shown(time_unit)}")
    if delimiter is not None and (len(delimiter) != 1 or delimiter in ' "\r\n' or not delimiter.isascii()):
        raise ImportFileError(f"the delimiter must be one character, such as a comma, not {shown(delimiter)}")
    if interval is not None:
        try:
            _INTERVAL.validate_python(interval)
        except ValueError:
            raise ImportFileError(f"{shown(interval)} is no interval; it is a count and a unit, such as 1m") from None


def _class_of(event_type: str | type[BaseEvent] | None) -> type[BaseEvent] | None:
    if not isinstance(event_type, str):
        return event_type
    found = event_class(event_type)
    if found is None:
        raise ImportFileError(f"there is no event type {shown(event_type)}")
    return found


def _check_names(layout: Layout, *, exchange: str | None, symbol: str | None, defaults: Mapping[str, str]) -> None:
    """Refuses an exchange or a symbol that cannot be one, and a file whose events would have none."""
    for field, name, check in (("exchange", exchange, _core.check_exchange), ("symbol", symbol, _core.check_symbol)):
        given = defaults.get(field) if name is None else name
        if given is not None:
            try:
                check(given)
            except ValueError as wrong:
                raise ImportFileError(f"the {field} cannot be {shown(given)}: {wrong}") from None
        elif field not in layout.columns and layout.event_class.model_fields[field].is_required():
            raise ImportFileError(f"no column gives the {field}; give it, or map its column")
