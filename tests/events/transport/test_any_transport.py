"""A bus over a server knows no server: whatever fulfils `Transport` carries its events, without a client library."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.doubles import tick, ticks
from tests.support.loopback import LoopbackServer
from trading.events import TickEvent
from trading.events.base import BaseEvent
from trading.events.hybrid_bus import HybridEventBus
from trading.events.redis_bus import RedisEventBus
from trading.events.transport.base import Server

MakeBus = Callable[..., Any]


@pytest.fixture(params=[RedisEventBus, HybridEventBus])
def make_bus(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> MakeBus:
    def server_of(*_arguments: object, **_named: object) -> Server:
        return LoopbackServer()

    monkeypatch.setattr(f"{request.param.__module__}.server_of", server_of)
    return lambda **options: request.param("loopback://", **options)


async def test_events_come_back_equal_and_in_order(make_bus: MakeBus) -> None:
    """Turned red by: a remote bus that makes its transport itself."""
    events, seen = ticks(range(2000)), list[BaseEvent]()
    async with make_bus() as bus:
        await bus.subscribe("tick", seen.append)
        await bus.publish(events[0])
        await bus.publish_batch(events[1:])
        await bus.join()
        assert seen == events


async def test_flush_returns_when_the_transport_has_what_was_accepted(make_bus: MakeBus) -> None:
    """Turned red by: flush that does not ask the transport."""
    async with make_bus() as bus:
        await bus.publish_batch(ticks(range(500)))
        await bus.flush()
        assert bus._transport.is_idle
        assert bus._transport._sent == 500


async def test_what_handlers_publish_while_it_closes_is_sent_and_heard(make_bus: MakeBus) -> None:
    """Turned red by: closing without following what the bus's own handlers publish."""
    answers: list[str] = []
    async with make_bus() as bus:

        async def answer(event: TickEvent) -> None:
            if event.symbol != "ANSWER":
                await bus.publish(event.model_copy(update={"symbol": "ANSWER"}))

        await bus.subscribe("events.tick.binance", answer)
        await bus.subscribe("events.tick.*.ANSWER", lambda event: answers.append(event.symbol))
        await bus.publish(tick(1))
    assert answers == ["ANSWER"]


MODULES = [
    "redis_bus",
    "hybrid_bus",
    "factory",
    "settings",
    "transport.base",
    "transport.remote_bus",
    "transport.outbox",
]


@pytest.mark.parametrize("module", MODULES)
def test_it_is_imported_without_a_client_library(module: str) -> None:
    """Turned red by: an import of redis anywhere outside transport/redis."""
    program = f"import sys; sys.modules['redis'] = None; import trading.events.{module}"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
