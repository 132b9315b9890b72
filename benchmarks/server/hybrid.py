"""How fast a hybrid bus delivers locally, beside a bus in memory."""

import asyncio
import time
from collections.abc import Callable
from multiprocessing import get_context
from typing import Any

from benchmarks.ticks import make_ticks
from trading.events import HybridEventBus, InMemoryEventBus

_EVENTS = 200_000
_BATCH = 1_000
_KINDS: dict[str, Callable[[str], Any]] = {
    "memory": lambda _url: InMemoryEventBus(),
    "nothing forwarded": lambda url: HybridEventBus(url, forward=None),
    "everything forwarded": lambda url: HybridEventBus(url, outbox_capacity=_EVENTS),
}


async def _deliver(url: str, kind: str) -> tuple[float, float]:
    """Local deliveries a second, and events a second until the server had all."""
    ticks = make_ticks(_EVENTS)
    seen, all_came = 0, asyncio.Event()

    async def handle(_event: object) -> None:
        nonlocal seen
        seen += 1
        if seen == _EVENTS:
            all_came.set()

    async with _KINDS[kind](url) as bus:
        await bus.subscribe("tick", handle, capacity=_EVENTS)
        begin = time.monotonic()
        for start in range(0, _EVENTS, _BATCH):
            await bus.publish_batch(ticks[start : start + _BATCH])
        await all_came.wait()
        end = time.monotonic()
        if kind != "everything forwarded":
            return _EVENTS / (end - begin), 0.0
        await bus.flush()
        flushed = time.monotonic()
    assert bus.transport_statistics().unsent == 0
    return _EVENTS / (end - begin), _EVENTS / (flushed - begin)


def run(url: str, kind: str, done: Any) -> None:
    """One kind of bus, in this process."""
    done.put(asyncio.run(_deliver(url, kind)))


def rates_of(url: str, kind: str) -> tuple[float, float]:
    """What `_deliver` finds, in a fresh process."""
    context = get_context("spawn")
    done = context.Queue()
    process = context.Process(target=run, args=(url, kind, done))
    process.start()
    local, sent = done.get(timeout=60)
    process.join()
    return local, sent


def everything_forwarded(url: str) -> tuple[float, float]:
    """Local deliveries a second, and those in memory."""
    return rates_of(url, "everything forwarded")[0], rates_of(url, "memory")[0]


def nothing_forwarded(url: str) -> tuple[float, float]:
    """Local deliveries a second, and those in memory."""
    return rates_of(url, "nothing forwarded")[0], rates_of(url, "memory")[0]


def until_sent(url: str) -> tuple[float, float]:
    """Events a second until the server had them all, and until they were delivered here."""
    local, sent = rates_of(url, "everything forwarded")
    return sent, local
