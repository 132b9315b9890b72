"""What the number of subscriptions and of symbols costs."""

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from copy import copy
from random import Random
from typing import Any

from benchmarks.figures.case import Plan
from benchmarks.figures.comparison import MakeHandler, Side, Starting, WrongResultError, compare
from benchmarks.machine import resident_bytes
from benchmarks.ticks import make_tick, make_ticks, make_warm_ticks
from trading.events import BaseEvent, InMemoryEventBus, TickEvent, symbol_filter

EVENTS = 50_000
SUBSCRIPTIONS = 100_000
FILTERED_SUBSCRIPTIONS = 10_000
SYMBOLS_SEEN = 1_000_000
SYMBOLS_AT_ONCE = 10_000
SLACK_BYTES = 8_000_000
"""By how much a process's memory may waver."""


def make_symbols(count: int) -> list[str]:
    """Different symbols."""
    return [f"COIN{number}/USDT" for number in range(count)]


def by_pattern(symbols: Sequence[str]) -> Any:
    """One subscription a symbol, each by its pattern."""
    return hearing([(f"events.tick.binance.{symbol}",) for symbol in symbols])


def by_filter(symbols: Sequence[str]) -> Any:
    """One subscription a symbol, each to every tick with a filter."""
    return hearing([("tick", symbol_filter(symbol)) for symbol in symbols])


def hearing(subscriptions: Sequence[tuple[Any, ...]]) -> Any:
    """A bus with these subscriptions, each a pattern and perhaps a filter."""

    @asynccontextmanager
    async def start(make_handler: MakeHandler, events: Sequence[Any]) -> Starting:
        async with InMemoryEventBus() as bus:
            for pattern, *condition in subscriptions:
                await bus.subscribe(pattern, make_handler(), *condition)

            async def run() -> None:
                for event in events:
                    await bus.publish(event)
                await bus.join()

            yield run

    return start


async def publish_to_one_of_many(plan: Plan) -> list[float]:
    symbols = make_symbols(plan.size(SUBSCRIPTIONS))
    chosen = symbols[len(symbols) // 2]
    events = make_warm_ticks(plan.size(EVENTS), symbol=chosen)
    return await compare(Side(by_pattern(symbols), events), Side(by_pattern([chosen]), events), plan)


def by_dictionary(symbols: Sequence[str]) -> Any:
    """No bus at all: one handler a symbol, found in a dictionary."""

    @asynccontextmanager
    async def start(make_handler: MakeHandler, events: Sequence[Any]) -> Starting:
        handlers = {("binance", symbol): make_handler() for symbol in symbols}

        async def publish(event: Any) -> None:
            await handlers[event.exchange, event.symbol](event)

        async def run() -> None:
            for event in events:
                await publish(event)

        yield run

    return start


async def publish_over_all_of_many(plan: Plan) -> list[float]:
    return await scatter(by_pattern, plan)


async def look_up_over_all_of_many(plan: Plan) -> list[float]:
    """What `publish_over_all_of_many` would be without a bus."""
    return await scatter(by_dictionary, plan)


async def scatter(ways: Callable[[Sequence[str]], Any], plan: Plan) -> list[float]:
    """Events of all symbols at random, against events of one where there is no other."""
    symbols = make_symbols(plan.size(SUBSCRIPTIONS))
    count = plan.size(EVENTS)
    scattered = make_ticks(count, symbols=tuple(Random(0).choices(symbols, k=count)))
    alone = make_ticks(count, symbols=(symbols[0],))
    return await compare(Side(ways(symbols), scattered), Side(ways(symbols[:1]), alone), plan)


async def publish_past_many_filters(plan: Plan) -> list[float]:
    symbols = make_symbols(plan.size(FILTERED_SUBSCRIPTIONS))
    chosen = symbols[len(symbols) // 2]
    events = make_warm_ticks(plan.size(EVENTS), symbol=chosen)
    return await compare(Side(by_filter(symbols), events), Side(by_filter([chosen]), events), plan)


async def keep_many_symbols(plan: Plan) -> list[float]:
    """Megabytes that the process has grown by after a million symbols, seen once each.

    Raises:
        WrongResultError: Events were lost, or the second half of the symbols made the memory grow on.
    """
    heard = dict.fromkeys(("all", "some"), 0)

    def make_handler(name: str) -> Any:
        async def count(_: BaseEvent) -> None:
            heard[name] += 1

        return count

    step, total = plan.size(SYMBOLS_AT_ONCE), plan.size(SYMBOLS_SEEN)
    async with InMemoryEventBus() as bus:
        await bus.subscribe("tick", make_handler("all"))
        await bus.subscribe("events.tick.binance.SEEN1?", make_handler("some"))
        grown = []
        before = resident_bytes()
        for start in range(0, total, step):
            for event in _with_symbols(f"SEEN{number}" for number in range(start, start + step)):
                await bus.publish(event)
            await bus.join()
            gc.collect(0)
            grown.append(resident_bytes() - before)
    if heard != {"all": total, "some": 10}:
        raise WrongResultError(f"{heard} events were heard of {total}")
    if grown[-1] > grown[len(grown) // 2] * 1.25 + SLACK_BYTES:
        raise WrongResultError(f"routing memory grows with the symbols seen: {grown[:: len(grown) // 10]}")
    return [max(0, grown[-1]) / 1e6]


def _with_symbols(symbols: Iterable[str]) -> Iterator[TickEvent]:
    template = make_tick(0)
    for symbol in symbols:
        event = copy(template)
        event.__dict__["symbol"] = symbol  # past the checks, which would take most of the time
        yield event
