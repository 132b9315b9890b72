"""What every engine file offers to the measurement."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from benchmarks.ticks import make_ticks

Handler = Callable[[Any], Any]


@dataclass(frozen=True)
class Running:
    """An engine that stands ready, with its handlers subscribed."""

    publish: Callable[[Any], Any]
    """Hands over one event; awaited where the engine's `awaits_publish` says so."""

    drain: Callable[[], Awaitable[object]]
    """Returns when every event handed over has been handled."""


@dataclass(frozen=True)
class Engine:
    """One way to bring events to handlers."""

    title: str
    start: Callable[[Sequence[Handler]], AbstractAsyncContextManager[Running]]
    lacks: str
    """What it does not do: queues, bounds, patterns, async handlers, a promise about failures."""

    distribution: str | None = None
    """Where it comes from; None for the standard library."""

    awaits_publish: bool = True
    async_handlers: bool = True
    burst_events: int = 100_000
    """How many events one timed burst has with one handler; fewer for an engine that would take minutes."""

    events_in_flight: int = 1000
    """After how many events the driver lets the engine catch up, where publishing does not await."""

    waiting_events: int = 100_000
    """How many events wait while memory is measured; 0 for an engine that cannot hold as many."""

    make_events: Callable[[int], Sequence[Any]] = make_ticks


Starting = AsyncIterator[Running]


async def nothing() -> None:
    """Drains an engine that handles an event inside `publish`."""
