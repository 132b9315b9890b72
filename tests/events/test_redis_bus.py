"""RedisEventBus, as its users see it: who hears what in either mode, and what becomes of events when somebody dies."""

import asyncio
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from tests.events.conftest import MakeBus
from tests.events.transport.streams import Witness, stream
from tests.support.doubles import Gate, Recorder, number_of, tick, ticks, until
from tests.support.server.process import Server
from trading.events import BaseEvent, ConnectionEvent, MarketDataEvent, QueueFullError, RedisEventBus
from trading.events.errors import ServerError


async def test_what_one_bus_publishes_all_buses_of_the_namespace_hear(make_bus: MakeBus) -> None:
    """Turned red by: leaving the namespace out of the channel on one side."""
    first, second, stranger = await make_bus(), await make_bus(), await make_bus(namespace=uuid4().hex)
    heard, own, strange = Recorder(), Recorder(), Recorder()
    await second.subscribe("tick", heard)
    await first.subscribe("tick", own)
    await stranger.subscribe("*", strange)
    await first.publish_batch(ticks(range(100)))
    await first.join()
    await until(lambda: len(heard.seen) == 100)
    assert heard.seen == own.seen == list(range(100))
    assert strange.seen == []


async def test_a_class_hears_subclasses_that_are_defined_later(make_bus: MakeBus) -> None:
    """Turned red by: asking for new event classes only when subscribing."""
    bus = await make_bus()
    heard: list[BaseEvent] = []
    await bus.subscribe(MarketDataEvent, heard.append)

    class LateEvent(MarketDataEvent):
        event_type: Literal["late_redis"] = "late_redis"

    await bus.publish(LateEvent(exchange="binance", symbol="BTC/USDT"))
    await bus.join()
    assert [event.event_type for event in heard] == ["late_redis"]


async def test_a_restarted_server_is_found_again_and_what_waited_is_sent(make_bus: MakeBus, own_server: Server) -> None:
    """Turned red by: a link that ends with its first connection."""
    bus = await make_bus(own_server.url)
    recorder, told = Recorder(), list[ConnectionEvent]()
    await bus.subscribe("tick", recorder)
    await bus.subscribe(ConnectionEvent, told.append)
    await bus.publish(tick(1))
    await bus.join()
    own_server.kill()
    await until(lambda: len({event.metadata["role"] for event in told if event.status == "disconnected"}) == 2)
    await bus.publish_batch(ticks([2, 3]))
    own_server.start()
    await until(lambda: len([event for event in told if event.status == "connected"]) == 2)
    await bus.publish(tick(4))
    await bus.join()
    assert recorder.seen[-1] == 4
    assert len(recorder.seen) + bus.transport_statistics().missed == 4
    assert bus.transport_statistics().unsent == 0


async def test_a_full_outbox_does_what_it_was_told_to(make_bus: MakeBus, own_server: Server) -> None:
    """Turned red by: an outbox without a bound."""
    blocking = await make_bus(own_server.url, outbox_capacity=10)
    refusing = await make_bus(own_server.url, outbox_capacity=10, outbox_overflow="raise")
    own_server.kill()
    with pytest.raises(QueueFullError):
        await refusing.publish_batch(ticks(range(10_000)))
    publishing = asyncio.create_task(blocking.publish_batch(ticks(range(10_000))))
    await until(lambda: blocking.statistics().publishers_waiting)
    assert blocking.statistics().published < 5_000
    own_server.start()
    await publishing
    assert blocking.statistics().published == 10_000


async def test_aclose_says_what_it_could_not_deliver(
    make_bus: MakeBus, own_server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """Turned red by: counting only what waits in the queue before the outbox."""
    bus = await make_bus(own_server.url)
    own_server.kill()
    await bus.publish_batch(ticks(range(5)))
    await bus.aclose(timeout_s=0.05)
    assert bus.transport_statistics().unsent == 5
    assert "5 events were not delivered" in caplog.text


async def test_the_first_connection_must_come_about() -> None:
    """Turned red by: waiting for a server for ever."""
    bus = RedisEventBus("redis://127.0.0.1:1", connect_timeout_s=0.2)
    with pytest.raises(ServerError, match=r"127\.0\.0\.1:1"):
        async with bus:
            pass
    await bus.aclose(timeout_s=0)


async def test_a_password_is_never_shown(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Turned red by: telling of the URL as it was given."""
    server = Server(tmp_path / "server", requirepass="s3cret").start()
    told: list[ConnectionEvent] = []
    with caplog.at_level(logging.DEBUG):
        async with RedisEventBus(f"redis://:s3cret@127.0.0.1:{server.port}") as bus:
            await bus.subscribe(ConnectionEvent, told.append)
            server.kill()
            await until(lambda: told)
            shown = [repr(bus), str(told), caplog.text, repr(bus.transport_statistics())]
            server.start()
        with pytest.raises(ServerError) as caught:
            async with RedisEventBus(f"redis://:wr0ng@127.0.0.1:{server.port}") as bus:
                pass
        await bus.aclose(timeout_s=0)
    server.kill()
    with pytest.raises(ValueError, match="cannot be read") as unreadable:
        RedisEventBus("redis://:s3c/ret@127.0.0.1:x")
    shown += [str(caught.value), repr(caught.value.__cause__), str(unreadable.value), caplog.text]
    assert not any(secret in text for secret in ("s3cret", "wr0ng", "s3c") for text in shown)


async def test_a_slow_subscriber_delays_no_other(make_bus: MakeBus) -> None:
    """Turned red by: a reader that waits for a handler."""
    bus = await make_bus()
    gate, recorder, gaps = Gate(), Recorder(), list[Any]()
    sid = await bus.subscribe("tick", gate, capacity=10, on_gap=gaps.append)
    await bus.subscribe("tick", recorder)
    await bus.publish(tick(0))
    await gate.has_started(1)
    await bus.publish_batch(ticks(range(1, 1000)))
    await until(lambda: len(recorder.seen) == 1000)
    assert dict(bus.statistics().subscriptions[sid].dropped)["drop_newest"] == 989
    gate.open()
    await bus.join()
    assert [gap.count for gap in gaps] == [989]


async def test_a_plain_installation_does_without_redis() -> None:
    """Turned red by: importing redis outside transport/redis, or an ImportError that does not say what to install."""
    source = """
import sys
sys.modules["redis"] = None
import trading.events
try:
    trading.events.RedisEventBus("redis://localhost")
except ImportError as error:
    print(error)
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", source, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    assert b"trading-events[redis]" in output


async def test_publish_returns_when_the_server_has_the_event(
    make_stream_bus: MakeBus, server: Server, namespace: str
) -> None:
    """Turned red by: returning when the event stands in the outbox."""
    bus = await make_stream_bus()
    async with Redis.from_url(server.url) as client:
        for count in range(1, 4):
            await bus.publish(tick(count))
            assert await client.xlen(stream(namespace)) == count


@pytest.mark.parametrize("shards", [1, 4])
async def test_a_group_shares_its_events_and_a_bus_without_one_hears_all(make_stream_bus: MakeBus, shards: int) -> None:
    """Turned red by: a group for each bus."""
    members = [await make_stream_bus(group="g", shards=shards) for _ in range(2)]
    alone, publisher = await make_stream_bus(shards=shards), await make_stream_bus(shards=shards)
    recorders = [Recorder() for _ in members]
    for member, recorder in zip(members, recorders, strict=True):
        await member.subscribe("tick", recorder)
    all_of_them = Recorder()
    await alone.subscribe("tick", all_of_them)
    for number in range(200):
        await publisher.publish(tick(number, symbol=f"S{number % 5}"))
    await until(lambda: sum(len(recorder.seen) for recorder in recorders) == len(all_of_them.seen) == 200)
    assert sorted(recorders[0].seen + recorders[1].seen) == sorted(all_of_them.seen) == list(range(200))


async def test_a_group_goes_on_where_it_stopped(make_stream_bus: MakeBus) -> None:
    """Turned red by: acknowledging before the handlers have ended, or never."""
    publisher = await make_stream_bus()
    first, second = Recorder(), Recorder()
    bus = await make_stream_bus(group="g")
    await bus.subscribe("tick", first)
    await publisher.publish_batch(ticks(range(5)))
    await until(lambda: len(first.seen) == 5)
    await bus.aclose()
    await publisher.publish_batch(ticks(range(5, 10)))
    bus = await make_stream_bus(group="g")
    await bus.subscribe("tick", second)
    await until(lambda: len(second.seen) == 5)
    await bus.join()
    assert first.seen + second.seen == list(range(10))


async def test_what_a_consumer_had_not_acknowledged_it_gets_first_and_flagged(
    make_stream_bus: MakeBus, server: Server
) -> None:
    """Turned red by: reading what is new first."""
    publisher = await make_stream_bus()
    gate, witness = Gate(), Witness()
    bus = await make_stream_bus(group="g", consumer="a", name="mortal")
    await bus.subscribe("tick", gate)
    await publisher.publish(tick(0))
    await gate.has_started(1)
    await bus.aclose(timeout_s=0)
    async with Redis.from_url(server.url) as client:
        while "mortal" in {connection["name"] for connection in await client.client_list()}:
            pass  # a server that has not noticed yet gives the next event to the dead
    await publisher.publish(tick(1))
    bus = await make_stream_bus(group="g", consumer="a")
    await bus.subscribe("tick", witness)
    await until(lambda: len(witness.seen) == 2)
    assert witness.seen == [(0, True), (1, False)]


async def test_what_a_dead_consumer_left_is_taken_over_and_flagged(make_stream_bus: MakeBus) -> None:
    """Turned red by: a keeper that claims nothing."""
    publisher = await make_stream_bus()
    gate, witness = Gate(), Witness()
    dead = await make_stream_bus(group="g")
    await dead.subscribe("tick", gate)
    await publisher.publish(tick(0))
    await gate.has_started(1)
    await dead.aclose(timeout_s=0)
    bus = await make_stream_bus(group="g", claim_idle_s=0.05)
    await bus.subscribe("tick", witness)
    await until(lambda: witness.seen)
    assert witness.seen == [(0, True)]


async def test_a_handler_that_keeps_failing_sends_its_event_to_the_dead_letters(
    make_stream_bus: MakeBus, server: Server, namespace: str
) -> None:
    """Turned red by: acknowledging without burying."""
    bus = await make_stream_bus(group="g", max_attempts=3, retry_delay_s=0.001)
    seen: list[int] = []

    async def poisoned(event: BaseEvent) -> None:
        seen.append(number_of(event))
        if number_of(event) == 1:
            raise ValueError("cannot digest this")

    sid = await bus.subscribe("tick", poisoned, name="strategy")
    await bus.publish_batch(ticks([0, 1, 2]))
    await bus.join()
    assert seen == [0, 1, 1, 1, 2]
    assert bus.statistics().subscriptions[sid].failed == 1
    async with Redis.from_url(server.url) as client:
        ((_, letter),) = await client.xrange(f"{stream(namespace)}:dead:g")
        assert (letter[b"subscription"], letter[b"attempts"]) == (b"strategy", b"3")
        assert letter[b"reason"] == b"ValueError: cannot digest this"
        assert (await client.xpending(stream(namespace), "g"))["pending"] == 0


async def test_a_bus_may_begin_anywhere(make_stream_bus: MakeBus, server: Server, namespace: str) -> None:
    """Turned red by: beginning with what is new, whatever `start` says."""
    publisher = await make_stream_bus()
    for number in range(3):
        await publisher.publish(tick(number))
    async with Redis.from_url(server.url) as client:
        first = (await client.xrange(stream(namespace), count=1))[0][0].decode()
    starts: dict[Any, list[int]] = {
        "beginning": [0, 1, 2, 9],
        first: [1, 2, 9],
        datetime(2020, 1, 1, tzinfo=UTC): [0, 1, 2, 9],
        "new": [9],
    }
    recorders = [Recorder() for _ in starts]
    for start, recorder in zip(starts, recorders, strict=True):
        await (await make_stream_bus(start=start)).subscribe("tick", recorder)
    await publisher.publish(tick(9))
    await until(lambda: all(recorder.seen[-1:] == [9] for recorder in recorders))
    assert [recorder.seen for recorder in recorders] == list(starts.values())


@pytest.mark.parametrize(
    "options",
    [
        {"mode": "stream"}, {"mode": "pubsub", "group": "g"}, {"start": "yesterday"}, {"shards": 0},
        {"namespace": ""}, {"namespace": "a{b"}, {"outbox_overflow": "drop_oldest"}, {"max_attempts": 0},
        {"claim_idle_s": 0.0}, {"max_deliveries": 0}, {"min_replicas": -1}, {"max_stream_entries": -1},
    ],
)  # fmt: skip
def test_options_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    """Turned red by: leaving out the check."""
    with pytest.raises(ValueError, match=str(next(iter(options)) if "group" not in options else "group")):
        RedisEventBus("redis://localhost", **{"mode": "streams"} | options)
