"""A range of recorded events, to go over."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import aclosing
from itertools import islice

from trading.events.base import BaseEvent
from trading.events.persistence.timeline import Timeline, check_speed

_CHUNK_EVENTS = 512

Events = Generator[BaseEvent]


class EventRange:
    """The events of a range in order; `for` and `async for` both go over it, any number of times.

    `async for` reads the files in a thread, so the event loop is free while the disk is busy.
    """

    def __init__(self, read: Callable[[], Events], *, speed: float | None = None) -> None:
        check_speed(speed)
        self._read = read
        self._speed = speed

    def __iter__(self) -> Iterator[BaseEvent]:
        timeline = None if self._speed is None else Timeline(self._speed)
        for event in self._read():
            if timeline is not None:
                time.sleep(max(timeline.due(event.timestamp, now := time.monotonic()) - now, 0.0))
            yield event

    async def __aiter__(self) -> AsyncGenerator[BaseEvent]:
        timeline = None if self._speed is None else Timeline(self._speed)
        clock = asyncio.get_running_loop().time
        async with aclosing(_read_in_thread(self._read())) as chunks:
            async for chunk in chunks:
                for event in chunk:
                    if timeline is not None:
                        await asyncio.sleep(timeline.due(event.timestamp, now := clock()) - now)
                    yield event


async def _read_in_thread(events: Events) -> AsyncGenerator[list[BaseEvent]]:
    reading: asyncio.Future[tuple[list[BaseEvent], Exception | None]] | None = None
    try:
        while True:
            reading = asyncio.get_running_loop().run_in_executor(None, _take, events)
            chunk, error = await asyncio.shield(reading)
            yield chunk
            if error is not None:
                raise error
            if len(chunk) < _CHUNK_EVENTS:
                return
    finally:
        if reading is not None and not reading.done():  # cancelled: the thread must let go of the generator first
            await asyncio.wait([reading])
        events.close()


def _take(events: Events) -> tuple[list[BaseEvent], Exception | None]:
    """The next events, and what then went wrong."""
    chunk: list[BaseEvent] = []
    try:
        chunk.extend(islice(events, _CHUNK_EVENTS))
    except Exception as error:  # noqa: BLE001 - it is raised again when the events before it have been handed out
        return chunk, error
    return chunk, None
