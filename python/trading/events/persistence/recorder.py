"""The background thread of a writer, and the queue in front of it."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from importlib import import_module
from typing import NamedTuple

from trading.events.base import BaseEvent
from trading.events.errors import StoreClosedError, StoreError, UnstorableEventError
from trading.events.persistence.schema import Record
from trading.events.persistence.store_lock import StoreLock
from trading.events.persistence.waiting_events import WaitingEvents

# pyarrow may need this module for the first time when the interpreter ends, which is too late to import it.
import_module("concurrent.futures.thread")

_BATCH_EVENTS = 1_000
_LINGER_S = 0.1
_RETRY_S = 1.0

Taken = tuple[BaseEvent, tuple[str | None, ...]]
"""An event, and the texts of its record."""


class _Request(NamedTuple):
    """A call for everything to be written, and perhaps for the end."""

    done: Future[None]
    closes: bool


class Recorder:
    """Takes events from any thread and writes them in one of its own, which ends when a `close` succeeds.

    What cannot be written is kept and tried again every second. Each failure is raised once: by the `flush` or `close`
    that asked for it, else by the next `offer`.

    Args:
        waiting: Where the events go; from now on the thread's own.
        lock: Released when the thread ends.
        capacity: Most events that wait for the thread; a batch may exceed it.
    """

    def __init__(self, waiting: WaitingEvents, lock: StoreLock, *, capacity: int) -> None:
        self._waiting = waiting
        self._lock = lock
        self._capacity = capacity
        self._changed = threading.Condition()
        self._queue: list[Taken] = []
        self._queued_since_s = 0.0
        self._room: list[Future[None]] = []
        self._requests: list[_Request] = []
        self._failure: StoreError | None = None
        self._refused: list[UnstorableEventError] = []
        self._retry_s = 0.0
        self._closing = False
        self._ended = False
        self._next_seq = time.time_ns()
        self.thread = threading.Thread(target=self._run, name="trading-events-recorder", daemon=True)
        self.thread.start()

    @property
    def is_here(self) -> bool:
        """Whether its thread runs in this process."""
        return self._lock.held

    def offer(self, taken: Sequence[Taken]) -> Future[None] | None:
        """Queues events, all of them or none.

        Returns:
            None if they are queued; else what is done when it is worth trying again.

        Raises:
            StoreClosedError: It is closed or closing, or this is a forked child.
            StoreError: Something has gone wrong since the last call.
        """
        self._check_open()  # first without the lock, which in a forked child may never be free
        with self._changed:
            self._check_open()
            error = self._take_error()
            if error is not None:
                raise error
            before = len(self._queue)
            if before >= self._capacity:
                self._room.append(Future())
                return self._room[-1]
            self._queue += taken
            if before == 0:
                self._queued_since_s = time.monotonic()
            if before == 0 or before < _BATCH_EVENTS <= len(self._queue):
                self._changed.notify()
            return None

    def flush(self) -> Future[None]:
        """Done when everything queued so far is in files; it has the error if that failed.

        Raises:
            StoreClosedError: It is closed or closing, or this is a forked child.
        """
        self._check_open()
        with self._changed:
            self._check_open()
            return self._request(closes=False)

    def close(self) -> Future[None]:
        """Done when everything is in files and the store free; if that failed it has the error, and all stays open."""
        with self._changed:
            if self._ended:
                done: Future[None] = Future()
                done.set_result(None)
                return done
            self._closing = True
            return self._request(closes=True)

    def _check_open(self) -> None:
        if self._closing or not self._lock.held:
            raise StoreClosedError("the writer is closed, or belongs to the process that this one was forked from")

    def _request(self, *, closes: bool) -> Future[None]:
        request = _Request(Future(), closes)
        self._requests.append(request)
        self._changed.notify()
        return request.done

    def _take_error(self) -> StoreError | None:
        """What has gone wrong and has not been raised yet."""
        if self._failure is not None:
            error, self._failure = self._failure, None
            return error
        if not self._refused:
            return None
        (first, *others), self._refused = self._refused, []
        for other in others:
            first.add_note(str(other))
        return first

    def _run(self) -> None:
        try:
            while not self._ended:
                self._serve()
        finally:
            self._lock.release()

    def _serve(self) -> None:
        """Does what is due, after waiting for it."""
        with self._changed:
            while (due_s := self._due_s()) is None or due_s > time.monotonic():
                self._changed.wait(None if due_s is None else due_s - time.monotonic())
            requests, self._requests = self._requests, []
            room, self._room = self._room, []
            taken: list[Taken] = []
            if requests or not self._is_stuck():
                taken, self._queue = self._queue, []
        refused = self._add(taken)
        attempts = bool(requests) or time.monotonic() >= self._retry_s
        failure = self._write(everything=bool(requests)) if attempts else None
        with self._changed:
            self._refused += refused
            if attempts:
                self._failure = failure
            asking = [request for request in requests if request.done.set_running_or_notify_cancel()]
            error = self._take_error() if asking else None
            if any(request.closes for request in requests):
                self._ended = failure is None
                self._closing = self._ended
            if self._ended:
                self._lock.release()
                asking += [request for request in self._requests if request.done.set_running_or_notify_cancel()]
        for future in room:
            if future.set_running_or_notify_cancel():
                future.set_result(None)
        for request in asking:
            if error is None:
                request.done.set_result(None)
            else:
                request.done.set_exception(error)

    def _due_s(self) -> float | None:
        """When there is something to do, on the monotonic clock; None for not before something changes."""
        if self._requests:
            return 0.0
        times: list[float] = []
        if self._queue and not self._is_stuck():
            times.append(0.0 if len(self._queue) >= _BATCH_EVENTS else self._queued_since_s + _LINGER_S)
        if (due_s := self._waiting.due_s) is not None:
            times.append(max(due_s, self._retry_s))
        return min(times, default=None)

    def _is_stuck(self) -> bool:
        """Whether no more events can be taken until a file can be written again."""
        return self._retry_s > 0 and self._waiting.is_full

    def _add(self, taken: list[Taken]) -> list[UnstorableEventError]:
        records = [Record(seq, event, texts) for seq, (event, texts) in enumerate(taken, self._next_seq)]
        self._next_seq += len(records)
        return self._waiting.add(records, now_s=time.monotonic())

    def _write(self, *, everything: bool) -> StoreError | None:
        """Writes what is due. Returns why that failed."""
        try:
            if everything:
                self._waiting.write_all()
            else:
                self._waiting.write_due(now_s=time.monotonic())
        except Exception as error:  # noqa: BLE001 - a thread that died of it would leave everybody waiting
            self._retry_s = time.monotonic() + _RETRY_S
            failure = StoreError(f"recorded events could not be written, and are kept to be tried again: {error}")
            failure.__cause__ = error
            return failure
        self._retry_s = 0.0
        return None
