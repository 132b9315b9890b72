"""Streams and decorators: other ways to subscribe."""

import asyncio
from typing import Any

import pytest

from tests.support.doubles import Bus, Recorder, dropped, number_of, order, tick, ticks, turns
from tests.support.patience import PATIENCE_S
from trading.events import BaseEvent, OrderEvent, TickEvent
from trading.events.errors import BusClosedError, PatternError


async def test_on_subscribes_a_function_and_returns_it_unchanged(bus: Bus) -> None:
    """Turned red by: returning a wrapper."""
    seen: list[int] = []

    async def handler(event: BaseEvent) -> None:
        seen.append(number_of(event))

    assert bus.on("tick")(handler) is handler
    await bus.publish(tick(1))
    await bus.join()
    assert seen == [1]


async def test_on_takes_a_class_a_filter_and_the_options_of_subscribe(bus: Bus) -> None:
    """Turned red by: passing on the pattern only."""
    seen: list[int] = []

    @bus.on(TickEvent, lambda event: event.symbol == "A", capacity=7, overflow="drop_oldest", name="strategy-a")
    def handler(event: TickEvent) -> None:
        seen.append(number_of(event))

    await bus.publish_batch([tick(1, symbol="A"), tick(2, symbol="B"), order(3)])
    await bus.join()
    assert seen == [1]
    (account,) = bus.statistics().subscriptions.values()
    assert (account.name, account.accepted) == ("strategy-a", 1)


async def test_on_refuses_what_subscribe_refuses(bus: Any) -> None:
    """Turned red by: finding out at the first event."""
    with pytest.raises(PatternError):
        bus.on("tick.binance")(lambda _event: None)
    with pytest.raises(ValueError, match="overflow"):
        bus.on("tick", overflow="explode")(lambda _event: None)


async def test_a_stream_yields_the_events_that_match_it(bus: Bus) -> None:
    """Turned red by: a stream that hears everything."""
    seen: list[int] = []
    async with bus.stream("tick", lambda event: number_of(event) != 2) as stream:
        await bus.publish_batch([tick(1), tick(2), order(3), tick(4)])
        async for event in stream:
            seen.append(number_of(event))
            if number_of(event) == 4:
                break
    assert seen == [1, 4]


async def test_a_stream_takes_a_class(bus: Bus) -> None:
    """Turned red by: taking only patterns."""
    async with bus.stream(OrderEvent) as stream:
        await bus.publish_batch([tick(1), order(2)])
        assert number_of(await anext(stream)) == 2


async def test_a_stream_subscribes_when_its_block_is_entered(bus: Bus) -> None:
    """Turned red by: subscribing at the first event that is asked for."""
    stream = bus.stream("tick")
    await bus.publish(tick(1))
    async with stream:
        await bus.publish(tick(2))
        assert number_of(await anext(stream)) == 2


async def test_a_stream_without_a_block_subscribes_when_it_is_first_asked(bus: Bus) -> None:
    """Turned red by: wanting a block."""
    stream = bus.stream("tick")
    asked = asyncio.ensure_future(anext(stream))
    await turns(2)
    await bus.publish(tick(1))
    assert number_of(await asked) == 1
    await stream.aclose()
    assert dict(bus.statistics().subscriptions) == {}


async def test_leaving_the_block_of_a_stream_unsubscribes(bus: Bus) -> None:
    """Turned red by: leaving the subscription behind."""
    async with bus.stream("tick") as stream:
        assert len(bus.statistics().subscriptions) == 1
        await bus.publish_batch(ticks([1, 2, 3]))
        await anext(stream)
    await bus.publish(tick(4))
    await asyncio.wait_for(bus.join(), PATIENCE_S)
    assert dict(bus.statistics().subscriptions) == {}
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_two_streams_each_get_every_event(bus: Any) -> None:
    """Turned red by: one queue for all streams."""

    async def first_three(stream: Any) -> list[int]:
        return [number_of(await anext(stream)) for _ in range(3)]

    async with bus.stream("tick") as one, bus.stream("tick") as two:
        await bus.publish_batch(ticks([1, 2, 3]))
        assert list(await asyncio.gather(first_three(one), first_three(two))) == [[1, 2, 3], [1, 2, 3]]


async def test_a_stream_ends_when_the_bus_is_closed(bus: Bus) -> None:
    """Turned red by: waiting for an event that can never come."""
    seen: list[int] = []

    async def consume() -> None:
        async with bus.stream("tick") as stream:
            seen.extend([number_of(event) async for event in stream])

    consumer = asyncio.create_task(consume())
    await turns(2)
    await bus.publish_batch(ticks([1, 2, 3]))
    await bus.aclose()
    await asyncio.wait_for(consumer, PATIENCE_S)
    assert seen == [1, 2, 3]


async def test_a_slow_reader_lets_publishers_wait_for_room(bus: Bus) -> None:
    """Turned red by: an unbounded queue between bus and reader."""
    async with bus.stream("tick", capacity=2) as stream:
        publisher = asyncio.create_task(bus.publish_batch(ticks(range(50))))
        await turns(500)
        assert not publisher.done()
        assert [number_of(await anext(stream)) for _ in range(50)] == list(range(50))
        await publisher


async def test_a_slow_reader_may_choose_to_lose_the_oldest(bus: Bus) -> None:
    """Turned red by: ignoring the overflow policy of a stream."""
    async with bus.stream("tick", capacity=2, overflow="drop_oldest", name="slow") as stream:
        for number in range(50):
            await bus.publish(tick(number))
            await turns(1)
        seen: list[int] = []
        async for event in stream:
            seen.append(number_of(event))
            if seen[-1] == 49:
                break
        (account,) = bus.statistics().subscriptions.values()
        assert len(seen) <= 4
        assert dropped(account) == {"drop_oldest": 50 - len(seen)}
        assert account.name == "slow"


async def test_a_cancelled_reader_loses_nothing(bus: Bus) -> None:
    """Turned red by: taking an event from the queue for a reader that has gone."""
    async with bus.stream("tick") as stream:
        reader = asyncio.ensure_future(anext(stream))
        await turns(2)
        await bus.publish(tick(1))
        reader.cancel()
        await asyncio.wait([reader])
        await bus.publish(tick(2))
        seen = [] if reader.cancelled() else [number_of(reader.result())]
        seen.append(number_of(await anext(stream)))
        if seen == [1]:
            seen.append(number_of(await anext(stream)))
        assert seen == [1, 2]


async def test_closing_a_stream_twice_is_fine(bus: Bus) -> None:
    """Turned red by: refusing to close a closed stream."""
    stream = bus.stream("tick")
    await stream.aclose()
    await stream.aclose()


async def test_a_stream_refuses_what_subscribe_refuses(bus: Bus) -> None:
    """Turned red by: ending silently."""
    with pytest.raises(PatternError):
        async with bus.stream("tick.binance"):
            pass
    await bus.aclose()
    with pytest.raises(BusClosedError):
        async with bus.stream("tick"):
            pass


async def test_a_stream_inside_a_handler_does_not_hinder_join(bus: Bus) -> None:
    """Turned red by: counting an idle stream as a running handler."""
    async with bus.stream("tick") as stream:
        recorder = Recorder()
        await bus.subscribe("order_*", recorder)
        await bus.publish(order(1))
        await asyncio.wait_for(bus.join(), PATIENCE_S)
        assert recorder.seen == [1]
        assert stream is not None
