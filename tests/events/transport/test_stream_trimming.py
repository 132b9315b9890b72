"""What is removed from a stream: what every group has acknowledged, and beyond a hard limit more, loudly."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.events.conftest import MakeBus
from tests.support.doubles import Recorder, ticks
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
    said = "200 entries .* were removed, which a group may not have acknowledged: the limit is 100"
    assert [bool(re.match(said, event.reason or "")) for event in told] == [True]
    warnings = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert any(re.search(said, warning) for warning in warnings)


async def test_a_hard_limit_says_nothing_while_only_acknowledged_events_are_beyond_it(
    make_stream_bus: MakeBus, exact: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """Turned red by: keeping to the limit before all that was acknowledged is removed."""
    bus = await make_stream_bus(exact.url, group="g", trim_interval_s=3600, max_stream_entries=10)
    await bus.subscribe("tick", Recorder())
    await publish_one_by_one(bus, ENTRIES)
    await bus.join()
    await trim_once(bus)
    assert await length_of(exact, bus) == 1
    assert "were removed" not in caplog.text
