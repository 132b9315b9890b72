"""DelegatingBus: an event bus whose subscriptions are those of a local bus that it holds."""

from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, Unpack, overload

from trading.events._bus.subscribe_options import SubscribeOptions, spell_out_options
from trading.events.bus import EventT, Filter, Handler, IEventBus
from trading.events.history import EventHistory
from trading.events.memory_bus import InMemoryEventBus
from trading.events.statistics import BusStatistics
from trading.events.stream import EventStream
from trading.events.transport.local_bus import LocalBus

if TYPE_CHECKING:
    from trading.events.persistence.base import IEventReader

HandlerT = TypeVar("HandlerT", bound=Callable[[Any], Any])
ResultT = TypeVar("ResultT")


class DelegatingBus(IEventBus):
    """Has the local bus do whatever is not about publishing, and shows itself in its place."""

    _local: LocalBus

    @property
    def name(self) -> str:
        """Shown in logs and as the `component` of events."""
        return self._local.name

    @property
    def history(self) -> EventHistory:
        """The newest events of this bus.

        Raises:
            NoHistoryError: Always: only an InMemoryEventBus keeps them.
        """
        return self._local.history

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}: {self._local.phase}, {self._local.unfinished} events waiting>"

    @abstractmethod
    def _bind(self) -> None:
        """Has the bus belong to the running loop."""

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
        event_type: Any,
        handler: Handler[Any],
        filter: Filter[Any] | None = None,  # noqa: A002 - as in IEventBus
        *,
        store: "IEventReader | None" = None,
        **options: Unpack[SubscribeOptions],
    ) -> str:
        """Has a handler called with every event that matches; returns when the server has confirmed.

        See `InMemoryEventBus.subscribe`.
        """
        self._bind()
        return await self._local.subscribe(event_type, handler, filter, store=store, **options)

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
        event_type: Any,
        filter: Filter[Any] | None = None,  # noqa: A002 - as in IEventBus
        **options: Unpack[SubscribeOptions],
    ) -> Callable[[Any], Any]:
        """Subscribes the function that it decorates; also before any loop runs. See `InMemoryEventBus.on`."""
        return self._local.on(event_type, filter, **options)

    def _note_stream(self, stream: EventStream[Any]) -> None:
        self._local.note_stream(stream)

    async def unsubscribe(self, subscription_id: str, *, drain: bool = False) -> None:
        """Ends a subscription. See `InMemoryEventBus.unsubscribe`."""
        await self._local.unsubscribe(subscription_id, drain=drain)

    async def caught_up(self, subscription_id: str) -> None:
        """Returns when a subscription has handled what a store had for it. See `InMemoryEventBus.caught_up`."""
        await self._local.caught_up(subscription_id)

    def statistics(self) -> BusStatistics:
        """The counts of the bus, at one moment. May be called from any thread."""
        return self._local.statistics()


spell_out_options(DelegatingBus.subscribe, DelegatingBus.on, defaults_of=InMemoryEventBus.subscribe)
