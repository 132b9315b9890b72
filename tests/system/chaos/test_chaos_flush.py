"""Streams: a server that is emptied in full flight is told of, and what is published afterwards is handled."""

import asyncio
from collections.abc import Callable

import pytest
from redis.asyncio import Redis

from tests.support.doubles import Recorder, number_of, tick, until
from tests.support.server.process import Server
from tests.system.chaos.test_chaos_streams import FAULTS, QUICK
from trading.events import ConnectionEvent, RedisEventBus


@pytest.fixture
def hang_limit_s() -> float:
    return 60.0 + 2 * FAULTS


@pytest.mark.parametrize("group", ["g", None])
async def test_an_emptied_server_is_told_of_and_the_rest_is_handled(
    start_server: Callable[..., Server], group: str | None
) -> None:
    """Turned red by: a group that is made anew at the end of its stream; a publisher that does not look."""
    server = start_server()
    recorder, told = Recorder(), list[ConnectionEvent]()
    publisher = RedisEventBus(server.url, mode="streams", name="publisher", **QUICK)
    consumer = RedisEventBus(server.url, mode="streams", name="consumer", group=group, **QUICK)
    async with publisher, consumer, Redis.from_url(server.url) as client:
        await publisher.subscribe(ConnectionEvent, told.append)
        await consumer.subscribe("tick", recorder)
        number = 0
        for _ in range(FAULTS):
            flushed = asyncio.create_task(client.flushall())
            while not flushed.done():
                await publisher.publish(tick(number))
                number += 1
            seen = len(recorder.seen)
            after = [tick(number + step) for step in range(20)]
            await publisher.publish_batch(after)
            number += len(after)
            await until(lambda number=number: recorder.seen[-1:] == [number - 1])
            handled = recorder.seen[seen:]
            assert [known for known in handled if known >= number_of(after[0])] == [number_of(event) for event in after]
        lost = number - len(set(recorder.seen))
        forgotten = [event for event in told if "has forgotten" in (event.reason or "")]
        print(f"{FAULTS} times emptied: {number} published, {lost} lost, {len(forgotten)} notices")
        assert len(recorder.seen) == len(set(recorder.seen))
        assert recorder.seen == sorted(recorder.seen)
        assert len(forgotten) == FAULTS
