"""The buses that are held to the contract, and the loops that it holds on; programs of tests make them too."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from typing import Any
from uuid import uuid4

import uvloop

from tests.support.doubles import FAR_BUSES, Bus
from tests.support.patience import PATIENCE_S
from trading.events import InMemoryEventBus
from trading.events.hybrid_bus import HybridEventBus
from trading.events.redis_bus import RedisEventBus

SERVER_URL = "TRADING_EVENTS_TEST_URL"
"""Where the tests' own server is, for them and the programs that they start."""


def redis_pubsub(**options: Any) -> Bus:
    """A bus on the tests' server that no other test hears."""
    bus = RedisEventBus(os.environ[SERVER_URL], **{"namespace": uuid4().hex} | options)
    FAR_BUSES.add(bus)
    return bus


def redis_streams(**options: Any) -> Bus:
    """The same over streams, each bus for itself."""
    return redis_pubsub(**{"mode": "streams"} | options)


def redis_group(**options: Any) -> Bus:
    """The same as the only member of a group."""
    return redis_streams(**{"group": "contract", "max_attempts": 1} | options)


def hybrid(**options: Any) -> Bus:
    """A bus whose local half alone the contract is about."""
    return HybridEventBus(os.environ[SERVER_URL], **{"namespace": uuid4().hex} | options)


def make_packing_bus(**options: Any) -> Bus:
    """A bus whose queues pack every event but the first that waits."""
    bus = InMemoryEventBus(**options)
    bus._pack_beyond(1)
    return bus


BUS_TYPES: dict[str, Callable[..., Bus]] = {
    "memory": InMemoryEventBus,
    "packing": make_packing_bus,
    "redis-pubsub": redis_pubsub,
    "redis-streams": redis_streams,
    "redis-group": redis_group,
    "hybrid": hybrid,
}
"""Every kind of bus; a new one is held to the contract by a line here."""

MakeLoop = Callable[[], asyncio.AbstractEventLoop]


def _patient(make: MakeLoop) -> MakeLoop:
    """Loops that in debug mode report no slow step: how long one takes says how busy the machine is."""

    def make_loop() -> asyncio.AbstractEventLoop:
        loop = make()
        loop.slow_callback_duration = PATIENCE_S
        return loop

    return make_loop


LOOPS: dict[str, MakeLoop] = {
    "asyncio": _patient(asyncio.new_event_loop),
    "uvloop": _patient(uvloop.new_event_loop),
}
"""Every kind of event loop that the contract holds on."""


def run_in(loop_kind: str, main: Coroutine[Any, Any, object]) -> None:
    """`asyncio.run` on a kind of loop."""
    with asyncio.Runner(loop_factory=LOOPS[loop_kind]) as runner:
        runner.run(main)
