"""abxbus: an event bus on Pydantic models with a history, a result for each handler, and timeouts."""

from collections.abc import Sequence
from contextlib import asynccontextmanager
from functools import partial

from abxbus import BaseEvent, EventBus

from benchmarks.peers.engine import Engine, Handler, Running, Starting
from benchmarks.peers.peer_tick import make_peer_ticks, peer_tick_of

PeerTick = peer_tick_of(BaseEvent[None])


@asynccontextmanager
async def _start(handlers: Sequence[Handler]) -> Starting:
    bus = EventBus(name="peers", max_history_drop=True)
    for place, handler in enumerate(handlers):
        handler.__name__ = f"handler_{place}"
        bus.on(PeerTick, handler)
    yield Running(publish=bus.emit, drain=bus.wait_until_idle)
    await bus.destroy(clear=True)


ENGINE = Engine(
    title="abxbus",
    start=_start,
    distribution="abxbus",
    awaits_publish=False,
    burst_events=1_000,
    events_in_flight=100,
    waiting_events=2_000,
    make_events=partial(make_peer_ticks, PeerTick),
    lacks="patterns other than a name or `*`, a queue for each handler, a bound (set to drop what is done from its "
    "history; by default it takes 100 events in all)",
)
