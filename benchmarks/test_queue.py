"""What a queue adds: one event on its own, and each policy for a queue that is full."""

import asyncio

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.ticks import make_ticks
from trading.events import BaseEvent, InMemoryEventBus

EVENTS = make_ticks(1_000)
CAPACITY = 100


def test_1_000_events_each_handled_before_the_next(benchmark: BenchmarkFixture, runner: asyncio.Runner) -> None:
    heard: list[BaseEvent] = []

    async def publish() -> None:
        async with InMemoryEventBus() as bus:
            await bus.subscribe("tick", heard.append)
            for event in EVENTS:
                await bus.publish(event)
                await bus.join()

    def run() -> None:
        heard.clear()
        runner.run(publish())

    benchmark(run)
    assert heard == EVENTS


@pytest.mark.parametrize("overflow", ["block", "drop_oldest", "drop_newest", "conflate"])
def test_1_000_events_into_a_queue_of_100(benchmark: BenchmarkFixture, runner: asyncio.Runner, overflow: str) -> None:
    heard: list[BaseEvent] = []

    async def publish() -> None:
        async with InMemoryEventBus() as bus:
            await bus.subscribe("tick", heard.append, capacity=CAPACITY, overflow=overflow)
            for event in EVENTS:
                await bus.publish(event)

    def run() -> None:
        heard.clear()
        runner.run(publish())

    benchmark(run)
    assert heard[-1] is EVENTS[-1] or overflow == "drop_newest"
    assert len(heard) == len(EVENTS) or overflow != "block"
