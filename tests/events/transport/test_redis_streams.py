"""RedisEventBus in streams mode, on the server: what is kept, taken over, acknowledged, buried and removed."""

import asyncio
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.events.conftest import MakeBus
from tests.events.transport.streams import Witness, stream
from tests.support.doubles import Gate, Recorder, number_of, tick, ticks, until
from tests.support.patience import PATIENCE_S
from tests.support.server.process import Server
from trading.events import ConnectionEvent
from trading.events.errors import EventTooLargeError, UnstorableEventError
from trading.events.transport.frame import MAX_FRAME_BYTES, FrameMaker, read_frame
from trading.events.transport.redis.streams import group_maintenance
from trading.events.transport.redis.streams.keys import APPEND, publisher_key


async def test_what_a_dead_consumer_left_is_taken_over_however_much_it_is(
    make_stream_bus: MakeBus, server: Server, namespace: str
) -> None:
    """Turned red by: claiming a part in each round of the keeper."""
    publisher = await make_stream_bus()
    await (await make_stream_bus(group="g")).aclose()
    for number in range(300):
        await publisher.publish(tick(number))
    async with Redis.from_url(server.url) as client:
        found = await client.xreadgroup("g", "dead", {stream(namespace): ">"})
        ids = [entry_id for entry_id, _ in found[0][1]]
        await client.xclaim(stream(namespace), "g", "dead", 0, ids, idle=3_600_000, justid=True)
    bus, witness = await make_stream_bus(group="g", claim_idle_s=1_800.0), Witness()
    await bus.subscribe("tick", witness)
    await until(lambda: len(witness.seen) == 300)
    assert witness.seen == [(number, True) for number in range(300)]


async def test_what_is_being_handled_is_not_taken_over(
    make_stream_bus: MakeBus, server: Server, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Turned red by: a keeper that refreshes nothing; one that claims what has just been refreshed."""
    monkeypatch.setattr(group_maintenance, "_ROUNDS", 10_000)
    publisher = await make_stream_bus()
    gate, witness = Gate(), Witness()
    slow = await make_stream_bus(group="g", claim_idle_s=PATIENCE_S)
    await slow.subscribe("tick", gate)
    await publisher.publish(tick(0))
    await gate.has_started(1)
    other = await make_stream_bus(group="g", claim_idle_s=PATIENCE_S)
    await other.subscribe("tick", witness)
    async with Redis.from_url(server.url) as client:
        refreshed, last_ms = 0, 0
        while refreshed < 6:
            (pending,) = await client.xpending_range(stream(namespace), "g", "-", "+", 10)
            refreshed += pending["time_since_delivered"] < last_ms
            last_ms = pending["time_since_delivered"]
    gate.open()
    await slow.join()
    assert witness.seen == []


async def test_an_entry_is_acknowledged_when_every_handler_of_it_has_ended(
    make_stream_bus: MakeBus, server: Server, namespace: str
) -> None:
    """Turned red by: acknowledging when the first handler has ended."""
    bus = await make_stream_bus(group="g")
    gate, recorder = Gate(), Recorder()
    await bus.subscribe("tick", recorder)
    await bus.subscribe("tick", gate)
    await bus.publish(tick(0))
    await gate.has_started(1)
    await until(lambda: recorder.seen)
    async with Redis.from_url(server.url) as client:
        assert (await client.xpending(stream(namespace), "g"))["pending"] == 1
        gate.open()
        await bus.join()
        assert (await client.xpending(stream(namespace), "g"))["pending"] == 0


async def test_events_that_nobody_hears_or_that_were_unsubscribed_are_acknowledged(
    make_stream_bus: MakeBus, server: Server, namespace: str
) -> None:
    """Turned red by: leaving open what a subscription that has ended was waited for."""
    bus = await make_stream_bus(group="g")
    gate = Gate()
    sid = await bus.subscribe("events.tick.*.HEARD", gate)
    await bus.publish_batch([tick(0, symbol="HEARD"), tick(1, symbol="HEARD"), tick(2, symbol="OTHER")])
    await gate.has_started(1)
    await bus.unsubscribe(sid)
    gate.open()
    await bus.join()
    async with Redis.from_url(server.url) as client:
        assert (await client.xpending(stream(namespace), "g"))["pending"] == 0


async def test_an_entry_that_nobody_lives_to_acknowledge_goes_to_the_dead_letters(
    make_stream_bus: MakeBus, server: Server, namespace: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Turned red by: counting the deliveries of this member's life alone."""
    publisher = await make_stream_bus()
    await (await make_stream_bus(group="g", consumer="a", max_deliveries=3)).aclose()
    await publisher.publish_batch(ticks([0, 1]))
    for life in range(1, 4):
        gate = Gate()
        bus = await make_stream_bus(group="g", consumer="a" if life != 2 else "b", max_deliveries=3, claim_idle_s=0.05)
        await bus.subscribe("tick", gate)
        await gate.has_started(1)
        await bus.aclose(timeout_s=0)
    bus, witness = await make_stream_bus(group="g", consumer="a", max_deliveries=3, claim_idle_s=0.05), Witness()
    await bus.subscribe("tick", witness)
    await until(lambda: "goes to the dead letters" in caplog.text)
    await publisher.publish(tick(2))
    await until(lambda: witness.seen)
    await bus.join()
    assert witness.seen == [(2, False)]
    assert "delivered 3 times, and never acknowledged" in caplog.text
    async with Redis.from_url(server.url) as client:
        ((_, letter),) = await client.xrange(f"{stream(namespace)}:dead:g")
        assert (letter[b"attempts"], letter[b"subscription"]) == (b"3", b"")
        assert [number_of(event) for event in read_frame(letter[b"f"]).events()] == [0, 1]
        assert (await client.xpending(stream(namespace), "g"))["pending"] == 0


async def test_a_publish_whose_reply_was_lost_is_not_doubled(server: Server, namespace: str) -> None:
    """Turned red by: a script that appends whatever it is given."""
    maker = FrameMaker(lambda _event, _wrong: None)
    key = stream(namespace).encode()
    frames = [b"".join(maker.make(key, ticks([number]))) for number in range(3)]
    keys = (key, publisher_key(key, maker.publisher))
    async with Redis.from_url(server.url) as client:
        await client.eval(APPEND.decode(), 2, *keys, 1, 60_000, 0, 0, 1, frames[0], 1, frames[1])
        await client.eval(APPEND.decode(), 2, *keys, 1, 60_000, 0, 0, 1, frames[0], 1, frames[1], 1, frames[2])
        assert [fields[b"f"] for _, fields in await client.xrange(key)] == frames
        with pytest.raises(Exception, match="SEQUENCEGAP 3"):
            await client.eval(APPEND.decode(), 2, *keys, 5, 60_000, 0, 0, 1, frames[0])


async def test_what_every_group_has_acknowledged_is_removed_and_nothing_else(
    make_stream_bus: MakeBus, server: Server, namespace: str
) -> None:
    """Turned red by: trimming to where the first group is."""
    await make_stream_bus(group="idle", start="beginning", trim_interval_s=3600)
    bus = await make_stream_bus(group="g", start="beginning", trim_interval_s=0.02)
    recorder = Recorder()
    await bus.subscribe("tick", recorder)
    for number in range(300):
        await bus.publish(tick(number))
    await bus.join()
    async with Redis.from_url(server.url) as client:
        await asyncio.sleep(0.1)  # some rounds of the keeper, which must do nothing
        assert await client.xlen(stream(namespace)) == 300
        await client.xgroup_destroy(stream(namespace), "idle")
        while await client.xlen(stream(namespace)) == 300:
            pass


async def test_a_lost_group_is_made_anew_without_a_silent_jump(
    make_stream_bus: MakeBus, server: Server, namespace: str
) -> None:
    """Turned red by: making it anew at the end of the stream."""
    publisher = await make_stream_bus()
    bus = await make_stream_bus(group="g")
    recorder, told = Recorder(), list[ConnectionEvent]()
    await bus.subscribe("tick", recorder)
    await bus.subscribe(ConnectionEvent, told.append)
    await publisher.publish_batch(ticks([0, 1]))
    await until(lambda: len(recorder.seen) == 2)
    await bus.join()
    async with Redis.from_url(server.url) as client:
        await client.delete(stream(namespace))
    await publisher.publish_batch(ticks([2, 3]))
    await until(lambda: len(recorder.seen) == 4)
    assert recorder.seen == [0, 1, 2, 3]
    assert any("made anew" in (event.reason or "") for event in told)


@pytest.mark.parametrize("group", [None, "g"], ids=["alone", "group"])
async def test_a_stream_that_was_made_anew_may_give_an_id_out_again(
    make_stream_bus: MakeBus, server: Server, namespace: str, group: str | None
) -> None:
    """Turned red by: `is_the_last_read` asking for the id alone."""
    publisher, bus, recorder = await make_stream_bus(), await make_stream_bus(group=group), Recorder()
    await bus.subscribe("tick", recorder)
    await publisher.publish(tick(0))
    await until(lambda: recorder.seen == [0])
    await bus.join()
    key = stream(namespace)
    frame = b"".join(FrameMaker(lambda _event, _wrong: None).make(key.encode(), ticks([1])))
    async with Redis.from_url(server.url) as client:
        ((entry_id, _),) = await client.xrange(key)
        async with client.pipeline(transaction=True) as commands:
            await commands.delete(key).xadd(key, {"f": frame}, id=entry_id).execute()
    await until(lambda: recorder.seen == [0, 1])


async def test_undecodable_entries_are_skipped_counted_and_acknowledged(
    make_stream_bus: MakeBus, server: Server, namespace: str
) -> None:
    """Turned red by: letting them end the session."""
    bus = await make_stream_bus(group="g")
    recorder = Recorder()
    await bus.subscribe("tick", recorder)
    async with Redis.from_url(server.url) as client:
        for fields in ({"f": b"junk"}, {"g": b""}, {"f": b"TE\x01\x00" + bytes(40)}, {"a": "b", "c": "d"}):
            await client.xadd(stream(namespace), fields)
        await bus.publish(tick(1))
        await bus.join()
        assert recorder.seen == [1]
        assert bus.transport_statistics().undecodable == 4
        assert (await client.xpending(stream(namespace), "g"))["pending"] == 0


async def test_an_event_that_cannot_be_sent_is_raised_at_its_publisher_and_at_no_other(
    make_stream_bus: MakeBus,
) -> None:
    """Turned red by: `Confirmations.refuse` telling nobody, or everybody."""
    bus = await make_stream_bus(start="beginning")
    recorder = Recorder()
    await bus.subscribe("tick", recorder)
    long = tick(2).model_copy(update={"metadata": {"text": "x" * MAX_FRAME_BYTES}})
    odd = tick(3)
    odd.__dict__["metadata"] = {"text": object()}
    outcomes = await asyncio.gather(
        bus.publish(tick(1)),
        bus.publish(long),
        bus.publish_batch([tick(4), odd, tick(5)]),
        bus.publish_batch(ticks([6, 7])),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [type(None), EventTooLargeError, UnstorableEventError, type(None)]
    await bus.join()
    assert recorder.seen == [1, 4, 5, 6, 7]
    assert bus.transport_statistics().refused == 2


async def test_a_restart_of_a_server_that_syncs_loses_nothing(make_stream_bus: MakeBus, tmp_path: Path) -> None:
    """Turned red by: forgetting what was not confirmed."""
    server = Server(tmp_path / "server", appendonly="yes", appendfsync="always").start()
    publisher, bus = await make_stream_bus(server.url), await make_stream_bus(server.url, group="g")
    witness = Witness()
    await bus.subscribe("tick", witness)
    await publisher.publish_batch(ticks(range(10)))
    publishing = asyncio.create_task(publisher.publish_batch(ticks(range(10, 2000))))
    await until(lambda: len(witness.seen) > 20)
    server.kill()
    server.start()
    await publishing
    await until(lambda: len(witness.seen) >= 2000)
    await bus.join()
    assert [number for number, _ in witness.seen] == list(range(2000))
    await publisher.aclose()
    await bus.aclose()
    server.kill()
