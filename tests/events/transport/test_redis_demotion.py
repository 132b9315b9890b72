"""A master that becomes a replica while a bus is connected to it: its connections stand, but it takes no writes."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.events.conftest import MakeBus
from tests.support.doubles import Recorder, tick, ticks, until
from tests.support.server.cluster import ask
from tests.support.server.process import Server
from tests.support.server.proxy import CuttingProxy
from trading.events import ConnectionEvent, RedisEventBus


@pytest.fixture
def master(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "master", repl_diskless_sync_delay="0").start()
    yield server
    server.kill()


@pytest.fixture
def replica(tmp_path: Path, master: Server) -> Iterator[Server]:
    server = Server(tmp_path / "replica", replicaof=f"127.0.0.1 {master.port}").start()
    yield server
    server.kill()


@pytest.fixture
async def address(master: Server) -> AsyncIterator[CuttingProxy]:
    """An address that leads to the master, and can be moved as a name or a virtual IP is."""
    proxy = await CuttingProxy(master.port).start()
    yield proxy
    await proxy.close()


def swap(master: Server, replica: Server) -> None:
    """The replica, which has got as far, becomes the master, and the master its replica."""
    assert ask(master, "WAIT", 1, 10_000) == 1
    ask(replica, "REPLICAOF", "NO", "ONE")
    ask(master, "REPLICAOF", "127.0.0.1", replica.port)


async def hear_connections(bus: RedisEventBus) -> list[str]:
    """Why connections were lost, as it is told."""
    reasons: list[str] = []
    await bus.subscribe(ConnectionEvent, lambda event: reasons.append(event.reason or ""))
    return reasons


async def test_a_master_that_became_a_replica_is_left_for_the_new_one(
    make_stream_bus: MakeBus,
    master: Server,
    replica: Server,
    address: CuttingProxy,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Turned red by: READONLY that is not foreseen, or is taken for a refusal of the event."""
    publisher = await make_stream_bus(address.url)
    consumer = await make_stream_bus(address.url, group="g", claim_idle_s=0.5)
    recorder, told = Recorder(), await hear_connections(publisher)
    await consumer.subscribe("tick", recorder)
    await publisher.publish_batch(ticks(range(10)))
    await until(lambda: len(recorder.seen) == 10)
    await consumer.join()
    address.lead_to(replica.port)
    swap(master, replica)
    await publisher.publish_batch(ticks(range(10, 20)))
    await until(lambda: len(recorder.seen) >= 20)
    await consumer.join()
    assert recorder.seen == list(range(20))
    assert any(reason.startswith("ReadOnlyError") for reason in told)
    assert "not foreseen" not in caplog.text
    assert publisher.transport_statistics().missed == 0
    assert ask(replica, "XPENDING", f"{{{consumer.namespace}:0}}", "g")["pending"] == 0


async def test_a_publish_waits_while_there_is_only_a_replica(
    make_stream_bus: MakeBus, master: Server, replica: Server
) -> None:
    """Turned red by: giving an event up that a replica refuses."""
    publisher = await make_stream_bus(master.url)
    recorder, told = Recorder(), await hear_connections(publisher)
    await publisher.subscribe("tick", recorder)
    swap(master, replica)
    publishing = asyncio.create_task(publisher.publish_batch(ticks(range(10))))
    await until(lambda: any(reason.startswith("ReadOnlyError") for reason in told))
    assert not publishing.done()
    ask(master, "REPLICAOF", "NO", "ONE")
    await publishing
    await publisher.join()
    assert recorder.seen == list(range(10))


async def test_what_is_published_does_not_stay_at_a_master_that_became_a_replica(
    make_stream_bus: MakeBus, master: Server, replica: Server, address: CuttingProxy
) -> None:
    """Turned red by: a sender that does not look where it is: a replica takes what is published, and keeps it."""
    publisher = await make_stream_bus(address.url, mode="pubsub")
    early, late, told = Recorder(), Recorder(), await hear_connections(publisher)
    early_bus = await make_stream_bus(address.url, mode="pubsub")
    await early_bus.subscribe("tick", early)
    address.lead_to(replica.port)
    swap(master, replica)
    await (await make_stream_bus(address.url, mode="pubsub")).subscribe("tick", late)
    published = 0
    while not late.seen or early.seen[-1:] <= late.seen[:1]:  # until the replica passes on what the new master gets
        await publisher.publish(tick(published))
        await publisher.flush()
        published += 1
    await until(lambda: early.seen[-1:] == late.seen[-1:] == [published - 1])
    assert late.seen == list(range(late.seen[0], published))
    assert early.seen == sorted(set(early.seen))
    assert len(early.seen) + early_bus.transport_statistics().missed == published
    assert any(reason.startswith("ReadOnlyError") for reason in told)
