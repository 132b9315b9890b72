"""Events as an asynchronous iterator."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar

from trading.events.base import BaseEvent

EventT = TypeVar("EventT", bound=BaseEvent)


class StreamedBus(Protocol):
    """The part of a bus that a stream uses."""

    @property
    def subscribe(self) -> Callable[..., Coroutine[Any, Any, str]]:
        """As `IEventBus.subscribe`, with the options of the bus."""
        raise NotImplementedError

    def unsubscribe(self, subscription_id: str) -> Coroutine[Any, Any, None]:
        """As `IEventBus.unsubscribe`."""
        raise NotImplementedError


class StreamReader:
    """Point at which events pass from the bus to the reader, one at a time. It outlives a stream that is forgotten."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.reader: asyncio.Task[Any] | None = None
        self._is_back = asyncio.Event()
        self._offers: asyncio.Queue[tuple[BaseEvent, asyncio.Future[None]] | None] = asyncio.Queue()
        self._is_closed = False

    async def offer(self, event: BaseEvent) -> None:
        """The handler: ends when the event has been taken."""
        if not self._is_closed:
            taken = asyncio.get_running_loop().create_future()
            self._offers.put_nowait((event, taken))
            await taken

    async def take(self) -> BaseEvent | None:
        """The next event; None once there will be no more. Whoever asks is done with the one before."""
        self.come_back()
        while not (self._is_closed and self._offers.empty()):
            offer = await self._offers.get()
            if offer is None:
                self._offers.put_nowait(None)  # for whoever else reads
                return None
            event, taken = offer
            if not taken.done():
                taken.set_result(None)
                self.reader = asyncio.current_task()
                if self not in (reading := _READING.get()):
                    _READING.set((*(each for each in reading if each.is_at_an_event), self))
                return event
        return None

    def come_back(self) -> None:
        """The reader is done with its event."""
        self.reader = None
        self._is_back.set()

    @property
    def has_offers(self) -> bool:
        """True if an event has been offered and not taken."""
        return not self._is_closed and not self._offers.empty()

    @property
    def is_at_an_event(self) -> bool:
        """True if a reader has an event, and has not asked for the next."""
        return self.reader is not None and not self.reader.done()

    @property
    def is_at_an_event_here(self) -> bool:
        """True if that reader is the caller, or the task that started it."""
        return self.is_at_an_event and self in _READING.get()

    async def done(self) -> None:
        """Returns when the reader asks for the next event, or has ended."""
        if self.reader is None:
            return
        self._is_back.clear()
        back = asyncio.ensure_future(self._is_back.wait())
        try:
            await asyncio.wait([self.reader, back], return_when=asyncio.FIRST_COMPLETED)
        finally:
            back.cancel()

    def close(self) -> None:
        """Lets the handler and the reader go."""
        self._is_closed = True
        self.come_back()
        while not self._offers.empty():
            offer = self._offers.get_nowait()
            if offer is not None and not offer[1].done():
                offer[1].set_result(None)
        self._offers.put_nowait(None)


class EventStream(AsyncIterator[EventT], Generic[EventT]):
    """The events of one subscription, in order. Made by a bus's `stream`; one reader at a time.

    An event that was offered and not taken when the stream is closed counts as handled.
    """

    def __init__(
        self,
        bus: StreamedBus,
        event_type: str | type[BaseEvent],
        *,
        filter: Callable[[Any], object] | None = None,  # noqa: A002 - as in subscribe
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self._bus = bus
        self._terms = (event_type, filter, dict(options or {}))
        self._counter = StreamReader(f"stream of {event_type if isinstance(event_type, str) else event_type.__name__}")
        self._sid: str | None = None
        self._is_over = False

    def __repr__(self) -> str:
        event_type = self._terms[0]
        return f"<EventStream of {event_type if isinstance(event_type, str) else event_type.__name__}>"

    async def _subscribe(self) -> None:
        if self._sid is None and not self._is_over:
            event_type, condition, options = self._terms
            self._sid = await self._bus.subscribe(event_type, self._counter.offer, condition, **options)

    async def __anext__(self) -> EventT:
        """The next event, waiting for it if there is none."""
        await self._subscribe()
        event = await self._counter.take()
        if event is None:
            raise StopAsyncIteration
        return event  # type: ignore[return-value]  # the subscription lets only such events through

    @property
    def is_unread(self) -> bool:
        """True if an event is offered that nobody has taken."""
        return self._counter.has_offers

    @property
    def is_read(self) -> bool:
        """True if somebody has an event and has not asked for the next."""
        return self._counter.is_at_an_event

    @property
    def is_read_here(self) -> bool:
        """True if that is the caller, or the task that started it."""
        return self._counter.is_at_an_event_here

    def reader_done(self) -> Coroutine[Any, Any, None]:
        """Ends when the reader asks for the next event, or has ended, or the stream is forgotten."""
        return self._counter.done()

    def leave_to_caller(self) -> None:
        """Whoever closes the bus is done with the event that it has."""
        if self.is_read_here:
            self._counter.come_back()

    def end(self) -> None:
        """Ends the iteration: the bus has closed."""
        self._is_over = True
        self._counter.close()

    async def aclose(self) -> None:
        """Unsubscribes and ends the iteration. Waiting events are counted as unsubscribed."""
        self.end()
        if self._sid is not None:
            sid, self._sid = self._sid, None
            await self._bus.unsubscribe(sid)

    async def __aenter__(self) -> Self:
        await self._subscribe()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def __del__(self) -> None:
        """Unsubscribes a stream that was left with `break` and forgotten."""
        if self._sid is None:
            return
        self._counter.close()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        _FAREWELLS.add(farewell := loop.create_task(self._bus.unsubscribe(self._sid)))
        farewell.add_done_callback(_FAREWELLS.discard)


_READING: ContextVar[tuple[StreamReader, ...]] = ContextVar("trading.events.reading", default=())
"""The streams that the running task, or the one that started it, has read: the last, and those whose events it has."""


_FAREWELLS: set[asyncio.Task[None]] = set()
