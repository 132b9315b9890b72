"""ArcticEventReader: reads recorded events from ArcticDB."""

from collections.abc import Iterator
from heapq import merge
from itertools import chain, islice
from operator import itemgetter
from os import PathLike
from pathlib import Path

from trading.events._codec.micros import from_micros
from trading.events.base import BaseEvent
from trading.events.errors import StoreError, StorePathError
from trading.events.persistence.arctic.library import DEFAULT_CAPACITY_BYTES, EventLibrary, open_library
from trading.events.persistence.arctic.symbol_rows import Key, Span, SymbolRows
from trading.events.persistence.base import IEventReader
from trading.events.persistence.error_collector import ErrorCollector
from trading.events.persistence.replay.event_range import EventChunks
from trading.events.persistence.selection import Selection
from trading.events.persistence.topics import StoredTopic

_CHUNK_EVENTS = 512
_MOST_ROWS = 65_536
_LEAST_ROWS = 64


class ArcticEventReader(IEventReader):
    """Reads the events of an ArcticEventWriter. It needs no writer, and disturbs none, in this process or in others.

    A symbol that cannot be read, or whose event type has no class, raises when its turn comes; an event
    that its class refuses, after all others have been given, unless the query says `invalid="skip"`.
    ArcticDB itself trusts the bytes that it reads: open no store from a source that you would not run programs of.

    Args:
        base_path: The store's folder.
        capacity_bytes: The address space that is taken; at least what the store's writer was given.

    Raises:
        StorePathError: There is no store.
    """

    def __init__(self, base_path: str | PathLike[str], *, capacity_bytes: int = DEFAULT_CAPACITY_BYTES) -> None:
        self._base_path = Path(base_path).absolute()
        if not self._base_path.is_dir():
            state = "is not a folder" if self._base_path.exists() else "does not exist"
            raise StorePathError(f"{self._base_path} {state}, so there are no recorded events in it")
        self._library: EventLibrary = open_library(self._base_path, capacity_bytes=capacity_bytes)

    @property
    def base_path(self) -> Path:
        """The store's folder, as an absolute path."""
        return self._base_path

    @property
    def store_id(self) -> tuple[str, Path]:
        """The kind of store, and its folder, links resolved."""
        return "arctic", self._base_path.resolve()

    def _read(self, selection: Selection) -> EventChunks:
        found = [symbol for symbol in self._find(selection) if _decide(symbol, selection) is not False]
        rows = max(_LEAST_ROWS, _MOST_ROWS // max(len(found), 1))
        errors = ErrorCollector("raise", selection.invalid)
        several = (symbol.chunks(selection.start, selection.end, rows=rows, report=errors.report) for symbol in found)
        events = map(itemgetter(1), merge(*map(chain.from_iterable, several), key=itemgetter(0)))
        try:
            while chunk := list(islice(events, _CHUNK_EVENTS)):
                kept = selection.keep(chunk)
                if kept:
                    yield kept
        finally:
            errors.tell_skipped()
        errors.finish()

    def _topics(self, selection: Selection) -> list[StoredTopic]:
        found = list(self._find(selection))
        if any(_decide(symbol, selection) is None for symbol in found):
            return super()._topics(selection)
        topics: dict[tuple[str, str, str], StoredTopic] = {}
        for symbol in found:
            span = symbol.span(selection.start, selection.end)
            if _decide(symbol, selection) and span.behind > span.first:
                topic = _describe(symbol, span)
                key = (topic.event_type, topic.exchange or "", topic.symbol or "")
                topics[key] = _add(topics[key], topic) if key in topics else topic
        return [topics[key] for key in sorted(topics)]

    def _count(self, selection: Selection) -> int:
        return sum(topic.rows for topic in self._topics(selection))

    def _last(self, selection: Selection) -> BaseEvent | None:
        found = list(self._find(selection))
        if any(_decide(symbol, selection) is None for symbol in found):
            return super()._last(selection)
        last: list[tuple[Key, BaseEvent]] = []
        refused: list[StoreError] = []
        for symbol in found:
            span = symbol.span(selection.start, selection.end)
            if _decide(symbol, selection) and span.behind > span.first:
                last += symbol.read(span._replace(first=span.behind - 1), refused.append)
        if refused:
            return super()._last(selection)
        return max(last, key=itemgetter(0))[1] if last else None

    def _find(self, selection: Selection) -> Iterator[SymbolRows]:
        """The symbols that may hold selected events."""
        self._library.check_process()
        for symbol, name in self._library.names():
            if selection.wants_file(name):
                heading = self._library.heading(symbol)
                first, last = self._library.time_span(symbol)
                if selection.wants_topic(heading) and selection.overlaps(first, last):
                    yield SymbolRows(self._library, symbol, heading, first, last, selection.unknown)


def _decide(symbol: SymbolRows, selection: Selection) -> bool | None:
    return selection.decide(symbol.heading, symbol.first, symbol.last)


def _describe(symbol: SymbolRows, span: Span) -> StoredTopic:
    [first] = symbol.moments(span._replace(behind=span.first + 1))
    [last] = symbol.moments(span._replace(first=span.behind - 1))
    return StoredTopic(
        event_type=symbol.heading.event_type,
        exchange=symbol.heading.exchange,
        symbol=symbol.heading.symbol,
        files=0,
        rows=span.behind - span.first,
        first=from_micros(first),
        last=from_micros(last),
        size_bytes=0,
    )


def _add(one: StoredTopic, other: StoredTopic) -> StoredTopic:
    """Two parts of a topic as one."""
    return StoredTopic(
        event_type=one.event_type,
        exchange=one.exchange,
        symbol=one.symbol,
        files=0,
        rows=one.rows + other.rows,
        first=min(one.first, other.first),
        last=max(one.last, other.last),
        size_bytes=0,
    )
