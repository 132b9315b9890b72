"""What publishing costs over calling the handlers oneself."""

import inspect
from collections.abc import Sequence
from contextlib import asynccontextmanager
from functools import partial
from importlib.util import find_spec
from typing import Any

from benchmarks.figures.case import Plan
from benchmarks.figures.comparison import MakeHandler, Side, Starting, compare
from benchmarks.ticks import make_warm_ticks, with_own_names
from trading.events import InMemoryEventBus

EVENTS = 50_000
BATCH = 1_000
SUBSCRIPTIONS = 100
IN_FLIGHT = 100


@asynccontextmanager
async def bare(make_handler: MakeHandler, events: Sequence[Any]) -> Starting:
    """`await publish(event)`, which awaits the handler."""
    handler = make_handler()

    async def publish(event: Any) -> None:
        await handler(event)

    async def run() -> None:
        for event in events:
            await publish(event)

    yield run


@asynccontextmanager
async def bare_handlers(make_handler: MakeHandler, events: Sequence[Any]) -> Starting:
    """`await handler(event)` for each of many handlers."""
    handlers = [make_handler() for _ in range(SUBSCRIPTIONS)]

    async def run() -> None:
        for event in events:
            for handler in handlers:
                await handler(event)

    yield run


@asynccontextmanager
async def one_by_one(make_handler: MakeHandler, events: Sequence[Any], **options: Any) -> Starting:
    """`await bus.publish(event)`; the options are the subscription's."""
    async with InMemoryEventBus() as bus:
        await bus.subscribe("tick", make_handler(), **options)

        async def run() -> None:
            for event in events:
                await bus.publish(event)
            await bus.join()

        yield run


@asynccontextmanager
async def in_batches(make_handler: MakeHandler, events: Sequence[Any]) -> Starting:
    """`await bus.publish_batch(thousand)`."""
    batches = [events[start : start + BATCH] for start in range(0, len(events), BATCH)]
    async with InMemoryEventBus() as bus:
        await bus.subscribe("tick", make_handler())

        async def run() -> None:
            for batch in batches:
                await bus.publish_batch(batch)
            await bus.join()

        yield run


@asynccontextmanager
async def to_many(make_handler: MakeHandler, events: Sequence[Any]) -> Starting:
    """Each event to many subscriptions, so many published before all of those are handled."""
    parts = [events[start : start + IN_FLIGHT] for start in range(0, len(events), IN_FLIGHT)]
    async with InMemoryEventBus() as bus:
        for _ in range(SUBSCRIPTIONS):
            await bus.subscribe("tick", make_handler())

        async def run() -> None:
            for part in parts:
                for event in part:
                    await bus.publish(event)
                await bus.join()

        yield run


@asynccontextmanager
async def nautilus(make_handler: MakeHandler, events: Sequence[Any]) -> Starting:
    """NautilusTrader's MessageBus with a topic that is made once."""
    from nautilus_trader.common.component import MessageBus, TestClock
    from nautilus_trader.model.identifiers import TraderId

    bus = MessageBus(TraderId("FIGURES-001"), TestClock())
    bus.subscribe("events.tick.*", make_handler())

    async def run() -> None:
        publish = partial(bus.publish, "events.tick.binance.BTC/USDT")
        for event in events:
            publish(event)

    yield run


def without_nautilus() -> str | None:
    """Says what is missing to compare with NautilusTrader."""
    return None if find_spec("nautilus_trader") else "nautilus_trader is not installed: it needs Python 3.12"


def without_inline() -> str | None:
    """Says what is missing to compare inline delivery."""
    if "delivery" not in inspect.signature(InMemoryEventBus.subscribe).parameters:
        return "this build has no inline delivery"
    return without_nautilus()


async def publish_one_by_one(plan: Plan) -> list[float]:
    events = make_warm_ticks(plan.size(EVENTS))
    return await compare(Side(one_by_one, events), Side(bare, events), plan)


async def publish_with_own_names(plan: Plan) -> list[float]:
    events = with_own_names(make_warm_ticks(plan.size(EVENTS)))
    return await compare(Side(one_by_one, events), Side(bare, events), plan)


async def publish_in_batches(plan: Plan) -> list[float]:
    events = make_warm_ticks(plan.size(EVENTS))
    return await compare(Side(in_batches, events), Side(bare, events), plan)


async def publish_to_many(plan: Plan) -> list[float]:
    events = make_warm_ticks(plan.size(EVENTS // SUBSCRIPTIONS))
    ours = Side(to_many, events, deliveries=SUBSCRIPTIONS)
    return await compare(ours, Side(bare_handlers, events, deliveries=SUBSCRIPTIONS), plan)


async def publish_queued_to_a_function(plan: Plan) -> list[float]:
    events = make_warm_ticks(plan.size(EVENTS))
    return await compare(
        Side(one_by_one, events, async_handlers=False), Side(nautilus, events, async_handlers=False), plan
    )


async def publish_inline_to_a_function(plan: Plan) -> list[float]:
    events = make_warm_ticks(plan.size(EVENTS))
    ours = Side(partial(one_by_one, delivery="inline"), events, async_handlers=False)
    return await compare(ours, Side(nautilus, events, async_handlers=False), plan)
