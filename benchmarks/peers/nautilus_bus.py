"""NautilusTrader's MessageBus: calls plain functions inside `publish`, by a topic with wildcards."""

from collections.abc import Sequence
from contextlib import asynccontextmanager
from functools import partial

from nautilus_trader.common.component import MessageBus, TestClock
from nautilus_trader.model.identifiers import TraderId

from benchmarks.peers.engine import Engine, Handler, Running, Starting, nothing


@asynccontextmanager
async def _start(handlers: Sequence[Handler]) -> Starting:
    bus = MessageBus(TraderId("PEERS-001"), TestClock())
    for handler in handlers:
        bus.subscribe("events.tick.*", handler)
    yield Running(publish=partial(bus.publish, "events.tick.binance.BTC/USDT"), drain=nothing)


ENGINE = Engine(
    title="NautilusTrader, MessageBus",
    start=_start,
    distribution="nautilus_trader",
    awaits_publish=False,
    async_handlers=False,
    waiting_events=0,
    lacks="queues, async handlers; a function that raises reaches the publisher, and later functions hear nothing",
)
