"""A handler that answers each event with the next one, and ways to publish and to close."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from tests.support.doubles import assert_balanced, number_of, order, tick
from trading.events import BaseEvent
from trading.events.errors import BusClosedError

Publish = Callable[[Any, BaseEvent], Awaitable[object]]


async def publish(bus: Any, event: BaseEvent) -> None:
    await bus.publish(event)


async def publish_nowait(bus: Any, event: BaseEvent) -> None:
    bus.publish_nowait(event)


async def publish_batch(bus: Any, event: BaseEvent) -> None:
    await bus.publish_batch([event])


async def publish_in_a_child(bus: Any, event: BaseEvent) -> None:
    await asyncio.create_task(publish(bus, event))


async def publish_in_a_thread(bus: Any, event: BaseEvent) -> None:
    await asyncio.to_thread(bus.publish_nowait, event)


WAYS: list[Publish] = [publish, publish_nowait, publish_batch, publish_in_a_child, publish_in_a_thread]


class Chain:
    """A handler that answers each event with the next one, up to a last, once it is let go."""

    def __init__(self, bus: Any, last: int, way: Publish = publish) -> None:
        self.bus = bus
        self.last = last
        self.seen: list[int] = []
        self.go_on = asyncio.Event()
        self.has_begun = asyncio.Event()
        self._way = way

    async def __call__(self, event: BaseEvent) -> None:
        self.has_begun.set()
        await self.go_on.wait()
        self.seen.append(number_of(event))
        if number_of(event) < self.last:
            await self._way(self.bus, tick(number_of(event) + 1))
        assert_balanced(self.bus)


async def begun(bus: Any, last: int = 5, way: Publish = publish, **options: Any) -> tuple[Chain, str]:
    """A chain whose first event is in its handler."""
    chain = Chain(bus, last, way)
    sid = await bus.subscribe("tick", chain, **options)
    await bus.publish(tick(0))
    await chain.has_begun.wait()
    return chain, sid


async def closing(bus: Any, **options: Any) -> "asyncio.Task[None]":
    """A task that has begun to close a bus, so that it refuses those outside."""
    task = asyncio.create_task(bus.aclose(**options))
    await asyncio.sleep(0)
    assert refuses(bus)
    return task


def refuses(bus: Any) -> bool:
    try:
        bus.publish_nowait(order(77))
    except BusClosedError:
        return True
    return False
