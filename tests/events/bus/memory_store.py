"""A store in memory, whose writer a test holds up as it likes."""

import asyncio
from collections.abc import Iterable, Sequence
from operator import attrgetter

from trading.events._codec.micros import to_micros
from trading.events.base import BaseEvent
from trading.events.persistence import IEventReader, IEventWriter
from trading.events.persistence.replay.event_range import EventChunks
from trading.events.persistence.selection import Selection


class MemoryWriter(IEventWriter):
    """Records into a list; while it is held up, as many events as it is told."""

    def __init__(self, *, is_held_up: bool = False) -> None:
        self.events: list[BaseEvent] = []
        self.flushed = 0
        self.error: Exception | None = None
        self._passes = asyncio.Semaphore(0)
        self._is_held_up = is_held_up

    async def write_event(self, event: BaseEvent) -> None:
        if self._is_held_up:
            await self._passes.acquire()
        self.events.append(event)

    async def write_batch(self, events: Iterable[BaseEvent]) -> None:
        self.events += events

    async def flush(self) -> None:
        if self.error is not None:
            raise self.error
        self.flushed += 1

    def let_pass(self, count: int) -> None:
        """Records so many more."""
        for _ in range(count):
            self._passes.release()

    def open(self) -> None:
        """Is held up no more."""
        self._is_held_up = False
        self._passes.release()


class MemoryReader(IEventReader):
    """Reads what a writer has by the time that it is read, a few events at a time, and fails where it is told to."""

    def __init__(self, writer: MemoryWriter, *, chunk: int = 3, error: Exception | None = None) -> None:
        self._writer = writer
        self._chunk = chunk
        self._error = error
        self.given = 0
        self.is_open = False

    def _read(self, selection: Selection) -> EventChunks:
        self.is_open = True
        try:
            ordered = sorted(self._writer.events, key=attrgetter("timestamp"))
            wanted = [
                event
                for event in ordered
                if selection.wants_topic(event) and selection.overlaps(*[to_micros(event.timestamp)] * 2)
            ]
            for start in range(0, len(wanted), self._chunk):
                chunk = wanted[start : start + self._chunk]
                self.given += len(chunk)
                yield chunk
            if self._error is not None:
                raise self._error
        finally:
            self.is_open = False


def ids(events: Sequence[BaseEvent]) -> list[str]:
    return [event.event_id for event in events]


def holding(*events: BaseEvent) -> MemoryWriter:
    writer = MemoryWriter()
    writer.events += events
    return writer
