"""A range of recorded events to iterate over."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import aclosing, closing
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic

from trading.events.base import BaseEvent
from trading.events.persistence.replay.timeline import Timeline, check_speed

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    EventT_co = TypeVar("EventT_co", bound=BaseEvent, covariant=True, default=BaseEvent)
else:
    from typing import TypeVar

    EventT_co = TypeVar("EventT_co", bound=BaseEvent, covariant=True)

EventChunks = Generator[Sequence[BaseEvent]]
"""Events in order, some at a time."""


class EventRange(Generic[EventT_co]):
    """The events of a range in order; `for` and `async for` both iterate over it, any number of times.

    To type checkers it is generic in the class of its events.

    `async for` reads the files in a thread, so the event loop is free while the disk is busy.

    Args:
        read: Reads the events, from a moment on if there is one.
        speed: None for as fast as possible.
        described: What it is a range of, for its `repr`.
    """

    def __init__(
        self,
        read: Callable[[datetime | None], Generator[Sequence[Any]]],
        *,
        speed: float | None = None,
        described: str = "recorded events",
    ) -> None:
        check_speed(speed)
        self._read = read
        self._speed = speed
        self._described = described

    def __repr__(self) -> str:
        pace = "as fast as possible" if self._speed is None else f"at speed {self._speed}"
        return f"<EventRange of {self._described}, {pace}>"

    def __iter__(self) -> Generator[EventT_co]:
        timeline = None if self._speed is None else Timeline(self._speed)
        with closing(self._read(None)) as chunks:
            for chunk in chunks:
                if timeline is None:
                    yield from chunk
                    continue
                for event in chunk:
                    time.sleep(max(timeline.due(event.timestamp, now := time.monotonic()) - now, 0.0))
                    yield event

    async def __aiter__(self) -> AsyncGenerator[EventT_co]:
        timeline = None if self._speed is None else Timeline(self._speed)
        clock = asyncio.get_running_loop().time
        async with aclosing(self.chunks()) as chunks:
            async for chunk in chunks:
                for event in chunk:
                    if timeline is not None:
                        await asyncio.sleep(timeline.due(event.timestamp, now := clock()) - now)
                    yield event

    async def chunks(self, since: datetime | None = None) -> AsyncGenerator[Sequence[EventT_co]]:
        """The events as fast as possible, in lists of any length; the next list is read while one is handled.

        Args:
            since: Only those from this moment on.
        """
        chunks = self._read(since)
        reading: asyncio.Future[tuple[Sequence[Any], Exception | None]] | None = None
        loop = asyncio.get_running_loop()
        try:
            reading = loop.run_in_executor(None, _take, chunks)
            while True:
                chunk, error = await asyncio.shield(reading)
                if error is not None:
                    raise error
                if not chunk:
                    return
                reading = loop.run_in_executor(None, _take, chunks)
                yield chunk
        finally:
            if reading is not None and not reading.done():  # the thread must let go of the generator first
                await asyncio.wait([reading])
            chunks.close()


def _take(chunks: Generator[Sequence[Any]]) -> tuple[Sequence[Any], Exception | None]:
    """The next events, none if there are no more, or the error."""
    try:
        for chunk in chunks:
            if chunk:
                return chunk, None
    except Exception as error:  # noqa: BLE001 - it is raised again in the loop
        return (), error
    return (), None
