"""The last selected event of a day, found without reading the others."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

from trading.events.base import BaseEvent
from trading.events.errors import StoreError, VanishedFileError
from trading.events.persistence.parquet.reading.merge import merge
from trading.events.persistence.parquet.reading.merge_buffer import Key, integers, micros_of
from trading.events.persistence.parquet.reading.part import OpenFiles, Part
from trading.events.persistence.parquet.reading.table import in_range
from trading.events.persistence.schema.stored_schema import SEQ
from trading.events.persistence.selection import Selection

_BATCH_ROWS = 65_536


class _Found(NamedTuple):
    key: Key
    part: Part


def find_last(parts: list[Part], selection: Selection, report: Callable[[StoreError], None]) -> BaseEvent | None:
    """The last of the selected events in some files of one day.

    Only the keys of the others are read, and only in files that may hold it, unless the filter needs the events.

    Raises:
        VanishedFileError: One of the files has gone.
    """
    if selection.filter is None:
        found = _find(parts, selection, report)
        if found is None:
            return None
        narrow = replace(selection, start=found.key[0], end=found.key[0] + 1)
        last = _go_over([found.part], narrow, report)
        if last is not None:
            return last  # else its class refuses it, and one before it may be an event
    return _go_over(parts, selection, report)


def _go_over(parts: list[Part], selection: Selection, report: Callable[[StoreError], None]) -> BaseEvent | None:
    last: BaseEvent | None = None
    for events, _ in merge(parts, selection, report):
        last = events[-1] if events else last
    return last


def _find(parts: list[Part], selection: Selection, report: Callable[[StoreError], None]) -> _Found | None:
    best: _Found | None = None
    for part in sorted(parts, key=lambda part: part.last, reverse=True):
        if best is not None and part.last < best.key[0]:
            break
        try:
            found = max(_keys(part, selection), default=None)
        except VanishedFileError:
            raise
        except StoreError as error:
            report(error)
        else:
            if found is not None and (best is None or found > best.key):
                best = _Found(found, part)
    return best


def _keys(part: Part, selection: Selection) -> Iterator[Key]:
    """The last keys of the last row group that has selected rows."""
    for group in reversed(part.footer().groups_in(selection)):
        narrow = replace(selection, start=max(group.first, selection.start or group.first))
        last: Key | None = None
        for batch in part.batches(narrow, rows=_BATCH_ROWS, open_files=OpenFiles(1), names=["timestamp", SEQ]):
            rows = in_range(batch, narrow)
            if rows.num_rows:
                last = micros_of(rows)[-1], integers(rows.column(SEQ))[-1]
        if last is not None:
            yield last
            return
