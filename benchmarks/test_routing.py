"""What it costs to find, among many subscriptions, those that an event is for."""

import asyncio
from collections.abc import Callable

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.ticks import make_ticks
from trading.events import BaseEvent, InMemoryEventBus, symbol_filter

SYMBOLS = tuple(f"COIN{number}/USDT" for number in range(1_000))
EVENTS = make_ticks(10_000, symbols=SYMBOLS)


async def subscribe_by_symbol(bus: InMemoryEventBus, symbol: str, handler: Callable[[BaseEvent], None]) -> None:
    await bus.subscribe(f"events.tick.binance.{symbol}", handler)


async def subscribe_by_wildcard(bus: InMemoryEventBus, symbol: str, handler: Callable[[BaseEvent], None]) -> None:
    await bus.subscribe(f"events.t*k.bin*.{symbol[:-1]}?", handler)


async def subscribe_by_filter(bus: InMemoryEventBus, symbol: str, handler: Callable[[BaseEvent], None]) -> None:
    await bus.subscribe("tick", handler, symbol_filter(symbol))


@pytest.mark.parametrize("subscribe", [subscribe_by_symbol, subscribe_by_wildcard, subscribe_by_filter])
def test_10_000_events_each_for_one_of_1_000_subscriptions(
    benchmark: BenchmarkFixture, runner: asyncio.Runner, subscribe: Callable[..., object]
) -> None:
    heard: list[BaseEvent] = []
    bus = InMemoryEventBus()

    async def set_up() -> None:
        for symbol in SYMBOLS:
            await subscribe(bus, symbol, heard.append)

    async def publish() -> None:
        for event in EVENTS:
            await bus.publish(event)
        await bus.join()

    def run() -> None:
        heard.clear()
        runner.run(publish())

    runner.run(set_up())
    benchmark(run)
    runner.run(bus.aclose())
    assert sorted(event.event_id for event in heard) == sorted(event.event_id for event in EVENTS)


@pytest.mark.parametrize("written", ["native", "lambda"])
def test_10_000_events_past_one_filter(benchmark: BenchmarkFixture, runner: asyncio.Runner, written: str) -> None:
    accept = symbol_filter(SYMBOLS[0]) if written == "native" else lambda event: event.symbol == SYMBOLS[0]
    heard: list[BaseEvent] = []

    async def publish() -> None:
        async with InMemoryEventBus() as bus:
            await bus.subscribe("tick", heard.append, accept)
            for event in EVENTS:
                await bus.publish(event)

    def run() -> None:
        heard.clear()
        runner.run(publish())

    benchmark(run)
    assert len(heard) == len(EVENTS) // len(SYMBOLS)
