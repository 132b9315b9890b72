"""HybridEventBus, beyond the contract: what is sent and received, echoes, and a server that is away."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.support.doubles import Recorder, order, tick, ticks, until
from tests.support.server.process import Server
from trading.events import BaseEvent, HybridEventBus, RedisEventBus
from trading.events.transport.outbox import Outbox

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


async def test_a_closed_bus_counts_every_event_that_it_could_not_send(make: Make, tmp_path: Path) -> None:
    """Turned red by: not counting what closing has given up in the outbox's queue."""
    server = Server(tmp_path / "server").start()
    bus = await make(url=server.url, forward="tick")
    server.kill()
    await bus.publish_batch(ticks(range(5_000)))
    await bus.aclose(timeout_s=0.01)
    assert bus.transport_statistics().unsent == 5_000


@pytest.mark.parametrize("mode", ["pubsub", "streams"])
@pytest.mark.parametrize("options", [{}, {"outbox_capacity": 10, "outbox_overflow": "block"}])
async def test_many_events_come_whole_and_in_order(make: Make, mode: str, options: dict[str, Any]) -> None:
    """Turned red by: taking along what waits behind an event before the event, and by waking no publisher for it."""
    sender, hearer = await make(mode=mode, **options), await make(mode=mode)
    recorders = Recorder(), Recorder()
    await sender.subscribe("tick", recorders[0])
    await hearer.subscribe("tick", recorders[1])
    await sender.publish_batch(ticks(range(5_000)))
    await until(lambda: len(recorders[1].seen) >= 5_000)
    assert [recorder.seen for recorder in recorders] == [list(range(5_000))] * 2


async def test_what_others_publish_does_not_pass_the_outbox(make: Make) -> None:
    """Turned red by: publishing what was received to all subscriptions."""
    first, second = await make(), await make(RedisEventBus)
    recorder = Recorder()
    await first.subscribe("tick", recorder)
    await second.publish_batch(ticks(range(50)))
    await until(lambda: len(recorder.seen) == 50)
    assert first._outbox.collected + first.transport_statistics().unsent == 0


async def test_sending_takes_a_frame_at_a_time_while_it_gives_way() -> None:
    """Turned red by: always taking the whole batch."""
    outbox, waiting = Outbox(), ticks(range(1_000))

    def draw(most: int) -> list[BaseEvent]:
        taken, waiting[:] = waiting[:most], waiting[most:]
        return taken

    is_busy = True
    outbox.draw_from(draw, lambda: is_busy)
    outbox.collect(waiting.pop(0))
    assert (outbox.collected, len(waiting)) == (1_000, 0)
    assert [len(outbox.take()) for _ in range(2)] == [256, 256]
    is_busy = False
    assert len(outbox.take()) == 488


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
