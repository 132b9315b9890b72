"""Batches of events into ArcticDB: appended, and where they are late, merged in."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from arcticdb.exceptions import ArcticException
from arcticdb.version_store.library import WritePayload

from trading.events.base import BaseEvent
from trading.events.codec import decode_event
from trading.events.persistence.arctic.frame import SEQ, FrameSchema, frame_schema
from trading.events.persistence.arctic.library import EventLibrary, symbol_of
from trading.events.persistence.parquet.store.store_lock import StoreLock
from trading.events.persistence.sending.delivery import Delivery, RefusedEvent, UnavailableError

_LATE_GAP = np.timedelta64(60, "s")
"""Late events further apart than this are merged in one after the other; the rows between them are not read."""

_MOST_APPENDS = 100
"""Number of appends to a symbol after which its small segments are made into large ones."""

Topic = tuple[type[BaseEvent], str | None, str | None]


@dataclass(slots=True)
class _Target:
    """The symbol that the events of a topic go to.

    Attributes:
        symbol: Its name.
        last: Its greatest timestamp, or None where it is new.
        stored: The number of the last event that is in it for certain, with all before that.
        is_doubtful: Whether an attempt has failed, so that some events after that may be in it too.
        appends: The number of appends since its segments were last made into large ones.
    """

    symbol: str
    last: Any
    stored: int = -1
    is_doubtful: bool = False
    appends: int = 0


class _Append(NamedTuple):
    """Rows for the end of a symbol, the last of a batch for it."""

    target: _Target
    payload: WritePayload
    newest: int


class ArcticDelivery(Delivery):
    """Writes batches to a library, each topic to a symbol of its own.

    Args:
        library: The library to write to.
        lock: The lock of the store; released at the end.
        first_seq: The number of the first event in the order of recording.
    """

    def __init__(self, library: EventLibrary, lock: StoreLock, *, first_seq: int) -> None:
        self._library = library
        self._lock = lock
        self._first_seq = first_seq
        self._targets: dict[Topic, _Target] = {}

    def deliver(self, rows: list[bytes], *, first: int) -> list[RefusedEvent]:
        """See Delivery."""
        try:
            self._store(rows, self._first_seq + first)
        except (ArcticException, OSError, UnicodeDecodeError) as error:  # the last is how a full map may be told of
            place = f"ArcticDB in {self._library.base_path}"
            raise UnavailableError(f"{place} cannot be written: {error!s:.500}; it may be full") from error
        return []

    def close(self) -> None:
        """See Delivery."""
        self._lock.release()

    def _store(self, rows: list[bytes], seq: int) -> None:
        appends: list[_Append] = []
        for topic, events in _by_topic(rows, seq).items():
            schema = frame_schema(topic[0])
            target = self._target(topic, schema)
            fresh = [each for each in events if each[1] > target.stored]
            if not fresh:
                continue
            frame = schema.encode([event for event, _ in fresh], [number for _, number in fresh])
            text = schema.heading(topic[1], topic[2]).model_dump_json()
            late = len(frame) if target.is_doubtful else _count_before(frame, target.last)
            newest = max(number for _, number in fresh)
            target.is_doubtful = True
            if late:
                self._merge(target, frame.iloc[:late], text)
            if late == len(frame):
                self._settle(target, frame.index[-1], newest)
            else:
                payload = WritePayload(target.symbol, frame.iloc[late:], metadata=text)
                appends.append(_Append(target, payload, newest))
        if appends:
            self._append(appends)

    def _append(self, appends: list[_Append]) -> None:
        payloads = [append.payload for append in appends]
        answers: list[Any] = self._library.native.append_batch(payloads, prune_previous_versions=True)
        failed: list[Any] = []
        for (target, payload, newest), answer in zip(appends, answers, strict=True):
            if hasattr(answer, "version"):
                self._settle(target, payload.data.index[-1], newest)
            else:
                failed.append(answer)
        if failed:
            raise ArcticException(str(failed[0]))

    def _merge(self, target: _Target, frame: pd.DataFrame, text: str) -> None:
        """Merges rows into the stored ones, which may include some of them."""
        for rows in _split(frame):
            merged = rows
            if self._library.native.has_symbol(target.symbol):
                stored = self._library.read(target.symbol, date_range=(rows.index[0], rows.index[-1])).to_pandas()
                fresh = rows[~np.isin(rows[SEQ].to_numpy(), stored[SEQ].to_numpy())]
                both = pd.concat([stored, fresh]) if len(stored) else fresh
                merged = both.iloc[np.lexsort((both[SEQ].to_numpy(), both.index.to_numpy()))]
            self._library.native.update(target.symbol, merged, upsert=True, metadata=text, prune_previous_versions=True)

    def _settle(self, target: _Target, last: Any, newest: int) -> None:
        """Notes that all rows up to a number are stored."""
        target.is_doubtful = False
        target.stored = newest
        target.last = last if target.last is None else max(last, target.last)
        target.appends += 1
        if target.appends >= _MOST_APPENDS:
            target.appends = 0
            self._library.native.compact_data(target.symbol, prune_previous_versions=True)

    def _target(self, topic: Topic, schema: FrameSchema) -> _Target:
        if topic not in self._targets:
            self._targets[topic] = self._find_target(topic, schema)
        return self._targets[topic]

    def _find_target(self, topic: Topic, schema: FrameSchema) -> _Target:
        """The symbol of the topic that has the class's columns, or a new one."""
        _, exchange, name = topic
        number = 1
        while self._library.native.has_symbol(symbol := symbol_of(schema.event_type, exchange, name, number=number)):
            if self._library.heading(symbol).fields == schema.heading(exchange, name).fields:
                return _Target(symbol, self._library.native.get_description(symbol).date_range[1].tz_localize(None))
            number += 1
        return _Target(symbol, None)


def _by_topic(rows: list[bytes], seq: int) -> dict[Topic, list[tuple[BaseEvent, int]]]:
    """The events of each topic with their numbers, by time."""
    topics = defaultdict[Topic, list[tuple[BaseEvent, int]]](list)
    for number, event in enumerate(map(decode_event, rows), seq):
        topics[type(event), event.exchange, event.symbol].append((event, number))
    for events in topics.values():
        events.sort(key=lambda each: each[0].timestamp)
    return topics


def _count_before(frame: pd.DataFrame, last: Any) -> int:
    """Counts the rows that are older than the last stored one."""
    index: Any = frame.index
    return 0 if last is None else int(index.searchsorted(last))


def _split(frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """The rows of a frame, in pieces where there is a gap in time."""
    starts = np.flatnonzero(np.diff(frame.index.to_numpy()) > _LATE_GAP) + 1
    edges = [0, *starts.tolist(), len(frame)]
    for begin, end in pairwise(edges):
        yield frame.iloc[begin:end]
