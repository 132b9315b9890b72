"""IEventBus: what every bus promises.

Delivery. For every subscription that stood when an event was published and whose filter passes it, an accepted event is
handled once, or counted under exactly one reason. An event is accepted when `publish` has returned: it then stands in
the queue of every matching subscription. It is handled when its handler has returned or raised. Nothing is lost
silently: `accepted == handled + failed + dropped + waiting`, at every moment.

Handlers are coroutine functions or plain functions; so are gap callbacks. What a handler returns is awaited if its type
can be: a coroutine, a future, a task, any object with `__await__`, a proxy of one. Any other value is let be: a mock is
a handler. A handler whose body would not run that way is an error: generators, asynchronous generators and functions
that make context managers are refused by `subscribe`; where a decorator or a lambda hides one, or returns coroutines in
a list, the event counts as failed, with a HandlerTypeError that names the handler. A filter and `on_error` are plain
functions, and what they return is not awaited: one that returns a coroutine or a generator has failed.

Publishing. `publish` acts when it is called, if there is room; what it returns is then finished, and awaiting it costs
next to nothing. Called from another thread than the loop's, it returns a coroutine that acts in the loop, for
`asyncio.run_coroutine_threadsafe`. A publish that still has to wait takes its place in line when it is first awaited;
it may be awaited once, and warns if it never is. `create_task`, `gather` and `wait_for` take what `publish` returns.
What is wrong with the call itself (no event, a closed bus, a full queue that raises) is raised by the call.

Filters are evaluated at publish, in the publisher's thread, before capacity is looked at.

Order. A subscription handles events one at a time, in the order in which they were accepted; under `conflate`, in that
order per topic. Between subscriptions there is no order.

Slow subscribers. `publish` never waits for a handler, only for room. `capacity` counts the events that wait, not the
one in its handler. A slow or suspended handler delays no other subscription until its own queue is full under `block`;
then the events that match it wait, and only those.

All or nothing. An event is accepted by all its queues or by none. Waiting publishers stand in one line, which is walked
in order when room appears: one is let in when all its queues have room at once, and it holds nothing meanwhile, except
the first in line, which may hold one place beyond the capacity of each of its queues. Publishers that need places in
the same set of queues never overtake each other; an event that replaces another under `conflate` needs no place there.
`publish_nowait` takes what room there is. A waiting publisher that is cancelled has reached nobody, and its places pass
on, even when it had been let in and not resumed. A batch is accepted event by event, in order; if it is interrupted it
has reached a prefix, whose length the exception tells in `published` and in a note.

Overflow is each subscription's own. `block`, the default: the publisher waits. `drop_oldest`, `drop_newest`: that event
is dropped. `conflate`: an event takes the place of a waiting one of its topic, and a new topic on a full queue waits.
`raise`: the publisher gets a QueueFullError, and the event has reached nobody and pushed nothing out. `publish_nowait`
raises on a full `block` queue too. Dropped events are counted, and `on_gap` is called before the next event is handled,
once a burst, with how many were lost and from which topics.

Long queues. The first 4,096 waiting events of a queue are kept as the objects that were published, those beyond as
compact rows that all queues share, some fifty bytes each. An event that was packed comes out equal, of the same class
and with the same JSON, but as another object, and no validator is asked again. What would not come out equal, such as
an event with private attributes, stays an object.

Earlier events. A subscription may start with events that were accepted before it (`start`, on a bus that keeps them).
They come first, in the order of acceptance, and then the live ones, none left out and none twice, whatever is published
meanwhile. They stand before the queue: its capacity and its overflow policy are for live events alone. They count as
accepted, `queued` and `high_water` include them, and filters are asked about them when the subscription begins.

Recorded events. A subscription may also start with what a store has (`store`): all that is recorded since a moment, by
timestamp, what is on its way from this bus to the store at that time included, and then what is accepted from then on,
in that order, none left out and none twice, however far a recorder lags behind and whatever is published meanwhile.
They are read as the handler works them off. Until then what is live waits in the queue, which may not be one that
drops. Two things are asked for: who records on this bus subscribes a writer's own `write_event`, and events have ids of
their own. What another process records reaches the subscription as far as it was in the store when that was read.

Re-entrancy. A handler may publish, subscribe and unsubscribe, itself included, and never deadlocks. A publish made in a
running handler, or in a task that one has started, never waits: it passes the line and may exceed a capacity, which is
counted, up to twice of it; beyond that it raises QueueFullError. `join` and `aclose` raise ReentrancyError there.

Inline delivery. A plain function subscribed with `delivery="inline"` is called by the publisher itself, in the loop's
thread, when the event has been accepted by all its queues and before `publish` returns; for the lowest latency, and to
be quick in. Everything else holds as ever: order, filters, counts, errors, context. Where it cannot be called at once
the event waits in its queue and a task of the bus calls it: published by another thread, or while an earlier event of
the subscription waits or is in the handler. `asyncio.current_task()` in it is the publisher's.

Errors. A handler or a filter that raises harms nobody else: the exception is logged with its traceback, counted, handed
to `on_error`, and published as an ErrorEvent; a failing handler of ErrorEvent ends there. A CancelledError out of a
handler whose task nobody else cancelled is an error like any other. KeyboardInterrupt and SystemExit get through.

Unsubscribing. After `await unsubscribe(sid)` the handler is not called again; one that runs is let finish. Waiting
events are counted as unsubscribed, or handled first with `drain=True`. While it drains, a subscription hears what its
own handler publishes that matches it, and nothing that others do; that is drained too. One that feeds itself for ever
is ended by an `unsubscribe` without `drain`.

Closing. `aclose` refuses new events from outside, also those of publishers that wait, and works off what has been
accepted. What handlers publish meanwhile is accepted too, and drained too, until nothing is left. A publish is a
handler's if it is made while the handler runs, by any method: in it, in a task or a thread that it has started, or in a
function that is called there, such as a filter. The same holds for inline handlers, for `on_gap`, and for `on_error`
while it is told of a handler or of `on_gap`. The bus's own ErrorEvents are accepted to the last, and what is published
in answer to them as that of any handler. A task that outlives its handler is outside, and so is the handler of another
bus; to another bus that is open a handler may publish as ever. Who reads a stream is taken for a handler from when it
has an event until it asks for the next or its task ends: it is waited for, and may itself close the bus. After its
timeout, `aclose` takes no more events from handlers either, cancels what is left and counts it. Leaving `async with`
closes the bus with `close_timeout_s`, by default none. What draining waits for is said in a warning, after two seconds
and every ten from then on: which subscriptions, with how many events, and how many were published meanwhile, which
names handlers that feed one another for ever.

Threads. `publish_nowait` may be called from any thread; where one publishes faster than the loop gets its turns, it
pauses for a fifth of a millisecond now and then. Everything else belongs to the bus's loop and says so when misused.
The bus's loop is the one in which it is first used. A loop that is closed under a bus is noticed after 2,048 events at
the latest; what is never handled then is counted in a ResourceWarning. After a fork, the child must make a bus of its
own.

The interpreter's end. A daemon thread may be in a call of the bus, of the codec or of a journal when the interpreter
ends: calls under way are let end, for a second at most, and one that takes longer never returns. Later ones of other
threads than the one that ends the interpreter raise BusClosedError or RuntimeError. Events that nobody will handle any
more are counted in a ResourceWarning. One interpreter a process can import this package; a subinterpreter gets an
ImportError.

Context. A handler runs from its first line to its last in one asyncio task, in its subscription's own copy of the
context variables that stood when it was subscribed.

Nested loops. Where `nest_asyncio` or `nest_asyncio2` has patched asyncio before the bus handled its first event, a
handler may call `loop.run_until_complete`, as older libraries of brokers do: the other subscriptions are served
meanwhile, its own is not. uvloop's loops cannot be patched. Without a patch asyncio refuses it, and the handler has
failed.

Fairness. Handing out events has a budget a turn of the loop, for the whole bus; so has publishing. When one is spent
the loop goes on first: neither a tight publishing loop nor a full queue starves anything else. A tight loop that
publishes faster than the handlers work is slowed towards their pace, turn by turn.
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeVar, overload

from trading.events.base import BaseEvent
from trading.events.statistics import BusStatistics, Gap
from trading.events.stream import EventStream

EventT = TypeVar("EventT", bound=BaseEvent)

Handler = Callable[[EventT], Awaitable[object] | None]
"""A coroutine function, or a plain one, that takes an event."""

Filter = Callable[[EventT], object]
"""A plain function that takes an event and says, by truth, whether it passes."""

GapCallback = Callable[[Gap], Awaitable[object] | None]
"""A callback that is told of lost events; a coroutine function or a plain one."""

Overflow = Literal["block", "drop_oldest", "drop_newest", "conflate", "raise"]
"""The policy of a full queue: what it does with one more event."""

Delivery = Literal["queued", "inline"]
"""Caller of a handler: a task of the bus, or the publisher."""

Start = Literal["new", "last_per_topic", "history"] | datetime
"""From where on a subscription hears events."""

DEFAULT_CAPACITY = 100_000
"""Events that may wait for one subscription: some seconds of a busy market, some megabytes."""


@dataclass(frozen=True, slots=True)
class HandlerFailure:
    """An exception, as `on_error` is told of it."""

    event: BaseEvent | None
    """The event that was being handled; None in a gap callback, of a store, or if it cannot be unpacked again."""

    error: BaseException
    """The exception, with its traceback."""

    sid: str
    """The subscription's id."""

    subscription: str
    """The subscription's name."""

    phase: Literal["handler", "filter", "on_gap", "store"]
    """The one of the subscription's functions that has raised; or the store that it began with."""


class IEventBus(ABC):
    """An event bus. The module's own text says what every bus promises.

    A bus of one's own has to have `publish`, `subscribe`, `unsubscribe` and `publish_batch`. Every bus of this package
    has the other methods too; where a bus has not, they raise NotImplementedError.
    """

    __slots__ = ()

    @abstractmethod
    def publish(self, event: BaseEvent) -> Coroutine[Any, Any, None]:
        """Hands an event to every matching subscription; returns when it stands in all their queues.

        Raises:
            NotAnEventError: It is no event.
            QueueFullError: A queue that raises is full, or, for a handler's own publish, one has twice its capacity.
            BusClosedError: The bus is closed; or it is closing, and no handler of its own publishes.
        """

    @overload
    async def subscribe(
        self, event_type: type[EventT], handler: Handler[EventT], filter: Filter[EventT] | None = None
    ) -> str: ...

    @overload
    async def subscribe(self, event_type: str, handler: Handler[Any], filter: Filter[Any] | None = None) -> str: ...

    @abstractmethod
    async def subscribe(
        self,
        event_type: str | type[BaseEvent],
        handler: Handler[Any],
        filter: Filter[Any] | None = None,  # noqa: A002 - the name the interface was asked for with
    ) -> str:
        """Has a handler called with every event that matches.

        Args:
            event_type: A pattern such as `tick` or `events.*.binance`, or an event class, which stands for its
                subclasses too.
            handler: A coroutine function or a plain function that takes the event.
            filter: A plain function that takes the event and says whether to handle it.

        Returns:
            The subscription's id, for `unsubscribe`.

        Raises:
            PatternError: The text is no pattern.
            HandlerTypeError: The handler or the filter cannot be called, or its body would never run.
            BusClosedError: The bus is closed or closing.
        """

    @abstractmethod
    async def unsubscribe(self, subscription_id: str) -> None:
        """Ends a subscription. One that has ended already is left as it is.

        Raises:
            SubscriptionNotFoundError: The bus never gave this id out.
        """

    @abstractmethod
    def publish_batch(self, events: Iterable[BaseEvent]) -> Coroutine[Any, Any, None]:
        """Publishes events one after the other.

        Raises:
            QueueFullError, NotAnEventError, BusClosedError: As in `publish`. Whatever is raised, its attribute
                `published` is the count of events that had been accepted.
        """

    def publish_nowait(self, event: BaseEvent, /) -> None:  # noqa: ARG002 - for those who have it
        """Hands an event to every matching subscription, from any thread, without waiting.

        Raises:
            NotAnEventError: It is no event.
            QueueFullError: A queue that does not drop events is full.
            BusClosedError: The bus is closed; or it is closing, and no handler of its own publishes.
        """
        raise self._has_no("publish_nowait")

    async def join(self) -> None:
        """Returns when every accepted event has been handled.

        Raises:
            ReentrancyError: Called in a handler, whose own event would never be.
        """
        raise self._has_no("join")

    async def aclose(self, timeout_s: float | None = None) -> None:  # noqa: ARG002 - for those who have it
        """Takes no new events from outside, handles those it has, and ends.

        Args:
            timeout_s: Seconds after which what is left is given up and counted. None waits as long as it takes.

        Raises:
            ReentrancyError: Called in a handler, whose own event would never be handled.
        """
        raise self._has_no("aclose")

    def statistics(self) -> BusStatistics:
        """Counts of the bus, at one moment."""
        raise self._has_no("statistics")

    def _has_no(self, method: str) -> NotImplementedError:
        return NotImplementedError(f"{type(self).__qualname__} has no {method}()")

    @overload
    def stream(
        self, event_type: type[EventT], filter: Filter[EventT] | None = None, **options: Any
    ) -> EventStream[EventT]: ...

    @overload
    def stream(self, event_type: str, filter: Filter[Any] | None = None, **options: Any) -> EventStream[Any]: ...

    def stream(
        self,
        event_type: str | type[BaseEvent],
        filter: Filter[Any] | None = None,  # noqa: A002 - as in subscribe
        **options: Any,
    ) -> EventStream[Any]:
        """Matching events, for `async for event in bus.stream("tick")`.

        The stream subscribes when the loop over it begins, or on entering it with `async with`, and unsubscribes when
        it is closed or forgotten. An event counts as handled when it has been taken out.

        Args:
            event_type: As in `subscribe`.
            filter: As in `subscribe`.
            options: Whatever else this bus's `subscribe` takes, by name.
        """
        stream = EventStream[Any](self, event_type, filter=filter, options=options)
        self._note_stream(stream)
        return stream

    def _note_stream(self, stream: EventStream[Any]) -> None:  # noqa: B027 - a bus may do without
        """Told of each stream, so that a bus that closes can end it."""
