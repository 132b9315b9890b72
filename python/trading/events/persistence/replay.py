"""Replay: recorded events published again, with their original timing."""

import asyncio
from collections.abc import Awaitable, Generator
from contextlib import aclosing
from datetime import datetime
from typing import Any, Protocol

from trading.events.base import BaseEvent
from trading.events.persistence.event_range import EventRange
from trading.events.persistence.timeline import Timeline, check_speed


class Publisher(Protocol):
    """Anything that publishes events; every bus does."""

    def publish(self, event: BaseEvent, /) -> Awaitable[None]:
        """Publishes one event."""
        ...


class Replay:
    """Publishes recorded events on a bus, in order, each when it is due.

        replay = reader.replay(bus, start, end, speed=10.0)
        count = await replay

    While it runs, `pause`, `resume` and `stop` may be called from the same event loop, handlers included. A bus that is
    too slow for the speed gets the events as fast as it takes them. A replay runs once.
    """

    def __init__(self, events: EventRange, bus: Publisher, *, speed: float | None = 1.0) -> None:
        check_speed(speed)
        self._events = events
        self._bus = bus
        self._timeline = None if speed is None else Timeline(speed)
        self._changed = asyncio.Event()
        self._started = False
        self._paused = False
        self._stopped = False
        self._published = 0
        self._position: datetime | None = None

    @property
    def published(self) -> int:
        """How many events have been published."""
        return self._published

    @property
    def position(self) -> datetime | None:
        """Timestamp of the event that was published last; None before the first."""
        return self._position

    @property
    def paused(self) -> bool:
        """Whether it is paused."""
        return self._paused

    @property
    def stopped(self) -> bool:
        """Whether it was told to stop."""
        return self._stopped

    def __await__(self) -> Generator[Any, Any, int]:
        return self.run().__await__()

    async def run(self) -> int:
        """Publishes the events. Awaiting the replay itself is the same.

        Returns:
            How many events were published.

        Raises:
            RuntimeError: It has been run before.
            StoreError: A file could not be read; all that could be has been published.
        """
        if self._started:
            raise RuntimeError("a replay runs once; make another")
        self._started = True
        async with aclosing(aiter(self._events)) as events:
            async for event in events:
                if not await self._is_due(event.timestamp):
                    break
                await self._bus.publish(event)
                self._published += 1
                self._position = event.timestamp
        return self._published

    def pause(self) -> None:
        """Publishes nothing more until `resume`."""
        self._paused = True
        self._changed.set()

    def resume(self) -> None:
        """Goes on where it paused; what is still to come is due later by the length of the pause."""
        self._paused = False
        self._changed.set()

    def stop(self) -> None:
        """Publishes nothing more; `run` returns."""
        self._stopped = True
        self._changed.set()

    async def _is_due(self, timestamp: datetime) -> bool:
        """Waits until an event may be published. Returns whether it may be at all."""
        clock = asyncio.get_running_loop().time
        while not self._stopped:
            if self._paused:
                began = clock()
                await self._change(until=None)
                if self._timeline is not None:
                    self._timeline.delay(clock() - began)
            elif self._timeline is None or (due := self._timeline.due(timestamp, clock())) <= clock():
                return True
            else:
                await self._change(until=due)
        return False

    async def _change(self, *, until: float | None) -> None:
        """Waits until something is said, or until a time of the loop's clock."""
        self._changed.clear()
        try:
            async with asyncio.timeout_at(until):
                await self._changed.wait()
        except TimeoutError:
            return
