"""vn.py's EventEngine: one unbounded queue and one thread that calls plain functions."""

import asyncio
from collections.abc import Sequence
from contextlib import asynccontextmanager
from typing import Any

from vnpy.event import Event, EventEngine

from benchmarks.peers.engine import Engine, Handler, Running, Starting
from benchmarks.ticks import make_ticks

TIMER_S: Any = 0.05
"""Its own timer is a second, and so long it takes to stop; twenty events a second more do not show."""


def _make_events(count: int) -> list[Event]:
    """Its envelopes, made beforehand, as the events are."""
    envelopes = [Event("tick", tick) for tick in make_ticks(count)]
    for envelope in envelopes:
        envelope.event_id = envelope.data.event_id
    return envelopes


@asynccontextmanager
async def _start(handlers: Sequence[Handler]) -> Starting:
    engine = EventEngine(TIMER_S)
    loop = asyncio.get_running_loop()

    def release(envelope: Event) -> None:
        loop.call_soon_threadsafe(envelope.data.set_result, None)

    for handler in handlers:
        engine.register("tick", handler)
    engine.register("drain", release)
    engine.start()

    async def drain() -> None:
        reached = loop.create_future()
        engine.put(Event("drain", reached))
        await reached

    yield Running(publish=engine.put, drain=drain)
    await asyncio.to_thread(engine.stop)


ENGINE = Engine(
    title="vn.py, EventEngine",
    start=_start,
    distribution="vnpy",
    awaits_publish=False,
    async_handlers=False,
    events_in_flight=100_000,
    make_events=_make_events,
    lacks="async handlers, patterns, a bound; a function that raises ends the only thread, and with it all delivery",
)
