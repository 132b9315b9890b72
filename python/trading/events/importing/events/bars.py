"""Bars out of rows: what a bar file leaves unsaid is its interval and one end of each span."""

from calendar import monthrange
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import chain, islice, pairwise

from trading.events.base import BaseEvent
from trading.events.errors import ImportFileError
from trading.events.importing.cells import shown
from trading.events.importing.events.events import EventsFromRows
from trading.events.importing.rows.file_facts import FileFacts
from trading.events.importing.rows.rows import RefusedRow, Row
from trading.events.market_data import BarEvent

_ROWS_TO_LOOK_AT = 500
_LENGTHS: dict[str, timedelta] = {
    "w": timedelta(weeks=1),
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
}
_MONTHS = {"M": 1, "y": 12}
_SHORTEST_MONTH = timedelta(days=28)


class BarsFromRows(EventsFromRows):
    """Makes a bar of each row.

    A bar is known when its span is over, so `timestamp` is the `close_time`, unless the file gives another: a replay
    shows no bar before its time. Where a file gives only one end of the span, the other is one interval away.

    Args:
        columns: The column of each field that the file gives.
        facts: What is known of the file besides its columns. Where it has no interval, the bars have the file's own, or
            else the smallest distance between the first of them.
    """

    def __init__(self, columns: Mapping[str, str], facts: FileFacts) -> None:
        super().__init__(BarEvent, columns, facts)
        self._path = facts.path
        self._interval = facts.interval
        self._read_time = facts.read_time
        self._time_column = columns.get("open_time") or columns["close_time"]
        self._must_find_interval = facts.interval is None and "interval" not in columns

    def events(self, rows: Iterator[Row | RefusedRow]) -> Iterator[BaseEvent | RefusedRow]:
        """A bar or a refused row for each row.

        Raises:
            ImportFileError: The interval is nowhere to be found.
        """
        if self._must_find_interval:
            first = list(islice(rows, _ROWS_TO_LOOK_AT))
            if first:
                self._interval = self._find_interval(first)
            rows = chain(first, rows)
        yield from super().events(rows)

    def _find_interval(self, rows: list[Row | RefusedRow]) -> str:
        times: list[datetime] = []
        for row in rows:
            if isinstance(row, Row):
                try:
                    times.append(self._read_time(row.cells[self._time_column]))
                except ValueError:
                    continue
        gaps = [later - earlier for earlier, later in pairwise(sorted(set(times)))]
        interval = interval_of(min(gaps)) if gaps else None
        if interval is None:
            raise ImportFileError(f"{self._path}: how long its bars are cannot be told; give the interval, such as 1m")
        return interval

    def _complete(self, values: dict[str, object]) -> None:
        if self._interval is not None:
            values["interval"] = self._interval
        opened, closed = values.get("open_time"), values.get("close_time")
        interval = str(values.get("interval"))
        if isinstance(opened, datetime):
            values.setdefault("close_time", shifted(opened, interval, 1))
        elif isinstance(closed, datetime):
            values["open_time"] = shifted(closed, interval, -1)
        else:
            raise ValueError("open_time is empty")  # noqa: TRY004 - a bad cell, not a bad argument
        values.setdefault("timestamp", values["close_time"])


def interval_of(length: timedelta) -> str | None:
    """A length of time as an interval, `1m` for a minute; None from 28 days on, where months begin."""
    if length >= _SHORTEST_MONTH:
        return None
    return next((f"{length // unit}{name}" for name, unit in _LENGTHS.items() if not length % unit), None)


def shifted(moment: datetime, interval: str, count: int) -> datetime:
    """The moment some intervals later, or earlier where `count` is negative.

    Raises:
        ValueError: The interval is none, or leads beyond the years 1 to 9999.
    """
    digits = interval.rstrip("".join(_LENGTHS) + "My")
    unit = interval.removeprefix(digits)
    try:
        if unit in _MONTHS:
            return _months_later(moment, int(digits) * _MONTHS[unit] * count)
        return moment + int(digits) * count * _LENGTHS[unit]
    except (KeyError, OverflowError, ValueError):
        raise ValueError(f"{shown(interval)} is no interval that can be counted from {moment}") from None


def _months_later(moment: datetime, months: int) -> datetime:
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    return moment.replace(year=year, month=month + 1, day=min(moment.day, monthrange(year, month + 1)[1]))
