"""Rates: each side has a publisher's and a consumer's half, and checks that every event has come."""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from tests.support.server.cluster import Cluster

from benchmarks.ticks import make_ticks
from trading.events import RedisEventBus

_EVENTS: dict[str, int] = {}
_TASKS = 100
_PIPELINE = 1_000
_PAYLOAD = b"x" * 300
"""About as long as an encoded tick."""

Note = Callable[[], None]


class Side:
    """Two halves of what is timed, by name."""

    def __init__(self, name: str, events: int, publish: Any, consume: Any) -> None:
        self.__name__ = name
        self.publish, self.consume = publish, consume
        _EVENTS[name] = events
        _SIDES[name] = self


_SIDES: dict[str, Side] = {}


def publish(name: str, url: str, done: Any) -> None:
    """Runs the publisher's half."""

    async def main() -> None:
        begin = await _SIDES[name].publish(url, _EVENTS[name])
        done.put(("begin", begin))

    asyncio.run(main())


def consume(name: str, url: str, ready: Any, done: Any) -> None:
    """Runs the consumer's half."""

    async def main() -> None:
        await _SIDES[name].consume(url, _EVENTS[name], ready.set)
        done.put(("end", time.monotonic()))

    asyncio.run(main())


def _bus_publisher(mode: str, how: Callable[[Any, list[Any]], Awaitable[None]]) -> Any:
    async def run(url: str, count: int) -> float:
        ticks = make_ticks(count)
        async with RedisEventBus(url, mode=mode) as bus:
            begin = time.monotonic()
            await how(bus, ticks)
            await bus.flush()
        return begin

    return run


def _bus_consumer(**options: Any) -> Any:
    async def run(url: str, count: int, ready: Note) -> None:
        seen, all_came = 0, asyncio.Event()

        async def handle(_event: object) -> None:
            nonlocal seen
            seen += 1
            if seen == count:
                all_came.set()

        async with RedisEventBus(url, **options) as bus:
            await bus.subscribe("tick", handle, capacity=count)
            ready()
            await all_came.wait()
            if options.get("group"):
                await bus.join()
        assert seen == count

    return run


async def _in_batches(bus: Any, ticks: list[Any]) -> None:
    for start in range(0, len(ticks), _PIPELINE):
        await bus.publish_batch(ticks[start : start + _PIPELINE])


async def _from_many_tasks(bus: Any, ticks: list[Any]) -> None:
    async def one(mine: list[Any]) -> None:
        for tick in mine:
            await bus.publish(tick)

    await asyncio.gather(*(one(ticks[task::_TASKS]) for task in range(_TASKS)))


async def _raw_pipelined(url: str, count: int) -> float:
    async with Redis.from_url(url) as client:
        begin = time.monotonic()
        for _ in range(0, count, _PIPELINE):
            pipeline = client.pipeline(transaction=False)
            for _ in range(_PIPELINE):
                pipeline.publish("raw", _PAYLOAD)
            await pipeline.execute()
    return begin


async def _raw_many_tasks(url: str, count: int) -> float:
    async with Redis.from_url(url) as client:

        async def one() -> None:
            for _ in range(count // _TASKS):
                await client.publish("raw", _PAYLOAD)

        begin = time.monotonic()
        await asyncio.gather(*(one() for _ in range(_TASKS)))
    return begin


async def _raw_listen(url: str, count: int, ready: Note) -> None:
    async with Redis.from_url(url) as client, client.pubsub() as channel:
        await channel.psubscribe("ra*")
        await channel.get_message(timeout=5)
        ready()
        seen = 0
        async for message in channel.listen():
            seen += message["type"] == "pmessage"
            if seen == count:
                return


async def _raw_append(url: str, count: int) -> float:
    async with Redis.from_url(url) as client:
        begin = time.monotonic()
        for _ in range(0, count, _PIPELINE):
            pipeline = client.pipeline(transaction=False)
            for _ in range(_PIPELINE):
                pipeline.xadd("raw-stream", {"f": _PAYLOAD})
            await pipeline.execute()
    return begin


async def _raw_read_group(url: str, count: int, ready: Note) -> None:
    async with Redis.from_url(url) as client:
        await client.delete("raw-stream")
        await client.xgroup_create("raw-stream", "g", mkstream=True)
        ready()
        seen = 0
        while seen < count:
            for _, entries in await client.xreadgroup("g", "c", {"raw-stream": ">"}, count=_PIPELINE, block=1000):
                seen += len(entries)
                await client.xack("raw-stream", "g", *(entry for entry, _ in entries))


pubsub_batch = Side("pubsub_batch", 400_000, _bus_publisher("pubsub", _in_batches), _bus_consumer())
raw_pubsub_pipelined = Side("raw_pubsub_pipelined", 200_000, _raw_pipelined, _raw_listen)
pubsub_one_by_one = Side("pubsub_one_by_one", 200_000, _bus_publisher("pubsub", _from_many_tasks), _bus_consumer())
raw_one_by_one = Side("raw_one_by_one", 40_000, _raw_many_tasks, _raw_listen)
streams_batch = Side(
    "streams_batch", 300_000, _bus_publisher("streams", _in_batches), _bus_consumer(mode="streams", group="g")
)
raw_streams = Side("raw_streams", 200_000, _raw_append, _raw_read_group)


def rate_of(side: Side, url: str) -> float:
    """Events a second, from the first publish to the last handler, in two fresh processes."""
    context = get_context("spawn")
    ready, done = context.Event(), context.Queue()
    consumer = context.Process(target=consume, args=(side.__name__, url, ready, done))
    consumer.start()
    if not ready.wait(30):
        raise RuntimeError("the consumer did not get ready")
    publisher = context.Process(target=publish, args=(side.__name__, url, done))
    publisher.start()
    found = dict(done.get(timeout=60) for _ in range(2))
    publisher.join()
    consumer.join()
    return _EVENTS[side.__name__] / float(found["end"] - found["begin"])


def rates_of(ours: Side, theirs: Side) -> Callable[[str], tuple[float, float]]:
    """One after the other, on the same server."""
    return lambda url: (rate_of(ours, url), rate_of(theirs, url))


def rate_in_a_cluster(side: Side) -> Callable[[str], tuple[float, float]]:
    """The same side over a cluster of three beside the one server, and over that."""

    def measure(url: str) -> tuple[float, float]:
        with tempfile.TemporaryDirectory() as folder:
            cluster = Cluster(Path(folder), replicas=0, appendonly="no").start()
            try:
                in_cluster = rate_of(side, cluster.url)
            finally:
                cluster.kill()
        return in_cluster, rate_of(side, url)

    return measure
