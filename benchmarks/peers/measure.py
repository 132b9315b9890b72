"""Checks one engine, then times it, alone in this process; prints the samples as JSON."""

import argparse
import asyncio
import gc
import importlib
import json
import threading
from collections.abc import Callable, Sequence
from importlib.metadata import version
from statistics import quantiles
from time import perf_counter_ns
from typing import Any

from benchmarks.machine import forget_peak, peak_resident_bytes, resident_bytes
from benchmarks.peers.engine import Engine, Handler, Running

HANDLER_COUNTS = (1, 10)
MADE_AT_ONCE = 1_000
CHECKED_EVENTS = 300
SPACED_EVENTS = 2_000


class WrongResultError(Exception):
    """A handler has not heard exactly what was published, in order."""


def make_handler(act: Callable[[Any], object], *, is_async: bool) -> Handler:
    """A handler of the kind that an engine takes, as short as can be."""

    def handle(event: Any) -> None:
        act(event)

    async def handle_async(event: Any) -> None:
        act(event)

    return handle_async if is_async else handle


async def publish_all(engine: Engine, running: Running, events: Sequence[Any]) -> None:
    """Publishes one by one, as fast as the engine takes them, and waits until all are handled."""
    publish = running.publish
    if engine.awaits_publish:
        for event in events:
            await publish(event)
    else:
        step = engine.events_in_flight
        for start in range(0, len(events), step):
            for event in events[start : start + step]:
                publish(event)
            await running.drain()
    await running.drain()


async def time_burst(engine: Engine, *, handlers: int, count: int) -> float:
    """Nanoseconds an event, from the first publish until the last event is handled.

    Raises:
        WrongResultError: An event was lost, doubled or out of order.
    """
    events = engine.make_events(count)
    heard: list[list[Any]] = [[] for _ in range(handlers)]
    async with engine.start([make_handler(each.append, is_async=engine.async_handlers) for each in heard]) as running:
        gc.collect()
        gc.freeze()
        start_ns = perf_counter_ns()
        await publish_all(engine, running, events)
        elapsed_ns = perf_counter_ns() - start_ns
        gc.unfreeze()
    published = [event.event_id for event in events]
    if any([event.event_id for event in each] != published for each in heard):
        raise WrongResultError(f"{engine.title}: published {count}, heard {[len(each) for each in heard]}")
    return elapsed_ns / count


async def time_spaced(engine: Engine, *, count: int) -> list[float]:
    """Percentiles 1 to 99 of the nanoseconds from before publish to the handler.

    Each event is handled before the next is published, so that none waits behind another.
    """
    starts_ns: list[int] = []
    ends_ns: list[int] = []
    handler = make_handler(lambda _: ends_ns.append(perf_counter_ns()), is_async=engine.async_handlers)
    async with engine.start([handler]) as running:
        for event in engine.make_events(count):
            starts_ns.append(perf_counter_ns())
            answer = running.publish(event)
            if engine.awaits_publish:
                await answer
            await running.drain()
    return quantiles([end - start for start, end in zip(starts_ns, ends_ns, strict=True)], n=100)


async def measure_waiting(engine: Engine, *, count: int) -> float:
    """By how many bytes an event the process grows at the most, while events wait that nobody else holds.

    Raises:
        WrongResultError: Not all of them were handled in the end.
    """
    heard = 0
    opened, opened_to_threads = asyncio.Event(), threading.Event()

    async def wait_and_count(_: Any) -> None:
        nonlocal heard
        await opened.wait()
        heard += 1

    def block_and_count(_: Any) -> None:
        nonlocal heard
        opened_to_threads.wait()
        heard += 1

    engine.make_events(MADE_AT_ONCE)
    async with engine.start([wait_and_count if engine.async_handlers else block_and_count]) as running:
        gc.collect()
        forget_peak()
        before = resident_bytes()
        for _ in range(0, count, MADE_AT_ONCE):
            for event in engine.make_events(MADE_AT_ONCE):
                answer = running.publish(event)
                if engine.awaits_publish:
                    await answer
            await asyncio.sleep(0)
        grown = peak_resident_bytes() - before
        opened.set()
        opened_to_threads.set()
        await running.drain()
    if heard != count:
        raise WrongResultError(f"{engine.title}: {count} events waited, {heard} were handled")
    return grown / count


def measure(engine: Engine, *, rounds: int, scale: float) -> dict[str, Any]:
    """Checks with a few events, then takes the samples of both kinds."""
    calls = max(100, int(engine.burst_events * scale))
    bursts: dict[int, list[float]] = {}
    for handlers in HANDLER_COUNTS:
        count = calls // handlers
        asyncio.run(time_burst(engine, handlers=handlers, count=min(count, CHECKED_EVENTS)))
        bursts[handlers] = [asyncio.run(time_burst(engine, handlers=handlers, count=count)) for _ in range(rounds)]
    spaced = asyncio.run(time_spaced(engine, count=min(calls, SPACED_EVENTS)))
    return {"handler_calls": calls, "burst_ns": bursts, "spaced_percentiles_ns": spaced}


def main() -> None:
    """Measures the engine that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engine", help="a module of benchmarks.peers")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="the part of the usual number of events")
    parser.add_argument("--memory", action="store_true", help="measure what waiting events take, and no time")
    arguments = parser.parse_args()
    engine: Engine = importlib.import_module(f"benchmarks.peers.{arguments.engine}").ENGINE
    if arguments.memory:
        count = int(engine.waiting_events * arguments.scale) // MADE_AT_ONCE * MADE_AT_ONCE
        print(json.dumps({"waiting_bytes": asyncio.run(measure_waiting(engine, count=count)) if count else None}))
        return
    samples = measure(engine, rounds=arguments.rounds, scale=arguments.scale)
    distribution = engine.distribution and version(engine.distribution)
    print(json.dumps({"title": engine.title, "version": distribution, "lacks": engine.lacks} | samples))


if __name__ == "__main__":
    main()
