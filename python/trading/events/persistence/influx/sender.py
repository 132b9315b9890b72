"""The thread that sends points, and tries again what a server could not take."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import NamedTuple

from trading.events.errors import StoreClosedError
from trading.events.persistence.influx.connection import Answer, Connection
from trading.events.persistence.influx.policy import SendingPolicy
from trading.events.persistence.influx.waiting_lines import WaitingLines

_REFUSING = frozenset({400, 413, 422})
_MOST_UNTOLD = 100

_log = logging.getLogger("trading.events.persistence")


class RefusedEvent(NamedTuple):
    """An event that a server will never take."""

    line: str
    """It, in line protocol; this holds all of it."""

    reason: str
    """What the server said."""


class _UnavailableError(Exception):
    """A server does not take anything now."""

    def __init__(self, reason: str, *, retry_after_s: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class Sender:
    """Sends lines in batches, in order, from a thread of its own, until `stop`.

    What cannot be sent stays first in line, and is tried again after a while that doubles. Sending a line again does
    no harm: the point that it is replaces itself. When a server refuses a batch, halves of it are sent, and halves of
    these, until it is known which lines it refuses; all others are in the store then.

    Args:
        connection: To the server.
        policy: When to send how many.
        name: Of the server, for messages.
        on_refused: Called in the thread with the events that a server refuses, if there are any.
    """

    def __init__(
        self,
        connection: Connection,
        policy: SendingPolicy,
        *,
        name: str,
        on_refused: Callable[[list[RefusedEvent]], None] | None,
    ) -> None:
        self._connection = connection
        self._policy = policy
        self._name = name
        self._on_refused = on_refused
        self._changed = threading.Condition()
        self._lines = WaitingLines(policy.capacity_bytes)
        self._asked: list[tuple[int, Future[None]]] = []
        self._since_s = 0.0
        self._attempts = 0
        self._retry_s = 0.0
        self._hurried = False
        self._stopping = False
        self._has_taken = False
        self._untold: list[RefusedEvent] = []
        self.refused = 0
        self.failure: str | None = None
        self.thread = threading.Thread(target=self._run, name="trading-events-influx", daemon=True)
        self.thread.start()

    @property
    def waiting(self) -> int:
        """How many lines wait to be sent."""
        with self._changed:
            return len(self._lines) + self._lines.standing

    def add(self, lines: list[bytes]) -> Future[None] | None:
        """Takes lines, all or none. Returns None, or where there is no room, what is done when they have been taken."""
        with self._changed:
            if self._stopping:
                raise StoreClosedError("the writer is closed")
            was_empty = not self._lines
            refused = self._lines.add(lines)
            if was_empty:
                self._since_s = time.monotonic()
            if was_empty or refused is not None or len(self._lines) >= self._policy.batch_events:
                self._changed.notify()
            return refused

    def ask(self) -> Future[None]:
        """Done when everything taken so far is settled: stored, or refused. It is sent at once."""
        asked: Future[None] = Future()
        with self._changed:
            if self._lines.removed == self._lines.taken:
                asked.set_result(None)
                return asked
            self._asked.append((self._lines.taken, asked))
            self._hurried = True
            self._changed.notify()
        return asked

    def take_untold(self) -> list[RefusedEvent]:
        """The refused events that have not been asked for yet, the last hundred of them."""
        with self._changed:
            untold, self._untold = self._untold, []
            return untold

    def stop(self) -> int:
        """Ends the thread; what is not sent yet is lost. Returns how many lines that are."""
        with self._changed:
            self._stopping = True
            lost = len(self._lines)
            given_up = [
                *self._lines.drop(),
                *(asked for _, asked in self._asked if asked.set_running_or_notify_cancel()),
            ]
            self._asked = []
            self._changed.notify()
        for future in given_up:
            future.set_exception(StoreClosedError("the writer was closed before the server took the events"))
        if threading.current_thread() is not self.thread:
            self.thread.join()
        return lost

    def _run(self) -> None:
        while batch := self._next_batch():
            try:
                refused = self._write(batch)
            except _UnavailableError as error:
                self._postpone(error)
            except Exception as error:  # noqa: BLE001 - a thread that died of it would leave everybody waiting
                _log.exception("points cannot be sent; they are kept and tried again")
                self._postpone(_UnavailableError(f"{type(error).__name__}: {error}"))
            else:
                self._settle(len(batch), refused)
        self._connection.close()

    def _next_batch(self) -> list[bytes]:
        """What is to be sent, after waiting until it is due; nothing if there will not be any more."""
        with self._changed:
            while not self._stopping and ((due_s := self._due_s()) is None or due_s > time.monotonic()):
                self._changed.wait(None if due_s is None else due_s - time.monotonic())
            self._hurried = False
            return self._lines.first(lines=self._policy.batch_events, size_bytes=self._policy.batch_bytes)

    def _due_s(self) -> float | None:
        """When there is something to send, on the monotonic clock; None for not before something changes."""
        if not self._lines:
            return None
        if self._hurried:
            return 0.0
        is_much = len(self._lines) >= self._policy.batch_events or self._lines.standing > 0
        return max(self._retry_s, 0.0 if is_much or self._asked else self._since_s + self._policy.age_s)

    def _write(self, lines: list[bytes]) -> list[RefusedEvent]:
        """Sends lines. Returns those that the server refuses; all others are stored.

        Raises:
            _UnavailableError: They may be stored or not.
        """
        try:
            answer = self._connection.write(lines)
        except OSError as error:
            raise _UnavailableError(f"{self._name} cannot be reached: {error}") from error
        if answer.status // 100 == 2:  # noqa: PLR2004 - of HTTP: it has succeeded
            self._has_taken = True
            return []
        if answer.status not in _REFUSING or not (answer.is_known or self._has_taken):
            raise _UnavailableError(_explain(self._name, answer), retry_after_s=answer.retry_after_s)
        if len(lines) == 1:
            return [RefusedEvent(lines[0].decode(), answer.reason)]
        middle = len(lines) // 2
        return self._write(lines[:middle]) + self._write(lines[middle:])

    def _settle(self, count: int, refused: list[RefusedEvent]) -> None:
        if refused:
            _log.error("%s refuses %s events, the first for: %s", self._name, len(refused), refused[0].reason)
            self._tell(refused)
        with self._changed:
            if self.failure is not None:
                _log.info("%s takes events again", self._name)
            self._attempts, self._retry_s, self.failure = 0, 0.0, None
            self.refused += len(refused)
            self._untold = (self._untold + refused)[-_MOST_UNTOLD:]
            taken = self._lines.remove(min(count, len(self._lines)))
            self._since_s = time.monotonic()
            settled = [asked for place, asked in self._asked if place <= self._lines.removed]
            self._asked = [(place, asked) for place, asked in self._asked if place > self._lines.removed]
        for done in (*taken, *(asked for asked in settled if asked.set_running_or_notify_cancel())):
            done.set_result(None)

    def _tell(self, refused: list[RefusedEvent]) -> None:
        if self._on_refused is not None:
            try:
                self._on_refused(refused)
            except Exception:  # noqa: BLE001 - it is not ours
                _log.exception("on_refused has failed")

    def _postpone(self, error: _UnavailableError) -> None:
        with self._changed:
            self._retry_s = time.monotonic() + max(self._policy.delay_s(self._attempts), error.retry_after_s)
            self._attempts += 1
            is_new = self.failure is None
            self.failure = str(error)
        if is_new:
            _log.error("events cannot be sent; they wait and are tried again: %s", error)


def _explain(name: str, answer: Answer) -> str:
    said = f"{name} answers {answer.status}: {answer.reason or 'nothing'}"
    if answer.status in {401, 403}:
        return f"{said}; check the credentials"
    if answer.status == 404:  # noqa: PLR2004 - of HTTP: there is no such thing
        return f"{said}; check the url, and that the database or bucket exists"
    return said
