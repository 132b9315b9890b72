"""Re-entrancy: a handler may subscribe and unsubscribe, itself included; what could never end raises."""

import asyncio
from typing import Any

import pytest

from tests.support.doubles import Bus, Recorder, number_of, tick, ticks
from trading.events import BaseEvent
from trading.events.errors import ReentrancyError


async def test_a_handler_may_subscribe(bus: Bus) -> None:
    """Turned red by: holding the lock while a handler runs."""
    late = Recorder()

    async def handler(event: BaseEvent) -> None:
        if number_of(event) == 0:
            await bus.subscribe("tick", late)

    await bus.subscribe("tick", handler)
    await bus.publish(tick(0))
    await bus.join()
    await bus.publish(tick(1))
    await bus.join()
    assert late.seen == [1]


async def test_a_handler_may_unsubscribe_itself_and_is_not_called_again(bus: Bus) -> None:
    """Turned red by: waiting in `unsubscribe` for the running handler."""
    seen: list[int] = []
    sids: list[str] = []

    async def once(event: BaseEvent) -> None:
        seen.append(number_of(event))
        await bus.unsubscribe(sids[0])

    sids.append(await bus.subscribe("tick", once))
    await bus.publish_batch(ticks([1, 2, 3]))
    await bus.join()
    await bus.publish(tick(4))
    await bus.join()
    assert seen == [1]
    retired = bus.statistics().retired
    assert (retired.accepted, retired.handled, retired.dropped["unsubscribed"]) == (3, 1, 2)


async def test_a_handler_may_unsubscribe_itself_twice(bus: Bus) -> None:
    """Turned red by: `_unsubscribe` refusing an id whose subscription is ending or has ended."""
    sids: list[str] = []

    async def once(_event: BaseEvent) -> None:
        await bus.unsubscribe(sids[0])
        await asyncio.sleep(0)
        await bus.unsubscribe(sids[0])

    sids.append(await bus.subscribe("tick", once))
    await bus.publish_batch(ticks([1, 2]))
    await bus.join()
    await bus.unsubscribe(sids[0])
    retired = bus.statistics().retired
    assert (retired.accepted, retired.handled, retired.failed, retired.dropped["unsubscribed"]) == (2, 1, 0, 1)


@pytest.mark.parametrize("own_place", [0, 2])
async def test_a_handler_may_unsubscribe_others(bus: Bus, own_place: int) -> None:
    """Turned red by: handling what still waits in the queue of a subscription that has ended."""
    recorders = [Recorder(), Recorder()]
    sids: list[str] = []
    at_the_purge: list[list[int]] = []

    async def purge(_event: BaseEvent) -> None:
        for sid in sids:
            await bus.unsubscribe(sid)
        at_the_purge.extend(list(recorder.seen) for recorder in recorders)

    handlers: list[Any] = list(recorders)
    handlers.insert(own_place, purge)
    for handler in handlers:
        sid = await bus.subscribe("tick", handler)
        if handler is not purge:
            sids.append(sid)
    await bus.publish(tick(0))
    await bus.join()
    await bus.publish(tick(1))
    await bus.join()
    assert [recorder.seen for recorder in recorders] == at_the_purge[:2]


@pytest.mark.parametrize("name", ["join", "aclose"])
@pytest.mark.parametrize("way", [lambda call: call, asyncio.gather], ids=["directly", "in a child"])
async def test_join_and_aclose_inside_a_handler_raise(bus: Bus, name: str, way: Any) -> None:
    """Turned red by: `_check_outside` letting everybody pass."""
    caught: list[BaseException] = []

    async def wait_for_oneself() -> None:
        await getattr(bus, name)()

    async def handler(_event: BaseEvent) -> None:
        try:
            await way(wait_for_oneself())
        except ReentrancyError as error:
            caught.append(error)

    recorder = Recorder()
    await bus.subscribe("tick", handler)
    await bus.subscribe("tick", recorder)
    await bus.publish(tick(1))
    await bus.join()
    assert [type(error) for error in caught] == [ReentrancyError]
    await bus.publish(tick(2))
    await bus.join()
    assert recorder.seen == [1, 2]


async def test_a_draining_unsubscribe_of_oneself_raises(bus: Bus) -> None:
    """Turned red by: waiting for the handler itself."""
    sids: list[str] = []
    caught: list[BaseException] = []

    async def handler(_event: BaseEvent) -> None:
        try:
            await bus.unsubscribe(sids[0], drain=True)
        except ReentrancyError as error:
            caught.append(error)

    sids.append(await bus.subscribe("tick", handler))
    await bus.publish(tick(1))
    await bus.join()
    assert len(caught) == 1


async def test_a_handler_may_ask_for_statistics(bus: Bus) -> None:
    """Turned red by: holding the lock while a handler runs."""
    asked: list[Any] = []
    sid = await bus.subscribe("tick", lambda _event: asked.append(bus.statistics()))
    await bus.publish(tick(1))
    await bus.join()
    account = asked[0].subscriptions[sid]
    assert (account.waiting, account.queued, account.handled) == (1, 0, 0)
