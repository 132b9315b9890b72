"""What a handler publishes while its own subscription drains is accepted and drained too."""

import asyncio
from typing import Any

from tests.contract.bus.closing.chain import (
    begun,
)
from tests.support.doubles import Bus, Recorder, assert_balanced, dropped, number_of, order, tick, until
from trading.events import BaseEvent


async def test_a_draining_subscription_hears_what_its_own_handler_publishes(bus: Bus) -> None:
    """Turned red by: `hears` forgetting who speaks; `speaker` not adding the subscription."""
    chain, sid = await begun(bus, last=3)
    ended = asyncio.create_task(bus.unsubscribe(sid, drain=True))
    await until(lambda: not is_on_route(bus, sid))
    chain.go_on.set()
    await ended
    assert chain.seen == [0, 1, 2, 3]
    retired = bus.statistics().retired
    assert (retired.accepted, retired.handled, dropped(retired)) == (4, 4, {})


def is_on_route(bus: Any, sid: str) -> bool:
    """Whether a subscription stands that has nothing waiting: one that ends is not listed then."""
    return sid in bus.statistics().subscriptions


async def test_a_draining_subscription_hears_only_what_matches_it(bus: Bus) -> None:
    """Turned red by: `speaker` adding the subscription without asking what it hears."""
    recorder = Recorder()
    chain, sid = await begun(bus, last=3)
    await bus.unsubscribe(sid)
    chain.go_on.set()
    await bus.join()

    async def answer(event: BaseEvent) -> None:
        await go_on.wait()
        recorder.seen.append(number_of(event))
        if number_of(event) == 0:
            await bus.publish_batch([tick(1), tick(2, symbol="ETH/USDT"), tick(3)])

    go_on = asyncio.Event()
    sid = await bus.subscribe("tick", answer, lambda event: event.symbol == "BTC/USDT")
    await bus.publish(tick(0))
    await until(lambda: bus.statistics().subscriptions[sid].queued == 0)
    ended = asyncio.create_task(bus.unsubscribe(sid, drain=True))
    await until(lambda: not is_on_route(bus, sid))
    go_on.set()
    await ended
    assert recorder.seen == [0, 1, 3]


async def test_a_draining_subscription_hears_nothing_that_others_publish(bus: Bus) -> None:
    """Turned red by: `hears` letting all handlers through."""
    chain, sid = await begun(bus, last=0)
    recorder = Recorder()
    await bus.subscribe("tick", recorder)

    async def echo(event: BaseEvent) -> None:
        await bus.publish(tick(number_of(event) + 100))

    await bus.subscribe("order_*", echo)
    ended = asyncio.create_task(bus.unsubscribe(sid, drain=True))
    await until(lambda: not is_on_route(bus, sid))
    await bus.publish(tick(8))
    await bus.publish(order(1))
    await until(lambda: recorder.seen == [8, 101])
    chain.go_on.set()
    await ended
    assert chain.seen == [0]


async def test_a_ring_that_drains_for_ever_ends_by_an_unsubscribe_without_drain(bus: Bus) -> None:
    """Turned red by: an `unsubscribe` that leaves a draining subscription as it is."""
    ring, sid = await begun(bus, last=10**9)
    ended = asyncio.create_task(bus.unsubscribe(sid, drain=True))
    await until(lambda: not is_on_route(bus, sid))
    ring.go_on.set()
    await until(lambda: len(ring.seen) > 3)
    await bus.unsubscribe(sid)
    await ended
    await bus.join()
    assert_balanced(bus)
    assert bus.statistics().waiting == 0
