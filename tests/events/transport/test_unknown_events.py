"""Events from a server of types that no class here is for: delivered to who asks, and no harm to others."""

from datetime import UTC, datetime
from typing import Literal

import msgpack
import pytest
from redis.asyncio import Redis

from tests.events.conftest import MakeBus
from tests.events.transport.streams import stream
from tests.support.doubles import until
from tests.support.recording import tick
from tests.support.server.process import Server
from trading.events import BaseEvent, ErrorEvent, EventDecodeError, UnknownEvent, base, encode_batch, encode_event
from trading.events.transport.frame import FrameMaker, read_frame, split_batch

ROW = {"_v": 1, "_t": "wire_funding", "_ts": datetime(2024, 1, 1, tzinfo=UTC), "_x": "binance", "_s": "BTC/USDT"}


def funding(number: int) -> bytes:
    return bytes(msgpack.packb(ROW | {"_id": f"funding-{number}", "rate": "0.10"}, datetime=True))


def frame_of(*events: BaseEvent) -> bytes:
    [frame] = FrameMaker(lambda _event, _wrong: None).make(b"channel", events)
    return frame


def unknown(number: int) -> UnknownEvent:
    return UnknownEvent.of_bytes(funding(number))


@pytest.mark.parametrize("mode", ["pubsub", "streams"])
async def test_who_asks_hears_them_in_order_among_the_others(make_bus: MakeBus, mode: str) -> None:
    """Turned red by: leaving them out; handing them on after the known ones of their frame."""
    sender = await make_bus(mode=mode)
    bus = await make_bus(mode=mode, unknown="deliver")
    everything, some, ticks_only = list[BaseEvent](), list[BaseEvent](), list[BaseEvent]()
    of_class = list[BaseEvent]()
    await bus.subscribe(UnknownEvent, of_class.append)
    await bus.subscribe("*", everything.append)
    await bus.subscribe("wire_funding", some.append)
    await bus.subscribe("tick", ticks_only.append)
    sent = [tick(0), unknown(1), unknown(2), tick(3), unknown(4)]
    await sender.publish_batch(sent)
    await until(lambda: len(everything) == 5 and len(some) == 3)
    assert everything == sent
    assert [encode_event(event) for event in some] == [funding(number) for number in (1, 2, 4)]
    assert ticks_only == [tick(0), tick(3)]
    assert of_class == some
    assert bus.transport_statistics().undecodable == 0


async def test_who_does_not_ask_still_hears_what_is_known_of_the_same_frame(
    make_stream_bus: MakeBus, server: Server, namespace: str
) -> None:
    """Turned red by: skipping a frame for one event that no class is for."""
    bus, heard, errors = await make_stream_bus(), list[BaseEvent](), list[ErrorEvent]()
    await bus.subscribe("tick", heard.append)
    await bus.subscribe(ErrorEvent, errors.append)
    async with Redis.from_url(server.url) as client:
        await client.xadd(stream(namespace), {"f": frame_of(tick(0), unknown(1), tick(2), unknown(3))})
        await client.xadd(stream(namespace), {"f": frame_of(tick(4))})
    await until(lambda: len(heard) == 3 and len(errors) == 1)
    assert heard == [tick(0), tick(2), tick(4)]
    assert '"wire_funding"' in errors[0].message
    assert bus.transport_statistics().undecodable == 1


@pytest.mark.usefixtures("classes_are_forgotten")
async def test_what_its_class_refuses_is_told_of_and_hides_no_other(
    make_stream_bus: MakeBus, server: Server, namespace: str
) -> None:
    wrong = unknown(1)

    class Funding(BaseEvent):
        event_type: Literal["wire_funding"] = "wire_funding"
        price: int

    bus, heard = await make_stream_bus(unknown="deliver"), list[BaseEvent]()
    await bus.subscribe("*", heard.append)
    async with Redis.from_url(server.url) as client:
        await client.xadd(stream(namespace), {"f": frame_of(tick(0), wrong, tick(2))})
    await until(lambda: len(heard) == 3)
    assert [event for event in heard if not isinstance(event, ErrorEvent)] == [tick(0), tick(2)]
    assert Funding is base._CLASSES["wire_funding"]
    assert bus.transport_statistics().undecodable == 1


async def test_a_group_acknowledges_them_when_they_are_handled(
    make_stream_bus: MakeBus, server: Server, namespace: str
) -> None:
    bus, heard = await make_stream_bus(group="g", unknown="deliver"), list[BaseEvent]()
    await bus.subscribe("*", heard.append)
    sender = await make_stream_bus()
    await sender.publish_batch([unknown(1), tick(2)])
    await until(lambda: len(heard) == 2)
    await bus.join()
    async with Redis.from_url(server.url) as client:
        assert (await client.xpending(stream(namespace), "g"))["pending"] == 0


def test_an_unknown_word_is_refused() -> None:
    from trading.events import RedisEventBus  # noqa: PLC0415 - needs the extra

    with pytest.raises(ValueError, match="unknown is 'record'; it is 'skip' or 'deliver'"):
        RedisEventBus("redis://localhost", unknown="record")


async def test_who_subscribes_to_their_class_alone_hears_them(make_bus: MakeBus) -> None:
    """Turned red by: asking the server for the topics of its subclasses, of which it has none."""
    bus, heard = await make_bus(unknown="deliver"), list[BaseEvent]()
    await bus.subscribe(UnknownEvent, heard.append)
    await (await make_bus()).publish_batch([tick(0), unknown(1)])
    await until(lambda: len(heard) == 1)
    assert heard == [unknown(1)]


@pytest.mark.parametrize(
    ("body", "count", "reason"),
    [
        (b"\x80", 1, "no batch"),
        (b"\xc1", 1, "no batch"),
        (b"\x92\x80", 2, "no batch"),
        (b"\x91\x80\x80", 1, "1 bytes follow the end"),
        (b"\x91\x80", 2, "holds 1 events, and says 2"),
        (b"\x91" * 100_000, 1, "no batch"),
    ],
)
def test_bodies_that_are_no_batch_are_refused(body: bytes, count: int, reason: str) -> None:
    with pytest.raises(EventDecodeError, match=reason):
        split_batch(body, count)


def test_a_batch_is_split_into_the_bytes_of_its_events() -> None:
    events = [tick(0), unknown(1), tick(2)]
    assert split_batch(encode_batch(events), 3) == [encode_event(event) for event in events]
    found, wrong = read_frame(frame_of(*events)).known_events(1, carries_unknown=True)
    assert (found, wrong) == (events[1:], None)
