"""The buses that feed a writer, which a writer that closes has drained first."""

from typing import Protocol


class Feed(Protocol):
    """A bus that hands its events to a writer."""

    async def drained(self) -> None:
        """Returns when the bus has handled every event that it has accepted, or cannot or will not any more."""


class Feeds:
    """The feeds of one writer."""

    def __init__(self) -> None:
        self._feeds: list[Feed] = []

    def __bool__(self) -> bool:
        return bool(self._feeds)

    def add(self, feed: Feed) -> None:
        """Takes note of one."""
        self._feeds.append(feed)

    async def drained(self) -> None:
        """Returns when all of them are, and forgets them."""
        while self._feeds:
            await self._feeds[-1].drained()
            self._feeds.pop()
