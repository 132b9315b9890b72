"""What the tests take a bus for."""

from collections.abc import Callable, Coroutine, Iterable
from types import TracebackType
from typing import Any, Protocol, Self

from trading.events import BaseEvent, BusStatistics, EventStream
from trading.events.bus import Filter


class Bus(Protocol):
    """The methods that the contract speaks of: every bus has them."""

    @property
    def name(self) -> str: ...

    def publish(self, event: BaseEvent) -> Coroutine[Any, Any, None]: ...

    def publish_nowait(self, event: BaseEvent) -> None: ...

    def publish_batch(self, events: Iterable[BaseEvent]) -> Coroutine[Any, Any, None]: ...

    @property
    def subscribe(self) -> Callable[..., Coroutine[Any, Any, str]]: ...

    @property
    def on(self) -> Callable[..., Callable[[Any], Any]]: ...

    def stream(
        self,
        event_type: str,
        filter: Filter[Any] | None = None,  # noqa: A002 - as in IEventBus
        **options: Any,
    ) -> EventStream[Any]: ...

    async def unsubscribe(self, subscription_id: str, *, drain: bool = False) -> None: ...

    async def caught_up(self, subscription_id: str) -> None: ...

    async def join(self) -> None: ...

    async def aclose(self, timeout_s: float | None = None) -> None: ...

    def statistics(self) -> BusStatistics: ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...
