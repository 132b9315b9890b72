"""bubus: an event bus on Pydantic models that keeps a history and a result for each handler."""

from collections.abc import Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from bubus import BaseEvent, EventBus

from benchmarks.peers.engine import Engine, Handler, Running, Starting
from benchmarks.peers.peer_tick import make_peer_ticks, peer_tick_of

PeerTick = peer_tick_of(BaseEvent[None])


@asynccontextmanager
async def _start(handlers: Sequence[Handler]) -> Starting:
    bus = EventBus(name="peers")
    for place, handler in enumerate(handlers):
        handler.__name__ = f"handler_{place}"
        bus.on(PeerTick, handler)

    async def dispatch(event: Any) -> None:
        await bus.dispatch(event)

    yield Running(publish=dispatch, drain=bus.wait_until_idle)
    await bus.stop(clear=True)


ENGINE = Engine(
    title="bubus",
    start=_start,
    distribution="bubus",
    burst_events=500,
    waiting_events=0,
    make_events=partial(make_peer_ticks, PeerTick),
    lacks="patterns other than a name or `*`, a queue for each handler, waiting for room: beyond 100 pending events "
    "it raises",
)
