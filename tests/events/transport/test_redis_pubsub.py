"""RedisEventBus in pub/sub mode, on the wire: patterns, gaps, repeats, hostile frames, a server that is silent."""

from typing import Any

import pytest
from redis.asyncio import Redis

from tests.events.conftest import MakeBus
from tests.support.doubles import Recorder, tick, ticks, until
from tests.support.server.process import Server
from trading.events import ConnectionEvent, ErrorEvent, RedisEventBus
from trading.events.transport.frame import MAX_FRAME_BYTES, FrameMaker


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


async def test_overlapping_patterns_deliver_once_a_subscription(make_bus: MakeBus) -> None:
    """Turned red by: leaving out what `Sequences.note` says of repeats."""
    bus = await make_bus()
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
async def test_what_is_special_to_the_server_is_escaped(make_bus: MakeBus, pattern: str, symbol: str) -> None:
    """Turned red by: handing the pattern on as it is."""
    bus = await make_bus()
    recorder = Recorder()
    await bus.subscribe(f"events.tick.*.{pattern}", recorder)
    await bus.publish(tick(1, symbol=symbol))
    await bus.publish(tick(2, symbol="A1"))
    await bus.join()
    assert recorder.seen == [1]


async def test_a_gap_is_told_with_how_many_were_missed_and_from_whom(make_bus: MakeBus, server: Server) -> None:
    """Turned red by: taking the first number that comes for the next."""
    missed: list[Any] = []
    bus = await make_bus(on_missed=missed.append)
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


async def test_a_gap_at_the_end_is_told_by_the_next_beat(make_bus: MakeBus, server: Server) -> None:
    """Turned red by: leaving beats unread."""
    bus = await make_bus()
    await bus.subscribe("tick", Recorder())
    maker = new_maker()
    frames = frames_of(maker, bus, range(3))
    await send_frames(bus, server.url, frames[0])
    (beat,) = maker.make_beats()
    async with Redis.from_url(server.url) as client:
        await client.publish(f"{bus.namespace}!beats", beat)
    await bus.flush()
    assert bus.transport_statistics().missed == 2


async def test_frames_that_come_twice_are_delivered_once(make_bus: MakeBus, server: Server) -> None:
    """Turned red by: delivering whatever comes."""
    bus = await make_bus()
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


async def test_hostile_frames_are_counted_told_of_and_skipped(make_bus: MakeBus, server: Server) -> None:
    """Turned red by: letting EventDecodeError end the session."""
    bus = await make_bus()
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


async def test_hostile_beats_are_counted_and_skipped(make_bus: MakeBus, server: Server) -> None:
    """Turned red by: trusting what a beat holds."""
    bus = await make_bus()
    await bus.subscribe("tick", Recorder())
    header = b"TE\x01\x01" + bytes(8) + bytes(7) + b"\x01" + bytes(4)
    bodies = [b"", b"[]", b'{"a": -1}', b'{"a": "x"}', b'{"a": 1e400}', b"{" * 10_000]
    async with Redis.from_url(server.url) as client:
        for body in bodies:
            await client.publish(f"{bus.namespace}!beats", header + body)
    await bus.flush()
    assert bus.transport_statistics().undecodable == len(bodies)


async def test_an_event_too_long_for_the_wire_is_told_of_and_harms_no_other(make_bus: MakeBus) -> None:
    """Turned red by: refusing the whole run of events that it is in."""
    bus = await make_bus()
    recorder, errors = Recorder(), list[ErrorEvent]()
    await bus.subscribe("tick", recorder)
    await bus.subscribe(ErrorEvent, errors.append)
    long = tick(2).model_copy(update={"metadata": {"text": "x" * MAX_FRAME_BYTES}})
    await bus.publish_batch([tick(1), long, tick(3)])
    await bus.join()
    assert recorder.seen == [1, 3]
    assert [error.error_type.rpartition(".")[2] for error in errors] == ["EventTooLargeError"]
    assert bus.transport_statistics().refused == 1


async def test_a_server_that_does_not_answer_is_noticed(make_bus: MakeBus, own_server: Server) -> None:
    """Turned red by: no pings."""
    bus = await make_bus(own_server.url, ping_interval_s=0.05, reply_timeout_s=0.1, connect_timeout_s=0.2)
    told: list[ConnectionEvent] = []
    await bus.subscribe(ConnectionEvent, told.append)
    own_server.freeze()
    await until(lambda: any(event.status == "disconnected" for event in told))
    own_server.thaw()
    await until(lambda: told[-1].status == "connected")
