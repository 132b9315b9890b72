"""Missed events of other publishers: every publisher numbers its events, for each channel from 1 on."""

from collections.abc import Callable
from dataclasses import dataclass

_MOST_CHANNELS = 1 << 16
"""The number of publishers' channels that are remembered; the one that was silent for longest is forgotten first."""


@dataclass(frozen=True, slots=True)
class Missed:
    """Events that a transport has lost between a publisher and this bus."""

    count: int
    """Their number."""

    publisher: str
    """The publisher: 16 hex digits, drawn anew by every bus."""

    channel: str
    """On which channel: for single servers the topic, with the namespace before it."""


class Sequences:
    """The number that is expected next, for each publisher and channel."""

    def __init__(self) -> None:
        self._next: dict[tuple[bytes, bytes], int] = {}

    def note(self, publisher: bytes, channel: bytes, *, sequence: int, count: int) -> tuple[int, int]:
        """Notes events that have come.

        Returns:
            How many of them had come before, and how many were missed before them.
        """
        key = (publisher, channel)
        expected = self._next.pop(key, sequence)
        self._next[key] = max(expected, sequence + count)
        if len(self._next) > _MOST_CHANNELS:
            del self._next[next(iter(self._next))]
        return min(count, max(0, expected - sequence)), max(0, sequence - expected)

    def note_last(self, publisher: bytes, channel: bytes, last: int) -> int:
        """Notes that a publisher has got as far as this. Returns how many events were missed."""
        return self.note(publisher, channel, sequence=last + 1, count=0)[1]

    def forget(self, condition: Callable[[bytes], bool]) -> None:
        """Forgets the channels of which this is true."""
        for key in [key for key in self._next if condition(key[1])]:
            del self._next[key]

    def __contains__(self, key: tuple[bytes, bytes]) -> bool:
        return key in self._next
