"""Replay: recorded events published again, with their original timing."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Generator, Iterator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Generic, Protocol

from trading.events import _core
from trading.events.base import BaseEvent
from trading.events.bus import IEventBus
from trading.events.persistence.replay.clock import ReplayClock
from trading.events.persistence.replay.event_range import EventRange, EventT_co
from trading.events.persistence.replay.lockstep import SPIN, Lockstep
from trading.events.persistence.replay.report import ReplayReport
from trading.events.persistence.replay.timeline import Timeline, check_speed
from trading.events.statistics import Durations


class Publisher(Protocol):
    """Anything that publishes events; every bus does. An IEventBus is given batches at full speed."""

    def publish(self, event: BaseEvent, /) -> Awaitable[None]:
        """Publishes one event."""
        ...


class Replay(Generic[EventT_co]):
    """Publishes recorded events on a bus, in order, each when it is due.

        replay = reader.replay(bus, start, end, speed=10.0)
        count = await replay

    The order is that of the recording, ties included, and the same each time. While it runs, `pause`, `resume`, `seek`
    and `stop` may be called from the same event loop, handlers included. A bus that is too slow for the speed gets the
    events as fast as it takes them. A replay runs once.

    Handlers that sleep, and timers, use its `clock`, whose own text says when they are due.

    Args:
        events: The events to replay.
        bus: The bus to publish on.
        speed: 1.0 keeps the original timing, any other factor shortens or stretches it, None is as fast as possible.
        lockstep: Whether all that an event or a timer has set off is done before the next: the same interplay of
            handlers at any speed. A handler that sleeps on the replay's clock, itself or in a task that it has started
            and waits for, counts as done until it is due; so does a timer's coroutine. A task outside of handlers that
            a sleep has woken is given up to a hundred turns of the event loop. The bus must have a `join`, as those of
            this package have.

    Raises:
        ValueError: The speed is not above zero, or not finite.
        TypeError: The bus has no `join`.
    """

    def __init__(
        self, events: EventRange[EventT_co], bus: Publisher, *, speed: float | None = 1.0, lockstep: bool = False
    ) -> None:
        check_speed(speed)
        self._events = events
        self._bus = bus
        self._timeline = None if speed is None else Timeline(speed)
        self._batches_on = bus if speed is None and not lockstep and isinstance(bus, IEventBus) else None
        self._error = _core.Histogram()
        self._clock = ReplayClock(bus, told=self._note_timer)
        self._lockstep = Lockstep(bus, self._clock) if lockstep else None
        self._is_publishing = False
        self._making_room: asyncio.Task[None] | None = None
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
                if not self._stopped and self._sought is None:
                    await self._finish()
                if self._stopped or self._sought is None:
                    return self._published
                since, self._sought = self._sought, None
                if self._timeline is not None:
                    self._timeline.restart()
        finally:
            self._is_publishing = False
            self._clock.end()
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
        self._wake_up()

    def _wake_up(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def _note_timer(self) -> None:
        """Told by the clock of each timer and each sleep."""
        self._wake_up()
        if self._lockstep is not None:
            self._lockstep.note_sleep()
        if self._is_publishing:
            self._make_room()

    async def _publish_all(self, chunks: AsyncGenerator[Sequence[BaseEvent]]) -> None:
        """Publishes until the end, or until `stop` or `seek`."""
        is_first = True
        async for chunk in chunks:
            if is_first and chunk:
                await self._begin(chunk[0].timestamp)
                is_first = False
            published, end = self._published, self._published + len(chunk)
            while self._published < end:
                at = self._published - published
                if self._batches_on is not None and not self._is_told and self._clock.next_due() is None:
                    await self._publish_batch(self._batches_on, chunk, at)
                elif not await self._publish_one(chunk[at]):
                    return

    async def _publish_one(self, event: BaseEvent) -> bool:
        """Publishes an event when it is due. Returns whether to go on."""
        timestamp, clock = event.timestamp, self._clock
        has_to_wait = self._timeline is not None or self._is_told or clock.next_due(timestamp) is not None
        if has_to_wait and not await self._reach(timestamp):
            return False
        clock.advance(timestamp)
        self._is_publishing = True
        if clock.is_awaited:
            asyncio.get_running_loop().call_soon(self._make_room)
        await self._bus.publish(event)
        self._is_publishing = False
        self._published += 1
        self._position = timestamp
        if self._lockstep is not None:
            await self._lockstep.settle()
        return True

    async def _publish_batch(self, bus: IEventBus, chunk: Sequence[BaseEvent], at: int) -> None:
        """Publishes events from an index on, at full speed, until something else is to be done."""
        self._is_publishing = True
        await bus.publish_batch(self._until_told(chunk, at))
        self._is_publishing = False

    def _until_told(self, chunk: Sequence[BaseEvent], at: int) -> Iterator[BaseEvent]:
        """The events until `pause`, `stop`, `seek` or a timer; each counts when the bus asks for more."""
        for event in islice(chunk, at, None):
            if self._is_told or self._clock.next_due() is not None:
                return
            self._clock.advance(event.timestamp)
            yield event
            self._published += 1
            self._position = event.timestamp

    async def _begin(self, timestamp: datetime) -> None:
        """Sets the time to the first event, at the beginning or after `seek`."""
        self._clock.set(timestamp)
        if self._timeline is not None:
            self._timeline.due(timestamp, asyncio.get_running_loop().time())
        if self._lockstep is not None:
            await self._lockstep.settle()

    async def _reach(self, timestamp: datetime, *, is_event: bool = True) -> bool:
        """Calls the timers that are due by a time, and waits until an event of it is due. Returns whether to go on."""
        clock, loop, timeline = self._clock, asyncio.get_running_loop(), self._timeline
        while True:
            if self._is_told and not await self._may_go_on():
                return False
            timer_due = clock.next_due(timestamp)
            if timeline is not None:
                due = timeline.due(timer_due or timestamp, now := loop.time())
                if due > now:
                    await self._sleep(until=due)
                    continue
                if timer_due is None and is_event:
                    self._error.record(int((now - due) * 1e9))
            if timer_due is None:
                return True
            await self._call_timer()

    async def _call_timer(self) -> None:
        self._clock.call_next()
        if self._lockstep is None:
            await asyncio.sleep(0)
        else:
            await self._lockstep.settle()

    async def _finish(self) -> None:
        """Calls the timers due by the last event and, in lockstep, lets the time go on while handlers sleep."""
        clock = self._clock
        while clock.has_begun:
            is_awaited = self._lockstep is not None and clock.has_sleeping_handlers
            moment = clock.next_due(None if is_awaited else clock.now())
            if moment is None or not await self._reach(moment, is_event=False):
                return

    def _make_room(self) -> None:
        """Begins to let the time go on while publishing waits for room."""
        if self._is_publishing and (self._making_room is None or self._making_room.done()):
            self._making_room = asyncio.get_running_loop().create_task(self._go_on_while_full())

    async def _go_on_while_full(self) -> None:
        turns, timeline, loop = 0, self._timeline, asyncio.get_running_loop()
        while self._is_publishing and (moment := self._clock.next_due()) is not None:
            is_due = timeline is None or timeline.due(moment, now := loop.time()) <= now
            if is_due and not self._paused and self._clock.is_at_rest(publishing=1):
                self._clock.call_next()
                turns = 0
            turns += 1
            await asyncio.sleep(0 if turns < SPIN else 0.001)

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
