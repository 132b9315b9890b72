"""The rows of one symbol, by number and by time."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pyarrow as pa
from arcticdb.exceptions import ArcticException

from trading.events.base import BaseEvent, event_class
from trading.events.errors import CorruptFileError, StoreError, UnknownEventTypeError
from trading.events.persistence.arctic.frame import SEQ, Heading, decode_unknown, frame_schema, micros_of
from trading.events.persistence.arctic.library import EventLibrary
from trading.events.persistence.refusal import explain, stored_event_error
from trading.events.persistence.schema.changed_fields import changed_fields
from trading.events.persistence.selection import OnUnknown

_ATTEMPTS = 5
_DECODING = (ArithmeticError, KeyError, TypeError, ValueError, IndexError)


class Key(NamedTuple):
    """A place in the order of all events."""

    micros: int
    seq: int


class Span(NamedTuple):
    """Some of a symbol's rows: those with numbers from `first` to before `behind`, of a version."""

    version: int
    first: int
    behind: int


class _VanishedError(Exception):
    """A version of a symbol has been replaced by another."""


@dataclass(frozen=True, slots=True)
class SymbolRows:
    """A symbol.

    Attributes:
        library: The library that holds it.
        symbol: Its name.
        heading: Its metadata.
        first: Its least timestamp, in microseconds since 1970.
        last: Its greatest.
        unknown: The handling of its events if no class here is for them.
    """

    library: EventLibrary
    symbol: str
    heading: Heading
    first: int
    last: int
    unknown: OnUnknown

    def span(self, start: int | None, end: int | None) -> Span:
        """The rows with `start <= timestamp < end`, as they are now.

        Raises:
            CorruptFileError: The symbol cannot be read.
        """
        for _ in range(_ATTEMPTS):
            try:
                item = self.library.native.get_description(self.symbol)
                version = self.library.native.list_versions(self.symbol, latest_only=True)
                number = next(each.version for each in version)
                count = item.row_count
                first = 0 if start is None else self._bisect(number, count, start)
                return Span(number, first, count if end is None else self._bisect(number, count, end))
            except _VanishedError:
                continue
        raise self._corrupt("it changes too fast to be read")

    def chunks(
        self, start: int | None, end: int | None, *, rows: int, report: Callable[[StoreError], None]
    ) -> Iterator[list[tuple[Key, BaseEvent]]]:
        """The events with `start <= timestamp < end`, in order, in lists of `rows`; refused events are reported.

        Events that are written meanwhile may be among them or not.

        Raises:
            CorruptFileError: The symbol cannot be read.
            UnknownEventTypeError: No class here has its event type.
        """
        reached: Key | None = None
        while True:
            span = self.span(start if reached is None else reached.micros, end)
            try:
                for first in range(span.first, span.behind, rows):
                    events = self.read(Span(span.version, first, min(first + rows, span.behind)), report)
                    fresh = [each for each in events if reached is None or each[0] > reached]
                    if fresh:
                        reached = fresh[-1][0]
                        yield fresh
            except _VanishedError:
                continue
            return

    def read(self, span: Span, report: Callable[[StoreError], None]) -> list[tuple[Key, BaseEvent]]:
        """The events of some rows; those that their class refuses are reported."""
        cls = event_class(self.heading.event_type)
        if cls is None and self.unknown == "raise":
            raise UnknownEventTypeError(self.library.base_path / self.symbol, self.heading.event_type)
        table = self._table(span)
        try:
            keys = list(map(Key, micros_of(table), table.column(SEQ).to_pylist()))
        except _DECODING as error:
            raise self._corrupt(f"its rows hold no events: {error}") from error
        if cls is None:
            try:
                return list(zip(keys, decode_unknown(table, self.heading), strict=True))
            except _DECODING as error:
                raise self._corrupt(f"its rows hold no events: {error}") from error
        try:
            return list(zip(keys, frame_schema(cls).decode(table, self.heading), strict=True))
        except Exception:  # noqa: BLE001 - whatever the class raises; the rows are asked one by one
            return list(self._decode_each(cls, table, keys, report))

    def _decode_each(
        self, cls: type[BaseEvent], table: pa.Table, keys: Sequence[Key], report: Callable[[StoreError], None]
    ) -> Iterator[tuple[Key, BaseEvent]]:
        forms = [(name, field.form) for name, field in self.heading.fields.items()]
        for row, key in enumerate(keys):
            try:
                [event] = frame_schema(cls).decode(table.slice(row, 1), self.heading)
            except Exception as error:  # noqa: BLE001 - whatever the class raises
                path, event_type = self.library.base_path / self.symbol, self.heading.event_type
                reason, changed = explain(error), changed_fields(cls, forms)
                report(
                    stored_event_error(
                        path, reason, seq=key.seq, micros=key.micros, event_type=event_type, changed=changed
                    )
                )
            else:
                yield key, event

    def moments(self, span: Span) -> Sequence[int]:
        """The timestamps of some rows, in microseconds since 1970."""
        return micros_of(self._table(span, columns=[SEQ]))

    def _bisect(self, version: int, count: int, micros: int) -> int:
        """The number of rows before a moment."""
        low, high = 0, count
        while low < high:
            middle = (low + high) // 2
            if self.moments(Span(version, middle, middle + 1))[0] < micros:
                low = middle + 1
            else:
                high = middle
        return low

    def _table(self, span: Span, *, columns: list[str] | None = None) -> pa.Table:
        native = self.library.native
        try:
            table = self.library.read(
                self.symbol, as_of=span.version, row_range=(span.first, span.behind), columns=columns
            )
        except ArcticException as error:
            if not native.has_symbol(self.symbol, as_of=span.version):
                raise _VanishedError from error
            raise self._corrupt(str(error)) from error
        if table.num_rows != span.behind - span.first:
            raise _VanishedError
        return table

    def _corrupt(self, reason: str) -> CorruptFileError:
        return CorruptFileError(self.library.base_path / self.symbol, reason)
