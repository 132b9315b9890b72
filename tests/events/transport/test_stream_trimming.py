"""What is removed from a stream: what every group has acknowledged, and beyond a hard limit more, loudly."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.events.conftest import MakeBus
from tests.support.doubles import Gate, Recorder, ticks, until
from tests.support.server.process import Server
from trading.events import ConnectionEvent, RedisEventBus
from trading.events.transport.redis.streams.transport import StreamTransport

ENTRIES = 300


@pytest.fixture
async def exact(tmp_path: Path) -> AsyncIterator[Server]:
    """A server that trims to the entry, and removes at most a hundred in one go."""
    server = Server(tmp_path / "server", stream_node_max_entries="1").start()
    yield server
    server.kill()


async def length_of(server: Server, bus: RedisEventBus) -> int:
    async with Redis.from_url(server.url) as client:
        return int(await client.xlen(f"{{{bus.namespace}:0}}"))


async def publish_one_by_one(bus: RedisEventBus, count: int) -> None:
    """An entry for each event."""
    for event in ticks(range(count)):
        await bus.publish(event)


async def trim_once(bus: RedisEventBus) -> None:
    """What the maintenance does each time its interval has passed."""
    transport = bus._transport
    assert isinstance(transport, StreamTransport)
    maintenance = transport._maintenance
    assert maintenance is not None
    assert maintenance._pipeline is not None
    await maintenance.trim(maintenance._pipeline, f"{{{bus.namespace}:0}}".encode())


async def test_all_that_every_group_has_acknowledged_is_removed_however_much_it_is(
    make_stream_bus: MakeBus, exact: Server
) -> None:
    """Turned red by: removing once a round what the server removes in one go."""
    bus = await make_stream_bus(exact.url, group="g", trim_interval_s=3600)
    recorder = Recorder()
    await bus.subscribe("tick", recorder)
    await publish_one_by_one(bus, ENTRIES)
    await bus.join()
    await trim_once(bus)
    assert await length_of(exact, bus) == 1
    assert len(recorder.seen) == ENTRIES


async def test_a_hard_limit_removes_what_is_not_acknowledged_and_says_so(
    make_stream_bus: MakeBus, exact: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """Turned red by: trimming without a word; a limit that is not kept to."""
    await make_stream_bus(exact.url, group="idle", start="beginning")
    bus = await make_stream_bus(exact.url, group="g", trim_interval_s=3600, max_stream_entries=100)
    told: list[ConnectionEvent] = []
    await bus.subscribe(ConnectionEvent, told.append)
    await publish_one_by_one(bus, ENTRIES)
    await trim_once(bus)
    await bus.join()
    assert await length_of(exact, bus) == 100
    assert len(told) == 1
    await bus.aclose()
    said = (
        r"(\d+) entries .* were removed, which a group may not have acknowledged: the limit max_stream_entries is 100"
    )
    warnings = [record.message for record in caplog.records if record.levelname == "WARNING"]
    counts = [int(found[1]) for warning in warnings if (found := re.search(said, warning))]
    assert counts == [1, 199]


@pytest.mark.parametrize("group", [None, "g"], ids=["alone", "group"])
async def test_a_stream_is_held_to_its_limit_to_the_entry(
    make_stream_bus: MakeBus, server: Server, group: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    """Turned red by: a limit without a group that is ignored; trimming by whole nodes, a hundred entries each."""
    bus = await make_stream_bus(group=group, max_stream_entries=10, trim_interval_s=3600)
    recorder = Recorder()
    await bus.subscribe("tick", recorder)
    for event in ticks(range(600)):
        await bus.publish(event)
        assert await length_of(server, bus) <= 10
    await bus.join()
    if group is None:
        assert "were removed" not in caplog.text


@pytest.mark.parametrize(("entries", "appends"), [(9_000, 1), (25_000, 3)])
async def test_a_limit_that_a_long_stream_is_given_is_reached_some_thousand_entries_at_a_time(
    make_stream_bus: MakeBus, server: Server, entries: int, appends: int
) -> None:
    """Turned red by: removing everything in one go, or only whole nodes."""
    bus = await make_stream_bus(max_stream_entries=5)
    async with Redis.from_url(server.url) as client:
        pipeline = client.pipeline()
        for _ in range(entries):
            pipeline.xadd(f"{{{bus.namespace}:0}}", {"f": b""})
        await pipeline.execute()
    lengths: list[int] = []
    for event in ticks(range(appends)):
        await bus.publish(event)
        lengths.append(await length_of(server, bus))
    assert lengths[-1] == 5
    assert all(length > 5 for length in lengths[:-1])


async def test_who_reads_alone_is_told_what_was_removed_before_it_was_read(make_stream_bus: MakeBus) -> None:
    """Turned red by: a reader that skips what is gone without a word."""
    publisher = await make_stream_bus(max_stream_entries=10)
    reader = await make_stream_bus(namespace=publisher.namespace, max_in_flight=1)
    missed: list[ConnectionEvent] = []
    await reader.subscribe(ConnectionEvent, missed.append)
    gate = Gate()
    await reader.subscribe("tick", gate)
    await publisher.publish(ticks(range(1))[0])
    await gate.has_started(1)
    await publish_one_by_one(publisher, 600)
    gate.open()
    await publisher.flush()
    await until(lambda: any("missed" in (event.reason or "") for event in missed))


async def test_a_hard_limit_says_nothing_while_only_acknowledged_events_are_beyond_it(
    make_stream_bus: MakeBus, exact: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """Turned red by: keeping to the limit before all that was acknowledged is removed."""
    bus = await make_stream_bus(exact.url, group="g", trim_interval_s=3600, max_stream_entries=10)
    await bus.subscribe("tick", Recorder())
    for _ in range(ENTRIES // 5):
        await publish_one_by_one(bus, 5)
        await bus.join()
    await trim_once(bus)
    assert await length_of(exact, bus) == 1
    assert "were removed" not in caplog.text
