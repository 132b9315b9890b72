"""RedisEventBus in pub/sub mode, beyond the contract: many buses, gaps, hostile frames, servers that come and go."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from tests.support.doubles import Gate, Recorder, tick, ticks, until
from tests.support.server.process import Server
from trading.events import BaseEvent, ConnectionEvent, ErrorEvent, MarketDataEvent, QueueFullError, RedisEventBus
from trading.events.errors import ServerError
from trading.events.transport.frame import MAX_FRAME_BYTES, FrameMaker

Make = Callable[..., Awaitable[RedisEventBus]]


@pytest.fixture
async def make(server: Server) -> AsyncIterator[Make]:
    """Makes buses that share a namespace, and closes them."""
    namespace, made = uuid4().hex, list[RedisEventBus]()

    async def make(url: str = server.url, **options: Any) -> RedisEventBus:
        bus = RedisEventBus(url, **{"namespace": namespace} | options)
        made.append(bus)
        return await bus.__aenter__()

    yield make
    for bus in made:
        await bus.aclose(timeout_s=0)


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A server that the test may harm."""
    server = Server(tmp_path / "server").start()
    yield server
    server.kill()


async def send_frames(bus: RedisEventBus, url: str, *frames: bytes, symbol: str = "BTC/USDT") -> None:
    """Publishes frames as whoever can reach the server may."""
    async with Redis.from_url(url) as client:
        for frame in frames:
            await client.publish(f"{bus.namespace}:events.tick.binance.{symbol}", frame)
    await bus.flush()


def frames_of(maker: FrameMaker, bus: RedisEventBus, numbers: range) -> list[bytes]:
    channel = f"{bus.namespace}:events.tick.binance.BTC/USDT".encode()
    return [frame for number in numbers for frame in maker.make(channel, ticks([number]))]


def new_maker() -> FrameMaker:
    return FrameMaker(lambda _event, _wrong: None)


async def test_what_one_bus_publishes_all_buses_of_the_namespace_hear(make: Make) -> None:
    """Turned red by: leaving the namespace out of the channel on one side."""
    first, second, stranger = await make(), await make(), await make(namespace=uuid4().hex)
    heard, own, strange = Recorder(), Recorder(), Recorder()
    await second.subscribe("tick", heard)
    await first.subscribe("tick", own)
    await stranger.subscribe("*", strange)
    await first.publish_batch(ticks(range(100)))
    await first.join()
    await until(lambda: len(heard.seen) == 100)
    assert heard.seen == own.seen == list(range(100))
    assert strange.seen == []


async def test_overlapping_patterns_deliver_once_a_subscription(make: Make) -> None:
    """Turned red by: leaving out what `Sequences.note` says of repeats."""
    bus = await make()
    patterns = ["tick", "events.*.binance", "events.tick.*.BTC*"]
    recorders = [Recorder() for _ in patterns]
    for pattern, recorder in zip(patterns, recorders, strict=True):
        await bus.subscribe(pattern, recorder)
    await bus.publish_batch(ticks(range(10)))
    await bus.join()
    assert [recorder.seen for recorder in recorders] == [list(range(10))] * 3
    assert bus.transport_statistics().repeated == 20


@pytest.mark.parametrize(
    ("pattern", "symbol"),
    [("A[1-9]", "A[1-9]"), ("A\\B", "A\\B"), ("A?C", "AéC"), ("A?C", "A.C"), ("[*", "[x"), ("A^]*", "A^]")],
)
async def test_what_is_special_to_the_server_is_escaped(make: Make, pattern: str, symbol: str) -> None:
    """Turned red by: handing the pattern on as it is."""
    bus = await make()
    recorder = Recorder()
    await bus.subscribe(f"events.tick.*.{pattern}", recorder)
    await bus.publish(tick(1, symbol=symbol))
    await bus.publish(tick(2, symbol="A1"))
    await bus.join()
    assert recorder.seen == [1]


async def test_a_class_hears_subclasses_that_are_defined_later(make: Make) -> None:
    """Turned red by: asking for new event classes only when subscribing."""
    bus = await make()
    heard: list[BaseEvent] = []
    await bus.subscribe(MarketDataEvent, heard.append)

    class LateEvent(MarketDataEvent):
        event_type: Literal["late_redis"] = "late_redis"

    await bus.publish(LateEvent(exchange="binance", symbol="BTC/USDT"))
    await bus.join()
    assert [event.event_type for event in heard] == ["late_redis"]


async def test_a_gap_is_told_with_how_many_were_missed_and_from_whom(make: Make, server: Server) -> None:
    """Turned red by: taking the first number that comes for the next."""
    missed: list[Any] = []
    bus = await make(on_missed=missed.append)
    recorder, told = Recorder(), list[ConnectionEvent]()
    await bus.subscribe("tick", recorder)
    await bus.subscribe(ConnectionEvent, told.append)
    maker = new_maker()
    frames = frames_of(maker, bus, range(6))
    await send_frames(bus, server.url, frames[0], frames[4], frames[5])
    await bus.join()
    assert recorder.seen == [0, 4, 5]
    assert [(gap.count, gap.publisher) for gap in missed] == [(3, maker.publisher.hex())]
    assert [(event.missed_count, event.metadata["publisher"]) for event in told] == [(3, maker.publisher.hex())]
    assert bus.transport_statistics().missed == 3


async def test_a_gap_at_the_end_is_told_by_the_next_beat(make: Make, server: Server) -> None:
    """Turned red by: leaving beats unread."""
    bus = await make()
    await bus.subscribe("tick", Recorder())
    maker = new_maker()
    frames = frames_of(maker, bus, range(3))
    await send_frames(bus, server.url, frames[0])
    (beat,) = maker.make_beats()
    async with Redis.from_url(server.url) as client:
        await client.publish(f"{bus.namespace}!beats", beat)
    await bus.flush()
    assert bus.transport_statistics().missed == 2


async def test_frames_that_come_twice_are_delivered_once(make: Make, server: Server) -> None:
    """Turned red by: delivering whatever comes."""
    bus = await make()
    recorder = Recorder()
    await bus.subscribe("tick", recorder)
    frames = frames_of(new_maker(), bus, range(3))
    await send_frames(bus, server.url, *frames, *frames)
    await bus.join()
    assert recorder.seen == [0, 1, 2]


def hostile_frames(good: bytes) -> list[bytes]:
    """A frame, maltreated."""
    cut = [good[:length] for length in range(0, len(good), 7)]
    flipped = [good[:at] + bytes([good[at] ^ 0xFF]) + good[at + 1 :] for at in range(40)]
    counts = [good[:20] + count.to_bytes(4, "big") + good[24:] for count in (0, 2, 2**31, 2**32 - 1)]
    deep = good[:24] + b"[" * 100_000
    hostile = [*cut, *flipped[:4], *flipped[24:], *counts, deep, b"", b"\x00" * 100, good + b" " * MAX_FRAME_BYTES]
    return [frame[:4] + number.to_bytes(8, "big") + frame[12:] for number, frame in enumerate(hostile)]


async def test_hostile_frames_are_counted_told_of_and_skipped(make: Make, server: Server) -> None:
    """Turned red by: letting EventDecodeError end the session."""
    bus = await make()
    recorder, errors = Recorder(), list[ErrorEvent]()
    await bus.subscribe("tick", recorder)
    await bus.subscribe(ErrorEvent, errors.append)
    (good,) = frames_of(new_maker(), bus, range(1))
    hostile = hostile_frames(good)
    await send_frames(bus, server.url, *hostile)
    (last,) = frames_of(new_maker(), bus, range(7, 8))
    await send_frames(bus, server.url, last)
    await bus.join()
    assert recorder.seen[-1] == 7
    assert bus.transport_statistics().undecodable == len(errors) == len(hostile)
    assert bus.transport_statistics().reconnects == 0


async def test_hostile_beats_are_counted_and_skipped(make: Make, server: Server) -> None:
    """Turned red by: trusting what a beat holds."""
    bus = await make()
    await bus.subscribe("tick", Recorder())
    header = b"TE\x01\x01" + bytes(8) + bytes(7) + b"\x01" + bytes(4)
    bodies = [b"", b"[]", b'{"a": -1}', b'{"a": "x"}', b'{"a": 1e400}', b"{" * 10_000]
    async with Redis.from_url(server.url) as client:
        for body in bodies:
            await client.publish(f"{bus.namespace}!beats", header + body)
    await bus.flush()
    assert bus.transport_statistics().undecodable == len(bodies)


async def test_an_event_too_long_for_the_wire_is_told_of_and_harms_no_other(make: Make) -> None:
    """Turned red by: refusing the whole run of events that it is in."""
    bus = await make()
    recorder, errors = Recorder(), list[ErrorEvent]()
    await bus.subscribe("tick", recorder)
    await bus.subscribe(ErrorEvent, errors.append)
    long = tick(2).model_copy(update={"metadata": {"text": "x" * MAX_FRAME_BYTES}})
    await bus.publish_batch([tick(1), long, tick(3)])
    await bus.join()
    assert recorder.seen == [1, 3]
    assert [error.error_type.rpartition(".")[2] for error in errors] == ["EventTooLargeError"]
    assert bus.transport_statistics().refused == 1


async def test_a_restarted_server_is_found_again_and_what_waited_is_sent(make: Make, own_server: Server) -> None:
    """Turned red by: a link that ends with its first connection."""
    bus = await make(own_server.url)
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


async def test_a_server_that_does_not_answer_is_noticed(make: Make, own_server: Server) -> None:
    """Turned red by: no pings."""
    bus = await make(own_server.url, ping_interval_s=0.05, reply_timeout_s=0.1, connect_timeout_s=0.2)
    told: list[ConnectionEvent] = []
    await bus.subscribe(ConnectionEvent, told.append)
    own_server.freeze()
    await until(lambda: any(event.status == "disconnected" for event in told))
    own_server.thaw()
    await until(lambda: told[-1].status == "connected")


async def test_a_full_outbox_does_what_it_was_told_to(make: Make, own_server: Server) -> None:
    """Turned red by: an outbox without a bound."""
    blocking = await make(own_server.url, outbox_capacity=10)
    refusing = await make(own_server.url, outbox_capacity=10, outbox_overflow="raise")
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
    make: Make, own_server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """Turned red by: counting only what waits in the queue before the outbox."""
    bus = await make(own_server.url)
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


async def test_a_slow_subscriber_delays_no_other(make: Make) -> None:
    """Turned red by: a reader that waits for a handler."""
    bus = await make()
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
    """Turned red by: importing redis_bus in `trading.events`."""
    source = """
import sys
sys.modules["redis"] = None
import trading.events
try:
    trading.events.RedisEventBus
except ImportError as error:
    print(error)
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", source, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    assert b"trading-events[redis]" in output
