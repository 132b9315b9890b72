"""Replay: recorded events published again, with their original timing."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any, Protocol

from trading.events import _core
from trading.events.base import BaseEvent
from trading.events.persistence.replay.event_range import EventRange
from trading.events.persistence.replay.report import ReplayClock, ReplayReport
from trading.events.persistence.replay.timeline import Timeline, check_speed
from trading.events.statistics import Durations


class Publisher(Protocol):
    """Anything that publishes events; every bus does."""

    def publish(self, event: BaseEvent, /) -> Awaitable[None]:
        """Publishes one event."""
        ...


class Replay:
    """Publishes recorded events on a bus, in order, each when it is due.

        replay = reader.replay(bus, start, end, speed=10.0)
        count = await replay

    The order is that of the recording, ties included, and the same each time. While it runs, `pause`, `resume`, `seek`
    and `stop` may be called from the same event loop, handlers included. A bus that is too slow for the speed gets the
    events as fast as it takes them. A replay runs once.

    Args:
        events: The events to replay.
        bus: The bus to publish on.
        speed: 1.0 keeps the original timing, any other factor shortens or stretches it, None is as fast as possible.
        lockstep: Whether all that an event has set off is handled before the next is published: the same interplay of
            handlers at any speed. The bus must have a `join`, as those of this package have.

    Raises:
        ValueError: The speed is not above zero, or not finite.
        TypeError: The bus has no `join`.
    """

    def __init__(
        self, events: EventRange, bus: Publisher, *, speed: float | None = 1.0, lockstep: bool = False
    ) -> None:
        check_speed(speed)
        self._events = events
        self._bus = bus
        self._join = _join_of(bus) if lockstep else None
        self._timeline = None if speed is None else Timeline(speed)
        self._error = _core.Histogram()
        self._clock = ReplayClock()
        self._wake: asyncio.Future[None] | None = None
        self._is_told = False
        self._paused = False
        self._stopped = False
        self._sought: datetime | None = None
        self._published = 0
        self._position: datetime | None = None
        self._began_s: float | None = None
        self._ended_s: float | None = None

    def __repr__(self) -> str:
        state = (
            "stopped" if self._stopped else "paused" if self._paused else "ready" if self._began_s is None else "begun"
        )
        at = "" if self._position is None else f", at {self._position.isoformat()}"
        return f"<{type(self).__name__} of {self._events!r}: {state}, {self._published} events published{at}>"

    @property
    def published(self) -> int:
        """The number of published events."""
        return self._published

    @property
    def position(self) -> datetime | None:
        """Timestamp of the event that was published last; None before the first."""
        return self._position

    @property
    def clock(self) -> ReplayClock:
        """The time in the replay, for handlers to ask."""
        return self._clock

    @property
    def paused(self) -> bool:
        """True while it is paused."""
        return self._paused

    @property
    def stopped(self) -> bool:
        """True once `stop` was called."""
        return self._stopped

    def report(self) -> ReplayReport:
        """Its progress and its timing error until now."""
        ended_s = self._ended_s
        if self._began_s is None:
            running_s = 0.0
        else:
            running_s = (asyncio.get_running_loop().time() if ended_s is None else ended_s) - self._began_s
        return ReplayReport(self._published, self._position, running_s, Durations(*self._error.summary()))

    def __await__(self) -> Generator[Any, Any, int]:
        return self.run().__await__()

    async def run(self) -> int:
        """Publishes the events. Awaiting the replay itself is the same.

        Returns:
            The number of published events.

        Raises:
            RuntimeError: It has been run before.
            StoreError: A file could not be read; all that could be has been published.
        """
        if self._began_s is not None:
            raise RuntimeError("a replay runs once; make another")
        clock = asyncio.get_running_loop().time
        self._began_s = clock()
        try:
            since: datetime | None = None
            while True:
                async with aclosing(self._events.chunks(since)) as chunks:
                    await self._publish_all(chunks)
                if self._stopped or self._sought is None:
                    return self._published
                since, self._sought = self._sought, None
                if self._timeline is not None:
                    self._timeline.restart()
        finally:
            self._ended_s = clock()

    def pause(self) -> None:
        """Publishes nothing more until `resume`."""
        self._paused = True
        self._tell()

    def resume(self) -> None:
        """Continues where it paused; the remaining events are due later by the length of the pause."""
        self._paused = False
        self._tell()

    def stop(self) -> None:
        """Publishes nothing more; `run` returns."""
        self._stopped = True
        self._tell()

    def seek(self, moment: datetime) -> None:
        """Continues, forwards or backwards, with the first event from a moment on, which is due now.

        Events that have been published already are published again. A moment before the range is its beginning, one
        behind it its end. While paused it stays paused.

        Args:
            moment: The moment to go to; a naive datetime is in UTC.
        """
        self._sought = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        self._tell()

    def _tell(self) -> None:
        self._is_told = True
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    async def _publish_all(self, chunks: AsyncGenerator[Sequence[BaseEvent]]) -> None:
        """Publishes until the end, or until `stop` or `seek`."""
        publish, join, timeline = self._bus.publish, self._join, self._timeline
        async for chunk in chunks:
            for event in chunk:
                timestamp = event.timestamp
                if self._is_told and not await self._may_go_on():
                    return
                if timeline is not None and not await self._is_due(timeline, timestamp):
                    return
                self._clock.set(timestamp)
                await publish(event)
                self._published += 1
                self._position = timestamp
                if join is not None:
                    await join()

    async def _may_go_on(self) -> bool:
        """Obeys `pause`, `stop` and `seek`. Returns whether to continue with the next event."""
        clock = asyncio.get_running_loop().time
        began = clock()
        while self._paused and not self._stopped and self._sought is None:
            await self._sleep(until=None)
        if self._timeline is not None:
            self._timeline.delay(clock() - began)
        self._is_told = self._paused
        return not self._stopped and self._sought is None

    async def _is_due(self, timeline: Timeline, timestamp: datetime) -> bool:
        """Waits until an event is due, and records its delay. Returns whether it may be published at all."""
        clock = asyncio.get_running_loop().time
        while (due := timeline.due(timestamp, now := clock())) > now:
            await self._sleep(until=due)
            if self._is_told and not await self._may_go_on():
                return False
        self._error.record(int((now - due) * 1e9))
        return True

    async def _sleep(self, *, until: float | None) -> None:
        """Waits for a call of `pause`, `resume`, `stop` or `seek`, or until a time of the loop's clock."""
        loop = asyncio.get_running_loop()
        self._wake = loop.create_future()
        timer = None if until is None else loop.call_at(until, _finish, self._wake)
        try:
            await self._wake
        finally:
            if timer is not None:
                timer.cancel()
            self._wake = None


def _finish(waking: "asyncio.Future[None]") -> None:
    if not waking.done():
        waking.set_result(None)


def _join_of(bus: object) -> Callable[[], Awaitable[object]]:
    join: Callable[[], Awaitable[object]] | None = getattr(bus, "join", None)
    if join is None:
        raise TypeError(f"{bus!r} has no `join`, so nobody can tell when an event has been handled")
    return join
