"""How long an event takes from its publisher to a handler in another process, at 1,000 events a second."""

import asyncio
import time
from multiprocessing import get_context
from typing import Any

from redis.asyncio import Redis

from trading.events import RedisEventBus, TickEvent
from trading.events.base import utc_now

_EVENTS = 5_000
_INTERVAL_S = 0.001
_WARMING = 500
"""So many at the beginning are not counted."""


def _tick() -> TickEvent:
    began, now = str(time.monotonic_ns()), utc_now()
    return TickEvent(
        event_id=began, exchange="binance", symbol="BTC/USDT", raw_symbol="BTCUSDT", exchange_timestamp=now
    )


async def _publish(url: str, kind: str) -> None:
    bus, client = RedisEventBus(url), Redis.from_url(url)
    async with bus, client:
        due = time.monotonic()
        for _ in range(_EVENTS):
            due += _INTERVAL_S
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if kind == "bus":
                await bus.publish(_tick())
            else:
                await client.publish("raw", b"%-300d" % time.monotonic_ns())
        await bus.flush()


async def _consume(url: str, kind: str, ready: Any) -> list[int]:
    taken: list[int] = []
    all_came = asyncio.Event()

    def note(began_ns: int) -> None:
        taken.append(time.monotonic_ns() - began_ns)
        if len(taken) == _EVENTS:
            all_came.set()

    async def handle(event: TickEvent) -> None:
        note(int(event.event_id))

    if kind == "bus":
        async with RedisEventBus(url) as bus:
            await bus.subscribe(TickEvent, handle)
            ready.set()
            await all_came.wait()
        return taken
    async with Redis.from_url(url) as client, client.pubsub() as channel:
        await channel.psubscribe("ra*")
        await channel.get_message(timeout=5)
        ready.set()
        async for message in channel.listen():
            if message["type"] == "pmessage":
                note(int(message["data"]))
            if all_came.is_set():
                break
    return taken


def publish(url: str, kind: str) -> None:
    """The publisher's half."""
    asyncio.run(_publish(url, kind))


def consume(url: str, kind: str, ready: Any, done: Any) -> None:
    """The consumer's half."""
    done.put(asyncio.run(_consume(url, kind, ready)))


def p99_us(url: str, kind: str) -> float:
    """The 99th percentile in microseconds, of `bus` or `raw`."""
    context = get_context("spawn")
    ready, done = context.Event(), context.Queue()
    consumer = context.Process(target=consume, args=(url, kind, ready, done))
    consumer.start()
    if not ready.wait(30):
        raise RuntimeError("the consumer did not get ready")
    publisher = context.Process(target=publish, args=(url, kind))
    publisher.start()
    taken = sorted(done.get(timeout=60)[_WARMING:])
    publisher.join()
    consumer.join()
    return float(taken[len(taken) * 99 // 100]) / 1000


def measure(url: str) -> tuple[float, float]:
    """The 99th percentile of the bus, and that of redis-py."""
    return p99_us(url, "bus"), p99_us(url, "raw")
