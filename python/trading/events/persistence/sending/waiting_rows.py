"""A bounded queue of encoded events that wait to be sent, and the callers who wait for room in it."""

from collections import deque
from concurrent.futures import Future
from itertools import islice
from typing import NamedTuple


class _Waiting(NamedTuple):
    """Rows that there is no room for yet."""

    rows: list[bytes]
    size_bytes: int
    taken: Future[None]


class WaitingRows:
    """Rows in the order in which they came, within a bound; beyond it callers wait in line. Not thread-safe.

    Args:
        capacity_bytes: The bound. A row larger than that has room when there is nothing else.

    Attributes:
        taken: The number of rows that were ever added.
        removed: The number of rows that were removed.
    """

    def __init__(self, capacity_bytes: int) -> None:
        self._capacity_bytes = capacity_bytes
        self._rows: deque[bytes] = deque()
        self._size_bytes = 0
        self._standing: deque[_Waiting] = deque()
        self.taken = 0
        self.removed = 0

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def standing(self) -> int:
        """The number of rows that there is no room for yet."""
        return sum(len(waiting.rows) for waiting in self._standing if not waiting.taken.cancelled())

    def add(self, rows: list[bytes]) -> Future[None] | None:
        """Takes rows. Returns None, or if there is no room, a future that is done when they are taken."""
        size_bytes = sum(map(len, rows))
        if not self._standing and self._has_room(size_bytes):
            self._take(rows, size_bytes)
            return None
        waiting = _Waiting(rows, size_bytes, Future())
        self._standing.append(waiting)
        return waiting.taken

    def first(self, *, rows: int, size_bytes: int) -> list[bytes]:
        """The first rows, at most so many, and at most so many bytes unless it is one row. They stay in the queue."""
        chosen: list[bytes] = []
        for row in islice(self._rows, rows):
            size_bytes -= len(row)
            if size_bytes < 0 and chosen:
                break
            chosen.append(row)
        return chosen

    def remove(self, count: int) -> list[Future[None]]:
        """Removes the first rows. Returns the futures of rows that have room then."""
        for _ in range(count):
            self._size_bytes -= len(self._rows.popleft())
        self.removed += count
        done: list[Future[None]] = []
        while self._standing and self._has_room(self._standing[0].size_bytes):
            waiting = self._standing.popleft()
            if waiting.taken.set_running_or_notify_cancel():
                self._take(waiting.rows, waiting.size_bytes)
                done.append(waiting.taken)
        return done

    def drop(self) -> list[Future[None]]:
        """Removes all rows. Returns the futures of those that there was no room for."""
        self.removed += len(self._rows)
        self._rows.clear()
        self._size_bytes = 0
        standing = [waiting.taken for waiting in self._standing]
        self._standing.clear()
        return [taken for taken in standing if taken.set_running_or_notify_cancel()]

    def _has_room(self, size_bytes: int) -> bool:
        return not self._rows or self._size_bytes + size_bytes <= self._capacity_bytes

    def _take(self, rows: list[bytes], size_bytes: int) -> None:
        self._rows += rows
        self._size_bytes += size_bytes
        self.taken += len(rows)
