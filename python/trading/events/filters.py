"""Predefined filters. They are native, and what they decide by topic costs nothing per event.

A filter is any callable that takes an event and says whether it passes; these combine with `&`, `|` and `~`, with each
other and with functions of your own.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal

from trading.events._core import Filter, check_event_type, check_exchange, check_symbol
from trading.events.base import BaseEvent

__all__ = [
    "Filter",
    "combined_filter",
    "event_type_filter",
    "exchange_filter",
    "not_filter",
    "symbol_filter",
    "time_range_filter",
]


def symbol_filter(*symbols: str) -> Filter:
    """Events of these symbols.

    Raises:
        ValueError: There is none, or one can never be a symbol.
    """
    _check_some(symbols, "symbol_filter")
    return Filter.symbols([check_symbol(symbol) for symbol in symbols])


def exchange_filter(*exchanges: str) -> Filter:
    """Events of these exchanges.

    Raises:
        ValueError: There is none, or one can never be an exchange.
    """
    _check_some(exchanges, "exchange_filter")
    return Filter.exchanges([check_exchange(exchange) for exchange in exchanges])


def event_type_filter(*event_types: str | type[BaseEvent]) -> Filter:
    """Events of these types; a class stands for its subclasses too.

    Raises:
        ValueError: There is none, or a text can never be an event type.
        TypeError: One is neither text nor an event class.
    """
    _check_some(event_types, "event_type_filter")
    names: list[str] = []
    classes: list[type[BaseEvent]] = []
    for event_type in event_types:
        if isinstance(event_type, str):
            names.append(check_event_type(event_type))
        elif isinstance(event_type, type) and issubclass(event_type, BaseEvent):
            classes.append(event_type)
        else:
            raise TypeError(f"{event_type!r} is neither an event type nor an event class")
    return Filter.event_types(names, classes)


def time_range_filter(start: datetime | None = None, end: datetime | None = None) -> Filter:
    """Events with `start <= timestamp < end`; None is open, a naive datetime is UTC.

    Raises:
        TypeError: A limit is no datetime.
        ValueError: The range is empty.
    """
    start, end = _as_utc(start), _as_utc(end)
    if start is not None and end is not None and start >= end:
        raise ValueError(f"the range from {start} to {end} is empty; the end must be after the start")
    return Filter.time_range(start, end)


def combined_filter(*filters: Callable[[Any], object], mode: Literal["and", "or"] = "and") -> Filter:
    """Events that pass every one of the filters, or, with `mode="or"`, at least one.

    What the predefined filters among them can decide by topic is decided first; the rest is asked in order, until the
    outcome is certain. Of no filters at all, `and` passes everything and `or` nothing.

    Raises:
        TypeError: One cannot be called.
        ValueError: The mode is neither.
    """
    for each in filters:
        if not callable(each):
            raise TypeError(f"{each!r} is no filter: it cannot be called")
    if mode == "and":
        return Filter.all(list(filters))
    if mode == "or":
        return Filter.any(list(filters))
    raise ValueError(f"mode is {mode!r}; it may be 'and' or 'or'")


def not_filter(condition: Callable[[Any], object]) -> Filter:
    """Events that do not pass the filter.

    Raises:
        TypeError: It cannot be called.
    """
    if not callable(condition):
        raise TypeError(f"{condition!r} is no filter: it cannot be called")
    return Filter.negation(condition)


def _check_some(given: tuple[object, ...], name: str) -> None:
    if not given:
        raise ValueError(f"{name} needs at least one name")


def _as_utc(moment: datetime | None) -> datetime | None:
    if moment is not None and not isinstance(moment, datetime):
        raise TypeError(f"{moment!r} is no datetime")
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment
