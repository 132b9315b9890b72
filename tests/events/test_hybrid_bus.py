"""HybridEventBus, beyond the contract: what is sent and received, echoes, and a server that is away."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.contract.doubles import Recorder, order, tick, ticks, until
from tests.server.process import Server
from trading.events import HybridEventBus, RedisEventBus

Make = Callable[..., Awaitable[Any]]


@pytest.fixture
async def make(server: Server) -> AsyncIterator[Make]:
    """Makes buses that share a namespace, and closes them."""
    namespace, made = uuid4().hex, list[Any]()

    async def make(kind: Any = HybridEventBus, url: str = server.url, **options: Any) -> Any:
        made.append(kind(url, **{"namespace": namespace} | options))
        return await made[-1].__aenter__()

    yield make
    for bus in made:
        await bus.aclose(timeout_s=0)


@pytest.mark.parametrize("mode", ["pubsub", "streams"])
async def test_hybrid_and_redis_buses_hear_each_other_and_no_echoes(make: Make, mode: str) -> None:
    """Turned red by: a receiver that takes the frames of its own bus."""
    first, second, third = await make(mode=mode), await make(mode=mode), await make(RedisEventBus, mode=mode)
    recorders = [Recorder() for _ in range(3)]
    for bus, recorder in zip((first, second, third), recorders, strict=True):
        await bus.subscribe("tick", recorder)
    await first.publish_batch(ticks(range(50)))
    await third.publish_batch(ticks(range(50, 100)))
    await until(lambda: all(len(recorder.seen) >= 100 for recorder in recorders))
    for bus in (first, second, third):
        await bus.join()
    assert [sorted(recorder.seen) for recorder in recorders] == [list(range(100))] * 3


async def test_only_what_was_asked_for_is_sent_and_received(make: Make) -> None:
    """Turned red by: sending everything, or receiving everything."""
    sender, hearer = await make(forward="order_*"), await make(receive="events.*.*.BTC/USDT")
    heard = Recorder()
    await hearer.subscribe("*", heard)
    await sender.publish_batch([tick(1), order(2), order(3, symbol="ETH/USDT"), order(4)])
    await sender.join()
    await until(lambda: 4 in heard.seen)
    assert heard.seen == [2, 4]


async def test_local_delivery_does_not_wait_for_a_server_that_is_away(make: Make, tmp_path: Path) -> None:
    """Turned red by: an outbox that blocks by default."""
    server = Server(tmp_path / "server").start()
    bus = await make(url=server.url, outbox_capacity=10)
    recorder = Recorder()
    await bus.subscribe("tick", recorder)
    server.kill()
    await bus.publish_batch(ticks(range(5_000)))
    await until(lambda: len(recorder.seen) == 5_000)
    assert recorder.seen == list(range(5_000))
    await bus.aclose(timeout_s=0.01)
    assert bus.transport_statistics().unsent > 0


async def test_what_was_published_before_closing_is_sent(make: Make) -> None:
    """Turned red by: closing the connections before the outbox is empty."""
    other = await make(RedisEventBus)
    recorder = Recorder()
    await other.subscribe("tick", recorder)
    bus = await make()
    await bus.publish_batch(ticks(range(2_000)))
    await bus.aclose()
    await until(lambda: len(recorder.seen) == 2_000)
    assert bus.transport_statistics().unsent == 0


async def test_flush_returns_when_the_server_has_what_was_published(make: Make) -> None:
    """Turned red by: waiting for handlers too."""
    bus = await make()
    gate = asyncio.Event()

    async def stuck(_event: object) -> None:
        await gate.wait()

    await bus.subscribe("tick", stuck)
    await bus.publish_batch(ticks(range(10)))
    await bus.flush()
    assert bus.transport_statistics().unsent == 0
    gate.set()
