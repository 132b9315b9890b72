"""InMemoryEventBus: the bus within one process. Routing, queues and dispatch are native; this is its asyncio face."""

import asyncio
import sys
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack, overload

from trading.events._bus.argument_checks import check_int, check_plain, check_seconds
from trading.events._bus.catch_up import recorded
from trading.events._bus.failures import report_failure
from trading.events._bus.subscribe_options import SubscribeOptions, check_options, spell_out_options
from trading.events._bus.subscribing import SubscribingBus
from trading.events._bus.watchdog import Watchdog
from trading.events.base import BaseEvent
from trading.events.bus import (
    EventT,
    Filter,
    Handler,
    HandlerFailure,
    IEventBus,
)
from trading.events.errors import NoHistoryError
from trading.events.history import EventHistory
from trading.events.statistics import BusStatistics, statistics_of

if TYPE_CHECKING:
    from trading.events.persistence.base import IEventReader

HandlerT = TypeVar("HandlerT", bound=Callable[[Any], Any])
ResultT = TypeVar("ResultT")


class InMemoryEventBus(SubscribingBus, IEventBus):
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
        close_timeout_s: The `timeout_s` with which leaving `async with` closes the bus, and a writer that records here
            and is closed first has it drained. None, the default, waits as long as it takes: nothing is given up that
            was accepted.
        strict_topics: Refuse a pattern that names an event type which no class has, as a mistyped one does. By default
            that is an UnknownTopicWarning.

    Raises:
        HandlerTypeError: `on_error` cannot be called, is asynchronous, or its body would never run.
        TypeError: `time_one_in` or `history` is no int, or `slow_handler_s` or `close_timeout_s` no number.
        ValueError: `time_one_in` is negative or above 2**32 - 1, `history` or `close_timeout_s` is negative, or
            `slow_handler_s` not above 0 and finite.
    """

    # Without a dictionary an instance's methods are found a tenth of a publish sooner.
    __slots__ = ("_close_timeout_s", "_on_error")

    def __init__(
        self,
        *,
        name: str = "event-bus",
        on_error: Callable[[HandlerFailure], object] | None = None,
        time_one_in: int = 64,
        slow_handler_s: float | None = None,
        history: int = 0,
        close_timeout_s: float | None = None,
        strict_topics: bool = False,
    ) -> None:
        if on_error is not None:
            check_plain(on_error, "on_error")
        check_int(time_one_in, "time_one_in", at_least=0, at_most=2**32 - 1)
        check_int(history, "history", at_least=0, at_most=sys.maxsize)
        self._close_timeout_s = check_seconds(close_timeout_s, "close_timeout_s")
        self._strict_topics = strict_topics
        self._time_one_in(time_one_in)
        if history:
            self._keep_history(history)
        self._on_error = on_error
        self._begin(name, None if slow_handler_s is None else Watchdog(self, slow_handler_s))

    @overload
    async def subscribe(
        self,
        event_type: type[EventT],
        handler: Handler[EventT],
        filter: Filter[EventT] | None = None,
        *,
        store: "IEventReader | None" = None,
        **options: Unpack[SubscribeOptions],
    ) -> str: ...

    @overload
    async def subscribe(
        self,
        event_type: str,
        handler: Handler[Any],
        filter: Filter[Any] | None = None,
        *,
        store: "IEventReader | None" = None,
        **options: Unpack[SubscribeOptions],
    ) -> str: ...

    async def subscribe(
        self,
        event_type: str | type[BaseEvent],
        handler: Handler[Any],
        filter: Filter[Any] | None = None,  # noqa: A002 - as in IEventBus
        *,
        store: "IEventReader | None" = None,
        **options: Unpack[SubscribeOptions],
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
            name: Shown in statistics, errors and logs; by default that of the handler.
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
            UnknownTopicError: It names an event type that no class has, and the bus has `strict_topics`; without that
                it is an UnknownTopicWarning. A class that is defined later is heard all the same.
            HandlerTypeError: The handler, the filter or `on_gap` cannot be called or its body would never run, or the
                filter or an inline handler is asynchronous.
            TypeError: `event_type` is neither text nor an event class, `capacity` no int, `store` no reader, or, with
                one, `start` no datetime.
            ValueError: `capacity` is below 1, or `overflow`, `delivery` or `start` is none of those that there are, or,
                with a store, `overflow` is one that drops events.
            NoHistoryError: `start` asks for earlier events, and the bus was made without `history`.
            ReplayIntoItselfError: The handler records into `store` itself.
            BusClosedError: The bus is closed or closing.
        """
        self._bind()
        check_options(options, "subscribe", "store")
        events = None
        if store is not None:
            start, overflow = options.get("start", "new"), options.get("overflow", "block")
            events = recorded(store, start, event_type, filter, overflow=overflow, handler=handler)
            options["start"] = "new"
        sid = self._add(event_type, handler, filter, held=events is not None, **options)
        try:
            await self._hooks.confirmed(sid)
        except BaseException:
            await self.unsubscribe(sid)
            raise
        if store is not None and events is not None:
            on_failure = partial(self._give_up, options.get("name") or sid)
            self._catch_ups.begin(self, sid, store=store, events=events, on_failure=on_failure)
        return sid

    async def _give_up(self, name: str, sid: str, error: Exception) -> None:
        """Ends a subscription whose store has failed."""
        self._report_failure(sid, name, None, error, "store")
        await self.unsubscribe(sid)

    @overload
    def on(
        self,
        event_type: type[EventT],
        filter: Filter[EventT] | None = None,
        **options: Unpack[SubscribeOptions],
    ) -> Callable[[Callable[[EventT], ResultT]], Callable[[Any], ResultT]]: ...

    @overload
    def on(
        self, event_type: str, filter: Filter[Any] | None = None, **options: Unpack[SubscribeOptions]
    ) -> Callable[[HandlerT], HandlerT]: ...

    def on(
        self,
        event_type: str | type[BaseEvent],
        filter: Filter[Any] | None = None,  # noqa: A002 - as in IEventBus
        **options: Unpack[SubscribeOptions],
    ) -> Callable[[Any], Any]:
        """Subscribes the function that it decorates; also before any loop runs. Everything is as in `subscribe`.

        @bus.on("tick")
        async def handle(tick: TickEvent) -> None: ...

        To type checkers the function must take events of the class that is given. What it becomes takes any argument,
        so that a function may be decorated for several classes.
        """
        check_options(options, "on")

        def decorate(handler: HandlerT) -> HandlerT:
            self._add(event_type, handler, filter, **options)
            return handler

        return decorate

    @property
    def history(self) -> EventHistory:
        """The newest events of this bus.

        Raises:
            NoHistoryError: The bus was made without `history`.
        """
        if self._history is None:
            raise NoHistoryError(f"{self.name} keeps no history; make it with InMemoryEventBus(history=...)")
        return EventHistory(self, strict_topics=self._strict_topics)

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
        if drain and not self._in_handler:
            with self._telling("unsubscribing with drain=True", partial(self._subscriptions_left, subscription_id)):
                await self._catch_ups.finish(subscription_id)
                ending = self._end_subscription(subscription_id, drain=True)
                if ending is not None:
                    await ending
        else:
            self._end_subscription(subscription_id, drain=drain)
        await self._hooks.ended(subscription_id)

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
        await self._catch_ups.caught_up(subscription_id)

    async def join(self) -> None:
        """Returns when every accepted event has been handled, and all that a store had for a subscription.

        What this waits for is said in the log, as by `aclose`: a stream that is open and not read, say.

        Raises:
            ReentrancyError: Called in a handler, whose own event would never be.
        """
        self._check_outside("join")
        self._bind()
        with self._telling("joining", self._left):
            await self._join_locally()

    async def _join_locally(self) -> None:
        if self._catch_ups.are_running:
            await self._catch_ups.finish()
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

    async def _drain_for_writer(self, sid: str) -> None:
        if self._phase != "closed" and self._catch_ups.is_recorder(sid):
            with self._telling("draining for a writer that is being closed", self._left):
                async with asyncio.timeout(self._close_timeout_s):
                    await self._handle_all()

    async def _handle_all(self) -> None:
        await self.join()

    def statistics(self) -> BusStatistics:
        """Counts of the bus, at one moment. May be called from any thread."""
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


spell_out_options(InMemoryEventBus.subscribe, InMemoryEventBus.on, defaults_of=InMemoryEventBus._add)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - its own module
