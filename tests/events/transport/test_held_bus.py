"""A bus over a server holds a local bus: whoever sees one sees the outer bus, and both know of every subscription."""

import asyncio
import gc
import inspect
import logging
from collections.abc import Coroutine
from typing import Any

import pytest

from tests.events.bus.memory_store import MemoryReader, MemoryWriter
from tests.support.doubles import MOMENT, full_queue, tick, ticks, until
from tests.support.loopback import LoopbackServer
from trading.events import (
    BaseEvent,
    BusClosedError,
    IEventBus,
    InMemoryEventBus,
    NoHistoryError,
)
from trading.events.errors import ServerError, StoreError
from trading.events.hybrid_bus import HybridEventBus
from trading.events.redis_bus import RedisEventBus

REMOTE_BUSES: list[type[Any]] = [RedisEventBus, HybridEventBus]


@pytest.fixture(autouse=True)
def loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    for bus_type in REMOTE_BUSES:
        monkeypatch.setattr(f"{bus_type.__module__}.server_of", lambda *_arguments, **_named: LoopbackServer())


@pytest.fixture(params=REMOTE_BUSES)
def bus_type(request: pytest.FixtureRequest) -> type[Any]:
    found: type[Any] = request.param
    return found


def test_it_is_an_event_bus_and_no_bus_in_memory(bus_type: type[Any]) -> None:
    bus = bus_type("loopback://")
    assert isinstance(bus, IEventBus)
    assert not isinstance(bus, InMemoryEventBus)


def test_its_methods_show_the_options_of_a_subscription(bus_type: type[Any]) -> None:
    """Turned red by: `spell_out_options` not being called."""
    for name in ("subscribe", "on"):
        own, local = (inspect.signature(getattr(each, name)) for each in (bus_type, InMemoryEventBus))
        assert list(own.parameters) == list(local.parameters)


def test_a_warning_of_lost_events_names_it(bus_type: type[Any]) -> None:
    """Turned red by: a local bus that shows itself."""

    async def main() -> None:
        await full_queue(bus_type("loopback://", name="feed"), capacity=3)

    def lose() -> None:
        asyncio.run(main())
        gc.collect()

    text = rf"^<{bus_type.__name__} 'feed': open, . events waiting> was never closed"
    with pytest.warns(ResourceWarning, match=text):
        lose()


async def test_it_keeps_no_history(bus_type: type[Any]) -> None:
    async with bus_type("loopback://", name="feed") as bus:
        with pytest.raises(NoHistoryError, match="feed keeps no history"):
            _ = bus.history


async def test_a_subscription_that_ends_is_asked_for_no_more(bus_type: type[Any]) -> None:
    """Turned red by: `ended` not being called."""
    async with bus_type("loopback://") as bus:
        sid = await bus.subscribe("tick", print)
        stream = bus.stream("order_*")
        async with stream:
            assert len(bus._subscriptions.patterns) == 2
        await bus.unsubscribe(sid, drain=True)
        assert not bus._subscriptions.patterns


async def test_a_subscription_whose_store_fails_is_asked_for_no_more(
    bus_type: type[Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Turned red by: a local bus that ends it without telling the bus that holds it."""

    reader = MemoryReader(MemoryWriter(), error=StoreError("no such luck"))
    async with bus_type("loopback://") as bus:
        with caplog.at_level(logging.CRITICAL):
            sid = await bus.subscribe("tick", print, start=MOMENT, store=reader)
            with pytest.raises(StoreError, match="no such luck"):
                await bus.caught_up(sid)
        assert sid not in bus.statistics().subscriptions
        assert not bus._subscriptions.patterns


async def test_a_bus_that_closes_takes_no_subscription(bus_type: type[Any]) -> None:
    """Turned red by: `admit` not being called."""
    refused: list[str] = []
    async with bus_type("loopback://", name="feed") as bus:

        async def subscribe_late(_event: BaseEvent) -> None:
            await until(lambda: bus._lifecycle.is_closing)
            try:
                bus.on("order_*")(print)
            except BusClosedError as wrong:
                refused.append(str(wrong))

        await bus.subscribe("tick", subscribe_late)
        await bus.publish(tick())
    assert refused == ["feed is closed and takes no new subscriptions"]


async def test_a_subscription_that_is_not_confirmed_ends(bus_type: type[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Turned red by: a subscription that is left where the server refuses it."""

    async def refuse() -> None:
        raise ServerError("no such luck")

    async with bus_type("loopback://") as bus:
        bus._transport.is_subscribed = False
        monkeypatch.setattr(bus._lifecycle, "wait_subscribed", refuse)
        with pytest.raises(ServerError, match="no such luck"):
            await bus.subscribe("tick", print)
        assert not bus.statistics().subscriptions
        assert not bus._subscriptions.patterns
        bus._transport.is_subscribed = True


async def test_a_hybrid_bus_publishes_natively() -> None:
    """Turned red by: a method in Python on the way of a local event."""
    async with HybridEventBus("loopback://") as bus:
        for name in ("publish", "publish_nowait", "publish_batch"):
            assert inspect.isbuiltin(getattr(bus, name))


async def test_a_subclass_of_a_hybrid_bus_may_publish_in_its_own_way() -> None:
    """Turned red by: native methods that hide those of a subclass."""
    published: list[BaseEvent] = []
    seen: list[BaseEvent] = []

    class NotingBus(HybridEventBus):
        def publish(self, event: BaseEvent) -> Coroutine[Any, Any, None]:
            published.append(event)
            return super().publish(event)

        def publish_nowait(self, event: BaseEvent) -> None:
            published.append(event)
            super().publish_nowait(event)

    events = ticks(range(3))
    async with NotingBus("loopback://") as bus:
        await bus.subscribe("tick", seen.append)
        await bus.publish(events[0])
        bus.publish_nowait(events[1])
        await bus.publish_batch(events[2:])
        await bus.join()
    assert (published, seen) == (events[:2], events)
