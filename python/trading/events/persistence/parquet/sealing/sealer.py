"""The thread that seals: it ends segments when rotation says so, and makes files of them."""

import logging
import threading
import time
from concurrent.futures import Future
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from trading.events._core import Journal, Segment
from trading.events.base import event_classes
from trading.events.errors import StoreError
from trading.events.persistence.parquet.journal.flusher import JournalFlusher
from trading.events.persistence.parquet.journal.journal import DAMAGED, open_segments
from trading.events.persistence.parquet.sealing.left_rows import take_left
from trading.events.persistence.parquet.sealing.quarantine import describe_quarantined
from trading.events.persistence.parquet.sealing.rotation import RotationPolicy
from trading.events.persistence.parquet.sealing.sealing import (
    is_scattered,
    seal_quarantined,
    seal_segment,
    seal_together,
)
from trading.events.persistence.parquet.store.store_lock import StoreLock

# pyarrow may need this module for the first time when the interpreter ends, which is too late to import it.
import_module("concurrent.futures.thread")

_RETRY_S = 1.0

_log = logging.getLogger("trading.events.persistence")


class _Request(NamedTuple):
    """A request to seal everything, and perhaps to end."""

    done: Future[None]
    closes: bool


class Sealer:
    """Seals the segments of a journal in a thread of its own, which ends when a `close` succeeds.

    Rows that the disk refuses stay in the journal and are tried again every second. Rows that cannot be sealed because
    of their class are quarantined, which is logged once, and tried again by the next writer, or when a class is
    defined.

    Args:
        base_path: The store.
        journal: Its journal.
        rotation: The limits at which segments are sealed.
        lock: Released when the thread ends.

    Attributes:
        flusher: The flusher, through which events are appended; it ends with the thread.
        closing: Whether no more events may be appended.
    """

    def __init__(self, base_path: Path, journal: Journal, rotation: RotationPolicy, *, lock: StoreLock) -> None:
        self._base_path = base_path
        self._journal = journal
        self._rotation = rotation
        self._lock = lock
        self._changed = threading.Condition()
        self._requests: list[_Request] = []
        self._since_s: float | None = None
        self._day = _today()
        self._retry_s: float | None = 0.0  # at once, for what the last writer has left
        self._failure: str | None = None
        self._newest = journal.number
        self._sealed: set[int] = set()
        self._tried: dict[int, int] = {}
        self._has_taken_left = False
        self._held: int | None = None
        self._due_below = journal.number
        self.closing = False
        self._ended = False
        self.flusher = JournalFlusher(journal, nudge=self.nudge)
        self.thread = threading.Thread(target=self._run, name="trading-events-sealer", daemon=True)
        self.thread.start()

    def nudge(self) -> None:
        """Wakes the thread, which seals the segments that are due."""
        with self._changed:
            self._changed.notify()

    def seal(self) -> Future[None]:
        """A future, done when all that was recorded is in files, or quarantined; on failure it has a StoreError."""
        with self._changed:
            return self._request(closes=False)

    def close(self) -> Future[None]:
        """A future, done when everything is in files and the thread ends; on failure it has the error, and all goes on.

        Quarantined events stay in the journal all the same.
        """
        with self._changed:
            if self._ended:
                done: Future[None] = Future()
                done.set_result(None)
                return done
            self.closing = True
            return self._request(closes=True)

    def _request(self, *, closes: bool) -> Future[None]:
        request = _Request(Future(), closes)
        self._requests.append(request)
        self._changed.notify()
        return request.done

    def _run(self) -> None:
        try:
            while not self._ended:
                self._serve()
        finally:
            self._free()

    def _free(self) -> None:
        self.flusher.stop()
        self._lock.release()

    def _serve(self) -> None:
        """Waits until something is due, and does it."""
        with self._changed:
            while (due_s := self._due_s()) is None or due_s > time.monotonic():
                self._changed.wait(None if due_s is None else due_s - time.monotonic())
            requests, self._requests = self._requests, []
        failure = self._seal(ends=bool(requests) or (self._since_s is not None and self._end_s() <= time.monotonic()))
        with self._changed:
            if any(request.closes for request in requests):
                self._ended = failure is None
                self.closing = self._ended
            if self._ended:
                requests += self._requests
        if self._ended:
            self._free()
        for request in requests:
            if not request.done.set_running_or_notify_cancel():
                continue
            if failure is None:
                request.done.set_result(None)
            else:
                request.done.set_exception(failure)

    def _due_s(self) -> float | None:
        """The time of the next work, on the monotonic clock; None if there is none until something changes."""
        if self._requests:
            return 0.0
        times = [] if self._retry_s is None else [self._retry_s]
        if self._journal.rows == 0 and self._held is None:
            self._since_s = None
            self._day = _today()
        else:
            self._since_s = time.monotonic() if self._since_s is None else self._since_s
            times.append(self._end_s())
        if self._journal.number > self._newest and self._retry_s is None:
            return 0.0
        return min(times, default=None)

    def _end_s(self) -> float:
        """The time at which a segment is sealed even if it is not full, on the monotonic clock."""
        end_s = (self._since_s or 0.0) + self._rotation.age_s
        return min(end_s, time.monotonic() + _seconds_left(self._day)) if self._rotation.date_change else end_s

    def _seal(self, *, ends: bool) -> StoreError | None:
        """Seals segments that have ended; all of them after ending the newest. Returns why that failed."""
        try:
            if ends:
                self._journal.rotate()
                self._day = _today()
                self._due_below = self._journal.number
            newest = self._journal.number  # what is newest later may have been begun after the segments were held
            self._journal.sync()
            ended = [segment for segment in open_segments(self._base_path) if segment.number < newest]
            self._held = self._seal_all(ended)
            self._seal_quarantined()
        except Exception as error:  # noqa: BLE001 - a thread that died of it would leave everybody waiting
            return self._fail(error)
        if self._held is None:
            self._since_s = None
        self._retry_s = self._failure = None
        self._newest = newest
        return None

    def _seal_all(self, ended: list[Segment]) -> int | None:
        """Seals segments, unless they wait for more, to be sealed together; returns the first number of those."""
        while ended:
            together = ended[:1]
            if self._held == ended[0].number or is_scattered(ended[0]):
                together = ended[: self._rotation.segments]
                if len(together) < self._rotation.segments and ended[0].number >= self._due_below:
                    return ended[0].number
            self._seal_together(together)
            ended = ended[len(together) :]
        return None

    def _seal_together(self, segments: list[Segment]) -> None:
        new = [segment for segment in segments if segment.number not in self._sealed]
        if len(new) > 1 and seal_together(self._base_path, new):
            self._sealed.update(segment.number for segment in new)
        for segment in segments:
            self._seal_one(segment)

    def _seal_one(self, segment: Segment) -> None:
        if segment.number not in self._sealed:
            faults = seal_segment(self._base_path, segment)
            if faults:
                kept = segment.path.with_name(segment.path.name + DAMAGED)
                _log.error("%s is kept as %s, since not all of it could be read: %s", segment.path, kept.name, faults)
                segment.path.rename(kept)
                return
            self._sealed.add(segment.number)
        segment.path.unlink(missing_ok=True)
        self._sealed.discard(segment.number)

    def _seal_quarantined(self) -> None:
        """Seals quarantined rows, if other classes may take them, and logs once those that stay."""
        if not self._has_taken_left:
            take_left(self._base_path)
            self._has_taken_left = True
        classes = hash(tuple(map(id, event_classes())))
        while untried := [each for each in self._open_quarantined() if self._tried.get(each.number) != classes]:
            for segment in untried:
                if seal_quarantined(self._base_path, segment):
                    segment.path.unlink(missing_ok=True)
                elif segment.number not in self._tried:
                    for quarantined in describe_quarantined(segment):
                        _log.error("%s", quarantined)
                self._tried[segment.number] = classes

    def _open_quarantined(self) -> list[Segment]:
        return [segment for segment in open_segments(self._base_path) if segment.is_apart]

    def _fail(self, error: Exception) -> StoreError:
        self._retry_s = time.monotonic() + _RETRY_S
        if str(error) != self._failure:
            self._failure = str(error)
            _log.error("recorded events cannot be sealed; they stay in the journal and are tried again: %s", error)
        failure = StoreError(f"recorded events could not be sealed, and stay in the journal to be tried again: {error}")
        failure.__cause__ = error
        return failure


def _today() -> date:
    return datetime.now(UTC).date()


def _seconds_left(day: date) -> float:
    """The seconds until the end of a day, by the clock; less than zero when it is over."""
    end = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
    return (end - datetime.now(UTC)).total_seconds()
