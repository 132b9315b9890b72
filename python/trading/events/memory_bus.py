"""InMemoryEventBus: the bus within one process. Routing, queues and dispatch are native; this is its asyncio face."""

import asyncio
import atexit
import logging
import sys
import warnings
from collections.abc import Callable, Coroutine
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, overload
from weakref import WeakSet

from trading.events._bus.argument_checks import check_handler, check_int, check_plain, check_seconds
from trading.events._bus.catch_up import HandOvers, recorded
from trading.events._bus.drain_log import DrainLog, subscriptions_left
from trading.events._bus.failures import report_failure
from trading.events._bus.watchdog import Watchdog
from trading.events._core import NativeBus, end_calls, to_utc
from trading.events.base import BaseEvent
from trading.events.bus import (
    DEFAULT_CAPACITY,
    Delivery,
    EventT,
    Filter,
    GapCallback,
    Handler,
    HandlerFailure,
    IEventBus,
    Overflow,
)
from trading.events.errors import BusClosedError, NoHistoryError, ReentrancyError
from trading.events.history import EventHistory, Start
from trading.events.statistics import BusStatistics, statistics_of
from trading.events.stream import EventStream

if TYPE_CHECKING:
    from trading.events.persistence.base import IEventReader

HandlerT = TypeVar("HandlerT", bound=Callable[[Any], Any])

_LOGGER = logging.getLogger("trading.events")

_GRACE_S = 5.0
"""How long `aclose` waits for handlers that it has cancelled; one that will not end is logged and left."""


class InMemoryEventBus(NativeBus, IEventBus):
    """An event bus within one process. `trading.events.bus` says what it promises.

        async with InMemoryEventBus() as bus:
            await bus.subscribe("tick", handle)
            await bus.publish(tick)
            await bus.join()

    Args:
        name: Shown in logs and as the `component` of ErrorEvents.
        on_error: Called with a HandlerFailure for every exception out of a handler, a filter or a gap callback, in the
            thread where it was raised, and, but for filters, in the subscription's context.
        time_one_in: One in so many events of each subscription is timed, for the `latency` and `handling` of its
            statistics. 1 times all, 0 none; 64, the default, costs a percent. Rounded up to a power of two.
        slow_handler_s: Seconds after which a handler that has not ended is named in a warning of the logger
            `trading.events`, with its stack, whether it waits or holds up the loop. None, the default, watches none.
        history: How many of the newest events to keep, packed, some fifty bytes each, for `history` and for
            subscriptions that start with earlier events. Every accepted event is kept, heard or not, and publishing one
            costs a microsecond more. 0, the default, keeps none.
        close_timeout_s: The `timeout_s` with which leaving `async with` closes the bus. None, the default, waits as
            long as it takes: nothing is given up that was accepted.

    Raises:
        HandlerTypeError: `on_error` cannot be called, is asynchronous, or its body would never run.
        TypeError: `time_one_in` or `history` is no int, or `slow_handler_s` or `close_timeout_s` no number.
        ValueError: `time_one_in` is negative or above 2**32 - 1, `history` or `close_timeout_s` is negative, or
            `slow_handler_s` not above 0 and finite.
    """

    # Without a dictionary an instance's methods are found a tenth of a publish sooner.
    __slots__ = ("_close_timeout_s", "_hand_overs", "_is_told", "_on_error", "_streams", "_watchdog", "name")

    def __init__(
        self,
        *,
        name: str = "event-bus",
        on_error: Callable[[HandlerFailure], object] | None = None,
        time_one_in: int = 64,
        slow_handler_s: float | None = None,
        history: int = 0,
        close_timeout_s: float | None = None,
    ) -> None:
        if on_error is not None:
            check_plain(on_error, "on_error")
        check_int(time_one_in, "time_one_in", at_least=0, at_most=2**32 - 1)
        check_int(history, "history", at_least=0, at_most=sys.maxsize)
        self._close_timeout_s = check_seconds(close_timeout_s, "close_timeout_s")
        self._time_one_in(time_one_in)
        if history:
            self._keep_history(history)
        self._watchdog = None if slow_handler_s is None else Watchdog(self, slow_handler_s)
        self.name = name
        self._on_error = on_error
        self._is_told = False
        _OPEN.add(self)
        self._streams: WeakSet[EventStream[Any]] = WeakSet()
        self._hand_overs = HandOvers()

    @overload
    async def subscribe(
        self,
        event_type: type[EventT],
        handler: Handler[EventT],
        filter: Filter[EventT] | None = None,
        *,
        capacity: int = DEFAULT_CAPACITY,
        overflow: Overflow = "block",
        delivery: Delivery = "queued",
        on_gap: GapCallback | None = None,
        name: str | None = None,
        start: Start = "new",
        store: "IEventReader | None" = None,
    ) -> str: ...

    @overload
    async def subscribe(
        self,
        event_type: str,
        handler: Handler[Any],
        filter: Filter[Any] | None = None,
        *,
        capacity: int = DEFAULT_CAPACITY,
        overflow: Overflow = "block",
        delivery: Delivery = "queued",
        on_gap: GapCallback | None = None,
        name: str | None = None,
        start: Start = "new",
        store: "IEventReader | None" = None,
    ) -> str: ...

    async def subscribe(
        self,
        event_type: str | type[BaseEvent],
        handler: Handler[Any],
        filter: Filter[Any] | None = None,  # noqa: A002 - as in IEventBus
        *,
        capacity: int = DEFAULT_CAPACITY,
        overflow: Overflow = "block",
        delivery: Delivery = "queued",
        on_gap: GapCallback | None = None,
        name: str | None = None,
        start: Start = "new",
        store: "IEventReader | None" = None,
    ) -> str:
        """Has a handler called with every event that matches.

        Args:
            event_type: A pattern such as `tick` or `events.*.binance`, or an event class, which stands for its
                subclasses too, also those defined later.
            handler: A coroutine function or a plain function that takes the event.
            filter: A plain function that takes the event and says whether to handle it.
            capacity: How many events may wait, at least 1.
            overflow: What happens to one more: see `trading.events.bus`.
            delivery: `queued`, the default, or `inline`, for a plain function only: the publisher itself calls it,
                before `publish` returns. See `trading.events.bus`.
            on_gap: Called with a Gap when events have been dropped.
            name: Shown in statistics, errors and logs; by default the id.
            start: From where on it hears events: `new`, the default, those published from now on; before them, in
                order, with none left out and none twice, also what the bus's history has: `history`, all of it;
                `last_per_topic`, the last event of each topic; a datetime (naive means UTC), those of that `timestamp`
                or a later one. Earlier events are put before the queue: neither its capacity nor its overflow policy is
                for them, and they wait as they lie in the history.
            store: Where to read the earlier events instead, from the datetime `start` on: any reader of recorded
                events. What is still on its way from this bus to the store is waited for, if it is recorded by a
                writer's own `write_event`; then the handler is given what the store has, by timestamp, and then what
                has come since `subscribe` was called, in the order of acceptance, none left out and, told by
                `event_id`, none twice. The store is read as fast as the handler works it off, and what comes meanwhile
                waits in the queue, under its capacity. `caught_up` says when the subscription is live.

        Returns:
            The subscription's id, for `unsubscribe`.

        Raises:
            PatternError: The text is no pattern.
            HandlerTypeError: The handler, the filter or `on_gap` cannot be called or its body would never run, or the
                filter or an inline handler is asynchronous.
            TypeError: `event_type` is neither text nor an event class, `capacity` no int, `store` no reader, or, with
                one, `start` no datetime.
            ValueError: `capacity` is below 1, or `overflow`, `delivery` or `start` is none of those that there are, or,
                with a store, `overflow` is one that drops events.
            NoHistoryError: `start` asks for earlier events, and the bus was made without `history`.
            BusClosedError: The bus is closed or closing.
        """
        self._bind()
        events = None if store is None else recorded(store, start, event_type, filter, overflow=overflow)
        sid = self._add(
            event_type,
            handler,
            filter,
            capacity=capacity,
            overflow=overflow,
            delivery=delivery,
            on_gap=on_gap,
            name=name,
            start=start if events is None else "new",
            held=events is not None,
        )
        await self._settle(sid)
        if store is not None and events is not None:
            self._hand_overs.begin(
                self, sid, store=store, events=events, on_failure=partial(self._give_up, name or sid)
            )
        return sid

    async def _give_up(self, name: str, sid: str, error: Exception) -> None:
        """Ends a subscription whose store has failed."""
        self._report_failure(sid, name, None, error, "store")
        await self.unsubscribe(sid)

    async def _settle(self, sid: str) -> None:
        """For buses that have somebody else to tell of a new subscription."""

    def on(
        self,
        event_type: str | type[BaseEvent],
        filter: Filter[Any] | None = None,  # noqa: A002 - as in IEventBus
        *,
        capacity: int = DEFAULT_CAPACITY,
        overflow: Overflow = "block",
        delivery: Delivery = "queued",
        on_gap: GapCallback | None = None,
        name: str | None = None,
        start: Start = "new",
    ) -> Callable[[HandlerT], HandlerT]:
        """Subscribes the function that it decorates; also before any loop runs. Everything is as in `subscribe`.

        @bus.on("tick")
        async def handle(tick: TickEvent) -> None: ...
        """

        def decorate(handler: HandlerT) -> HandlerT:
            own_name = getattr(handler, "__qualname__", None)
            title = name or (own_name if isinstance(own_name, str) else None)
            self._add(
                event_type,
                handler,
                filter,
                capacity=capacity,
                overflow=overflow,
                delivery=delivery,
                on_gap=on_gap,
                name=title,
                start=start,
            )
            return handler

        return decorate

    def _add(
        self,
        event_type: str | type[BaseEvent],
        handler: Callable[[Any], object],
        condition: Filter[Any] | None,
        *,
        capacity: int,
        overflow: str,
        delivery: str,
        on_gap: GapCallback | None,
        name: str | None,
        start: Start = "new",
        held: bool = False,
    ) -> str:
        check_handler(handler, is_inline=delivery == "inline")
        if condition is not None:
            check_plain(condition, "filter")
        if on_gap is not None:
            check_handler(on_gap, "on_gap")
        check_int(capacity, "capacity", at_least=1, at_most=sys.maxsize)
        if self._phase != "open":
            raise BusClosedError(f"{self.name} is closed and takes no new subscriptions")
        begin = self._check_start(start)
        if self._watchdog is not None:
            self._watchdog.start()
        adapted, condition, overflow = self._adapt(handler, condition, overflow, delivery=delivery, name=name)
        sid = self._subscribe(
            event_type,
            adapted,
            condition,
            capacity=capacity,
            overflow=overflow,
            delivery=delivery,
            on_gap=on_gap,
            name=name,
            start=begin,
            held=held,
        )
        self._hand_overs.note(sid, handler)
        return sid

    def _check_start(self, start: Start) -> str | datetime | None:
        begin = to_utc(start) if isinstance(start, datetime) else start
        if begin not in {"new", "last_per_topic", "history"} and not isinstance(begin, datetime):
            raise ValueError(f"start is {start!r}; it may be 'new', 'last_per_topic', 'history' or a datetime")
        if begin == "new":
            return None
        if self._history is None:
            raise NoHistoryError(
                f"{self.name} keeps no earlier events to start from; make it with InMemoryEventBus(history=...), "
                "or name a store"
            )
        return begin

    @property
    def history(self) -> EventHistory:
        """The newest events of this bus.

        Raises:
            NoHistoryError: The bus was made without `history`.
        """
        if self._history is None:
            raise NoHistoryError(f"{self.name} keeps no history; make it with InMemoryEventBus(history=...)")
        return EventHistory(self)

    def _adapt(
        self,
        handler: Callable[[Any], object],
        condition: Filter[Any] | None,
        overflow: str,
        *,
        delivery: str,  # noqa: ARG002 - for those who override it, as is the name
        name: str | None,  # noqa: ARG002 - as above
    ) -> tuple[Callable[[Any], object], Filter[Any] | None, str]:
        """For buses that have something of their own to do around a handler."""
        return handler, condition, overflow

    def _note_stream(self, stream: EventStream[Any]) -> None:
        self._streams.add(stream)

    async def unsubscribe(self, subscription_id: str, *, drain: bool = False) -> None:
        """Ends a subscription: its handler is not called again. One that has ended already is left as it is.

        Args:
            subscription_id: What `subscribe` returned.
            drain: Handle first what waits, instead of counting it as unsubscribed, and what its own handler publishes
                meanwhile that matches it; and before that, where it began with a store, the rest of what that has. What
                others publish it does not hear any more.

        Raises:
            SubscriptionNotFoundError: The bus never gave this id out.
            ReentrancyError: `drain` is asked for in a handler.
        """
        if not drain or self._in_handler:
            self._end_subscription(subscription_id, drain=drain)
            return
        with self._telling("unsubscribing with drain=True", partial(self._subscriptions_left, subscription_id)):
            await self._hand_overs.finish(subscription_id)
            ending = self._end_subscription(subscription_id, drain=True)
            if ending is not None:
                await ending

    def _end_subscription(self, sid: str, *, drain: bool) -> "asyncio.Future[None] | None":
        ending = self._unsubscribe(sid, drain=drain)
        self._hand_overs.end(self, sid)
        return ending

    async def caught_up(self, subscription_id: str) -> None:
        """Returns when a subscription that began with a `store` has handled what that had for it, and is live.

        Where something could not be read, the handler has heard the rest, and the subscription has ended: it does not
        go live behind a gap. That is also logged, handed to `on_error` and published as an ErrorEvent. With a reader
        that warns of what it cannot read, it goes on.

        Args:
            subscription_id: What `subscribe` returned. One that began without a store has caught up.

        Raises:
            StoreError: The store could not be read, or a writer to it not be flushed.
            SubscriptionNotFoundError: It has ended meanwhile.
            ReentrancyError: Called in a handler, whose own event may be one of them.
        """
        self._check_outside("caught_up")
        await self._hand_overs.caught_up(subscription_id)

    async def join(self) -> None:
        """Returns when every accepted event has been handled, and all that a store had for a subscription.

        Raises:
            ReentrancyError: Called in a handler, whose own event would never be.
        """
        self._check_outside("join")
        self._bind()
        if self._hand_overs.are_running:
            await self._hand_overs.finish()
        if self._unfinished:
            await self._idle()

    async def aclose(self, timeout_s: float | None = None) -> None:
        """Takes no new events from outside, handles those it has and what stores have, and ends.

        What handlers publish meanwhile is accepted and handled too. What this waits for is said in a warning of the
        logger `trading.events` after two seconds, and every ten from then on. A second call waits for the first.

        Args:
            timeout_s: Seconds after which handlers that still run are cancelled and what still waits is counted as
                closed. None, the default, waits as long as it takes.

        Raises:
            ReentrancyError: Called in a handler, whose own event would never be handled.
            TypeError: `timeout_s` is no number.
            ValueError: It is negative, or not finite.
        """
        self._check_closer()
        self._bind()
        limit = asyncio.timeout(check_seconds(timeout_s, "timeout_s"))
        with self._telling("closing", self._left):
            await self._close_within(limit)

    async def _close_within(self, limit: asyncio.Timeout) -> None:
        self._close()
        try:
            async with limit:
                await self._work_off_locally()
                while not self._seal():
                    await self._work_off_locally()
        except TimeoutError:
            self._refuse()
            await self._hand_overs.cancel(_GRACE_S)
            await self._cancel_workers()
            self._seal()
        if self._watchdog is not None:
            self._watchdog.stop()
        for stream in tuple(self._streams):
            stream.end()

    async def _work_off_locally(self) -> None:
        """Returns when nothing is left to be handled, nobody is at it, and no store is being read."""
        while True:
            await self._hand_overs.finish()
            while self._unfinished:
                await self._idle()
            if workers := self._workers():
                await asyncio.wait(workers)
            elif (reader_done := self._reader_done()) is not None:
                await reader_done
            else:
                return

    def _check_closer(self) -> None:
        """Refuses a handler. A reader that closes the bus is done with its events."""
        self._check_outside("aclose")
        for stream in tuple(self._streams):
            stream.leave_to_caller()

    def _readers(self) -> list[EventStream[Any]]:
        """The streams of which somebody has an event and has not asked for the next."""
        return [stream for stream in tuple(self._streams) if stream.is_read]

    def _reader_done(self) -> Coroutine[Any, Any, None] | None:
        """What ends when one of them does; it does not keep a stream that is forgotten meanwhile."""
        return next((stream.reader_done() for stream in self._readers()), None)

    def _is_reading(self) -> bool:
        """Whether the caller has an event of one of the bus's streams and has not asked for the next."""
        return any(stream.is_read_here for stream in tuple(self._streams))

    def _left(self) -> list[str]:
        """What closing waits for, in words."""
        stores = [f"subscription {sid}, which is given what its store has" for sid in self._hand_overs.running]
        readers = [f"the reader of {stream!r}, which has not asked for the next event" for stream in self._readers()]
        return [*self._subscriptions_left(), *stores, *readers]

    def _subscriptions_left(self, only: str | None = None) -> list[str]:
        accounts = statistics_of(*self._counts()).subscriptions
        return subscriptions_left(accounts.values(), self._in_handlers(), only)

    def _telling(self, what: str, left: Callable[[], list[str]]) -> DrainLog:
        return DrainLog(self.name, what, left=left, published=lambda: self._published_so_far)

    @property
    def _published_so_far(self) -> int:
        """How many events the bus has accepted."""
        return self._published

    async def _cancel_workers(self) -> None:
        loop = asyncio.get_running_loop()
        end_s = loop.time() + _GRACE_S
        while workers := self._abandon():
            for worker in workers:
                worker.cancel()
            _, stubborn = await asyncio.wait(workers, timeout=max(end_s - loop.time(), 0.0))
            for worker in stubborn:
                _LOGGER.error("%s is closed, but a handler ignores its cancellation: %r", self.name, worker)
            if stubborn:
                break

    def _check_outside(self, what: str) -> None:
        if self._in_handler:
            raise ReentrancyError(f"{what} in a handler would wait for the handler itself; call it in another task")

    def statistics(self) -> BusStatistics:
        """What the bus has counted, at one moment. May be called from any thread."""
        return statistics_of(*self._counts())

    def _report_failure(self, sid: str, name: str, event: BaseEvent | None, error: BaseException, phase: Any) -> None:
        failure = HandlerFailure(event=event, error=error, sid=sid, subscription=name, phase=phase)
        report_failure(failure, component=self.name, on_error=self._on_error, publish=self._publish_own)

    async def __aenter__(self) -> Self:
        self._bind()
        if self._watchdog is not None:
            self._watchdog.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose(self._close_timeout_s)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}: {self._phase}, {self._unfinished} events waiting>"

    def __del__(self) -> None:
        """Warns of events that nobody will handle any more."""
        if not getattr(self, "_is_told", True):  # an instance that could not be made has no such attribute
            self._warn_if_lost()

    def _warn_if_lost(self) -> None:
        self._is_told = True
        lost = self._lost_if_forgotten if self._is_local and self._phase != "closed" else 0
        if lost:
            warnings.warn(
                f"{self!r} was never closed: {lost} accepted events are lost; use 'async with' or aclose()",
                ResourceWarning,
                stacklevel=2,
                source=self,
            )


_OPEN: WeakSet[InMemoryEventBus] = WeakSet()
"""Every bus that has not been garbage collected."""


@atexit.register
def _warn_at_exit() -> None:
    """Warns for buses that are still referred to at exit, as by a daemon thread: `__del__` is not called for them."""
    end_calls()
    while _OPEN:
        _OPEN.pop()._warn_if_lost()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - as it would itself
