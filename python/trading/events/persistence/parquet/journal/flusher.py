"""The thread that flushes a journal: it syncs, and appends again the rows that the disk has refused."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import NamedTuple

from trading.events._core import Journal
from trading.events.errors import StoreError
from trading.events.persistence.parquet.journal.journal import SOON_UNSYNCED_BYTES

_UNSYNCED_S = 1.0
_RETRY_S = 1.0

_log = logging.getLogger("trading.events.persistence")


class _Refused(NamedTuple):
    """Rows that wait for the disk."""

    rows: list[bytes]
    taken: Future[None]


class JournalFlusher:
    """Appends from any thread, and flushes the journal in a thread of its own, until `stop`.

    Rows that the disk refuses wait in line, and all that come after them behind them; they are tried again every
    second, and after each sync. The beginning of such a line is logged as an error.

    Args:
        journal: The journal.
        nudge: Called when there are new rows after a sync, and when a segment has enough of them to be sealed.

    Attributes:
        line: Rows that wait for the disk; empty as long as the disk takes everything.
    """

    def __init__(self, journal: Journal, *, nudge: Callable[[], None]) -> None:
        self.journal = journal
        self._nudge = nudge
        self._changed = threading.Condition()
        self.line: deque[_Refused] = deque()
        self._retry_s = 0.0
        self._asked: list[Future[None]] = []
        self._since_s: float | None = None
        self._stopping = False
        self.thread = threading.Thread(target=self._run, name="trading-events-journal", daemon=True)
        self.thread.start()

    @property
    def waiting(self) -> int:
        """The number of rows that wait in line."""
        with self._changed:
            return sum(len(refused.rows) for refused in self.line)

    def append(self, row: bytes) -> Future[None] | None:
        """Appends a row. Returns None, or if the disk refuses it, a future that is done when it has been appended."""
        if not self.line:
            try:
                if self.journal.append(row):
                    self._notice()
            except OSError as error:
                return self._stand_in_line([row], error)
            return None
        return self._stand_in_line([row], None)

    def append_batch(self, rows: list[bytes]) -> Future[None] | None:
        """Appends rows, all or none. Returns as `append`."""
        if not self.line:
            try:
                if self.journal.append_batch(rows):
                    self._notice()
            except OSError as error:
                return self._stand_in_line(rows, error)
            return None
        return self._stand_in_line(rows, None)

    def sync(self) -> Future[None]:
        """A future, done when everything appended so far is on the disk; it has a StoreError if that failed."""
        asked: Future[None] = Future()
        with self._changed:
            self._asked.append(asked)
            self._changed.notify()
        return asked

    def stop(self) -> None:
        """Ends the thread; rows in line are left alone."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if threading.current_thread() is not self.thread:
            self.thread.join()

    def _notice(self) -> None:
        with self._changed:
            if self._since_s is None:
                self._since_s = time.monotonic()
            self._changed.notify()
        self._nudge()

    def _stand_in_line(self, rows: list[bytes], error: OSError | None) -> Future[None]:
        refused = _Refused(rows, Future())
        with self._changed:
            if error is not None and not isinstance(error, BlockingIOError):
                self._retry_s = time.monotonic() + _RETRY_S
                if not self.line:
                    _log.error("events cannot be recorded, and wait until they can: %s; make room on the disk", error)
            self.line.append(refused)
            self._changed.notify()
        return refused.taken

    def _run(self) -> None:
        while not self._stopping or self._asked:
            self._serve()
        self.journal.discard_prepared()

    def _serve(self) -> None:
        with self._changed:
            while (due_s := self._due_s()) is None or due_s > time.monotonic():
                self._changed.wait(None if due_s is None else due_s - time.monotonic())
            asked, self._asked = self._asked, []
            self._since_s = None
        try:
            self.journal.sync()
        except OSError as error:
            self._fail(asked, error)
            asked = []
        self._walk_line()
        with suppress(OSError):  # whoever needs the next segment makes it then, and says what is wrong
            self.journal.prepare()
        with self._changed:
            if self._since_s is None and self.journal.synced < self.journal.place:
                self._since_s = time.monotonic()
        for future in asked:
            if future.set_running_or_notify_cancel():
                future.set_result(None)

    def _due_s(self) -> float | None:
        """The time of the next work, on the monotonic clock; None if there is none until something changes."""
        if self._asked or self._stopping:
            return 0.0
        times: list[float] = []
        if self._since_s is not None:
            is_much = self.journal.place - self.journal.synced >= SOON_UNSYNCED_BYTES
            times.append(max(self._retry_s, 0.0 if is_much else self._since_s + _UNSYNCED_S))
        if self.line:
            times.append(self._retry_s)
        return min(times, default=None)

    def _fail(self, asked: list[Future[None]], error: OSError) -> None:
        self._retry_s = time.monotonic() + _RETRY_S
        _log.error("the journal could not be synced: %s; what it was for is kept and goes to a new segment", error)
        for future in asked:
            if future.set_running_or_notify_cancel():
                failure = StoreError(f"recorded events are not durable yet: {error}; they are kept, flush again")
                failure.__cause__ = error
                future.set_exception(failure)

    def _walk_line(self) -> None:
        """Appends the rows in line, in order, as far as the disk takes them."""
        while True:
            with self._changed:
                if not self.line:
                    return
                rows, taken = self.line[0]
                try:
                    if not taken.cancelled() and self.journal.append_batch(rows):
                        self._nudge()
                except OSError:
                    self._retry_s = time.monotonic() + _RETRY_S
                    return
                self.line.popleft()
            if taken.set_running_or_notify_cancel():
                taken.set_result(None)
