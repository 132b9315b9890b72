"""The thread that sends events to a store, and retries."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

from trading.events.errors import StoreClosedError
from trading.events.persistence.sending.delivery import Delivery, RefusedEvent, UnavailableError
from trading.events.persistence.sending.policy import SendingPolicy
from trading.events.persistence.sending.waiting_rows import WaitingRows

_MOST_UNTOLD = 100

_log = logging.getLogger("trading.events.persistence")


class Sender:
    """Hands rows over in batches, in order, from a thread of its own, until `stop`.

    A batch that a store does not take stays first in line, and is tried again after a delay that doubles.

    Args:
        delivery: The store.
        policy: The limits of batches.
        on_refused: Called in the thread with the events that the store refuses, if there are any.

    Attributes:
        refused: The number of events that the store has refused.
        failure: The reason why the last attempt has failed, or None.
    """

    def __init__(
        self,
        delivery: Delivery,
        policy: SendingPolicy,
        *,
        on_refused: Callable[[list[RefusedEvent]], None] | None = None,
    ) -> None:
        self._delivery = delivery
        self._policy = policy
        self._on_refused = on_refused
        self._changed = threading.Condition()
        self._rows = WaitingRows(policy.capacity_bytes)
        self._asked: list[tuple[int, Future[None]]] = []
        self._since_s = 0.0
        self._attempts = 0
        self._retry_s = 0.0
        self._hurried = False
        self._stopping = False
        self._untold: list[RefusedEvent] = []
        self.refused = 0
        self.failure: str | None = None
        self.thread = threading.Thread(target=self._run, name="trading-events-sender", daemon=True)
        self.thread.start()

    @property
    def waiting(self) -> int:
        """The number of rows that wait to be stored."""
        with self._changed:
            return len(self._rows) + self._rows.standing

    def add(self, rows: list[bytes]) -> Future[None] | None:
        """Takes rows, all or none. Returns None, or if there is no room, a future that is done when they are taken."""
        with self._changed:
            if self._stopping:
                raise StoreClosedError("the writer is closed")
            was_empty = not self._rows
            refused = self._rows.add(rows)
            if was_empty:
                self._since_s = time.monotonic()
            if was_empty or refused is not None or len(self._rows) >= self._policy.batch_events:
                self._changed.notify()
            return refused

    def ask(self) -> Future[None]:
        """A future, done when everything taken so far is stored, or refused. Sending begins at once."""
        asked: Future[None] = Future()
        with self._changed:
            if self._rows.removed == self._rows.taken:
                asked.set_result(None)
                return asked
            self._asked.append((self._rows.taken, asked))
            self._hurried = True
            self._changed.notify()
        return asked

    def take_untold(self) -> list[RefusedEvent]:
        """The refused events since the last call, at most the last hundred."""
        with self._changed:
            untold, self._untold = self._untold, []
            return untold

    def stop(self) -> int:
        """Ends the thread; rows that are not sent yet are lost. Returns their number."""
        with self._changed:
            self._stopping = True
            lost = len(self._rows)
            given_up = [
                *self._rows.drop(),
                *(asked for _, asked in self._asked if asked.set_running_or_notify_cancel()),
            ]
            self._asked = []
            self._changed.notify()
        for future in given_up:
            future.set_exception(StoreClosedError("the writer was closed before the store took the events"))
        if threading.current_thread() is not self.thread:
            self.thread.join()
        return lost

    def _run(self) -> None:
        while batch := self._next_batch():
            try:
                refused = self._delivery.deliver(batch, first=self._rows.removed)
            except UnavailableError as error:
                self._postpone(error)
            except Exception as error:  # noqa: BLE001 - a thread that died of it would leave everybody waiting
                _log.exception("events cannot be stored; they are kept and tried again")
                self._postpone(UnavailableError(f"{type(error).__name__}: {error}"))
            else:
                self._settle(len(batch), refused)
        self._delivery.close()

    def _next_batch(self) -> list[bytes]:
        """The next batch, after waiting until it is due; empty if there will not be any more."""
        with self._changed:
            while not self._stopping and ((due_s := self._due_s()) is None or due_s > time.monotonic()):
                self._changed.wait(None if due_s is None else due_s - time.monotonic())
            self._hurried = False
            return self._rows.first(rows=self._policy.batch_events, size_bytes=self._policy.batch_bytes)

    def _due_s(self) -> float | None:
        """The time of the next batch, on the monotonic clock; None if there is none until something changes."""
        if not self._rows:
            return None
        if self._hurried:
            return 0.0
        is_much = len(self._rows) >= self._policy.batch_events or self._rows.standing > 0
        return max(self._retry_s, 0.0 if is_much or self._asked else self._since_s + self._policy.age_s)

    def _settle(self, count: int, refused: list[RefusedEvent]) -> None:
        if refused:
            _log.error("the store refuses %s events, the first for: %s", len(refused), refused[0].reason)
            self._tell(refused)
        with self._changed:
            if self.failure is not None:
                _log.info("the store takes events again")
            self._attempts, self._retry_s, self.failure = 0, 0.0, None
            self.refused += len(refused)
            self._untold = (self._untold + refused)[-_MOST_UNTOLD:]
            taken = self._rows.remove(min(count, len(self._rows)))
            self._since_s = time.monotonic()
            settled = [asked for place, asked in self._asked if place <= self._rows.removed]
            self._asked = [(place, asked) for place, asked in self._asked if place > self._rows.removed]
        for done in (*taken, *(asked for asked in settled if asked.set_running_or_notify_cancel())):
            done.set_result(None)

    def _tell(self, refused: list[RefusedEvent]) -> None:
        if self._on_refused is not None:
            try:
                self._on_refused(refused)
            except Exception:  # noqa: BLE001 - it is not ours
                _log.exception("on_refused has failed")

    def _postpone(self, error: UnavailableError) -> None:
        with self._changed:
            self._retry_s = time.monotonic() + max(self._policy.delay_s(self._attempts), error.retry_after_s)
            self._attempts += 1
            is_new = self.failure is None
            self.failure = str(error)
        if is_new:
            _log.error("events cannot be stored; they wait and are tried again: %s", error)
