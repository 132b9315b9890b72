"""How fast a hybrid bus delivers locally, beside a bus in memory."""

import asyncio
import statistics
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


async def _deliver(url: str, kind: str) -> tuple[float, float, float]:
    """Local deliveries a second; what part the server had by their end; events a second until it had all."""
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
            return _EVENTS / (end - begin), 0.0, 0.0
        unsent = bus.transport_statistics().unsent
        await bus.flush()
        flushed = time.monotonic()
    assert bus.transport_statistics().unsent == 0
    return _EVENTS / (end - begin), 1 - unsent / _EVENTS, _EVENTS / (flushed - begin)


def run(url: str, kind: str, done: Any) -> None:
    """One kind of bus, in this process."""
    done.put(asyncio.run(_deliver(url, kind)))


def rates_of(url: str, kind: str) -> tuple[float, float, float]:
    """What `_deliver` finds, in a fresh process."""
    context = get_context("spawn")
    done = context.Queue()
    process = context.Process(target=run, args=(url, kind, done))
    process.start()
    local, part, forwarded = done.get(timeout=60)
    process.join()
    return local, part, forwarded


def measure(url: str) -> str:
    """The figure, as a line of text."""
    rounds = [[rates_of(url, kind) for kind in _KINDS] for _ in range(3)]
    memory, nothing, everything = (
        statistics.median(rate for rate, _, _ in column) for column in zip(*rounds, strict=True)
    )
    part, forwarded = (statistics.median(row[-1][place] for row in rounds) for place in (1, 2))
    return (
        f"hybrid: everything forwarded {everything / memory:.2f}, nothing forwarded {nothing / memory:.2f} "
        f"of the {memory:,.0f}/s in memory; {[[round(rate) for rate, _, _ in row] for row in rounds]}; "
        f"{part:.0%} had been sent by then, all at {forwarded:,.0f}/s"
    )
