"""bubus: an event bus on Pydantic models that keeps a history and a result for each handler."""

from collections.abc import Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any

from bubus import BaseEvent, EventBus

from benchmarks.peers.engine import Engine, Handler, Running, Starting
from benchmarks.ticks import make_ticks


class PeerTick(BaseEvent[None]):
    """A tick with the fields of ours; bubus dispatches its own models only."""

    exchange: str
    symbol: str
    raw_symbol: str
    bid: Decimal | None
    ask: Decimal | None
    last: Decimal | None
    volume: Decimal | None
    exchange_timestamp: datetime
    local_timestamp: datetime


def _make_events(count: int) -> list[PeerTick]:
    fields = set(PeerTick.model_fields) - set(BaseEvent.model_fields)
    return [PeerTick.model_validate(tick.model_dump(include=fields)) for tick in make_ticks(count)]


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


ENGINE = Engine(title="bubus", start=_start, distribution="bubus", burst_events=500, make_events=_make_events)
