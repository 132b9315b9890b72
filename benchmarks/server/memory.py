"""What a consumer takes up whose handler has stopped, while a million events come, over streams."""

import asyncio
from multiprocessing import get_context
from typing import Any

from benchmarks.machine import resident_bytes
from benchmarks.ticks import make_ticks
from trading.events import RedisEventBus

_EVENTS = 1_000_000
_BATCH = 10_000


async def _consume(url: str, ready: Any, published: Any) -> int:
    begun = asyncio.Event()

    async def stop(_event: object) -> None:
        begun.set()
        await asyncio.get_running_loop().create_future()

    bus = RedisEventBus(url, mode="streams", group="g")
    async with bus:
        await bus.subscribe("tick", stop)
        before = resident_bytes()
        ready.set()
        await begun.wait()
        await asyncio.to_thread(published.wait)
        grown = resident_bytes() - before
        await bus.aclose(timeout_s=0)
    return grown


def consume(url: str, ready: Any, published: Any, done: Any) -> None:
    """The consumer's half."""
    done.put(asyncio.run(_consume(url, ready, published)))


async def _publish(url: str) -> None:
    ticks = make_ticks(_BATCH)
    async with RedisEventBus(url, mode="streams") as bus:
        for _ in range(0, _EVENTS, _BATCH):
            await bus.publish_batch(ticks)


def measure(url: str) -> tuple[float, float]:
    """By how many megabytes it grew; it stands against nothing."""
    context = get_context("spawn")
    ready, published, done = context.Event(), context.Event(), context.Queue()
    consumer = context.Process(target=consume, args=(url, ready, published, done))
    consumer.start()
    if not ready.wait(30):
        raise RuntimeError("the consumer did not get ready")
    asyncio.run(_publish(url))
    published.set()
    grown = done.get(timeout=60)
    consumer.join()
    return grown / 1024**2, 0.0
