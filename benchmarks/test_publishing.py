"""What an event costs from publish to handled, by how it is published and who listens."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.ticks import make_ticks
from trading.events import BaseEvent, InMemoryEventBus

EVENTS = make_ticks(10_000)
Publish = Callable[[InMemoryEventBus, Sequence[BaseEvent]], Awaitable[None]]


async def one_by_one(bus: InMemoryEventBus, events: Sequence[BaseEvent]) -> None:
    for event in events:
        await bus.publish(event)


async def without_waiting(bus: InMemoryEventBus, events: Sequence[BaseEvent]) -> None:
    for event in events:
        bus.publish_nowait(event)


async def in_batches(bus: InMemoryEventBus, events: Sequence[BaseEvent]) -> None:
    for start in range(0, len(events), 100):
        await bus.publish_batch(events[start : start + 100])


async def publish_to(handlers: Sequence[Callable[[Any], Any]], publish: Publish) -> None:
    async with InMemoryEventBus() as bus:
        for handler in handlers:
            await bus.subscribe("tick", handler)
        await publish(bus, EVENTS)
        await bus.join()


@pytest.mark.parametrize("publish", [one_by_one, without_waiting, in_batches], ids=lambda publish: publish.__name__)
def test_10_000_events_to_one_async_handler(
    benchmark: BenchmarkFixture, runner: asyncio.Runner, publish: Publish
) -> None:
    heard: list[BaseEvent] = []

    async def handle(event: BaseEvent) -> None:
        heard.append(event)

    def run() -> None:
        heard.clear()
        runner.run(publish_to([handle], publish))

    benchmark(run)
    assert heard == EVENTS


def test_10_000_events_to_one_plain_function(benchmark: BenchmarkFixture, runner: asyncio.Runner) -> None:
    heard: list[BaseEvent] = []

    def run() -> None:
        heard.clear()
        runner.run(publish_to([heard.append], one_by_one))

    benchmark(run)
    assert heard == EVENTS


def test_10_000_events_to_a_handler_that_suspends(benchmark: BenchmarkFixture, runner: asyncio.Runner) -> None:
    heard: list[BaseEvent] = []

    async def handle(event: BaseEvent) -> None:
        await asyncio.sleep(0)
        heard.append(event)

    def run() -> None:
        heard.clear()
        runner.run(publish_to([handle], one_by_one))

    benchmark(run)
    assert heard == EVENTS


def test_10_000_events_to_100_async_handlers(benchmark: BenchmarkFixture, runner: asyncio.Runner) -> None:
    heard: list[list[BaseEvent]] = [[] for _ in range(100)]

    def make_handler(events: list[BaseEvent]) -> Callable[[BaseEvent], Awaitable[None]]:
        async def handle(event: BaseEvent) -> None:
            events.append(event)

        return handle

    def run() -> None:
        for events in heard:
            events.clear()
        runner.run(publish_to([make_handler(events) for events in heard], one_by_one))

    benchmark(run)
    assert all(events == EVENTS for events in heard)
