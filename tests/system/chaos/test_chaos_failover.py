"""A master is lost, and its replica takes its place: in a cluster, and behind sentinels."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.doubles import Recorder, number_of, tick, ticks, until
from tests.support.server.cluster import Cluster, Watched
from tests.support.server.process import Server
from tests.system.chaos.test_chaos_streams import unflagged_repeats
from trading.events import BaseEvent, RedisEventBus, is_redelivered

QUICK: dict[str, Any] = {"reply_timeout_s": 1.0, "connect_timeout_s": 5.0, "claim_idle_s": 0.5}


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path)
    try:
        yield cluster.start()
    finally:
        cluster.kill()


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    watched = Watched(tmp_path)
    try:
        yield watched.start()
    finally:
        watched.kill()


async def lose_a_master(url: str, master: Server, namespace: str) -> None:
    """Publishes while a master is killed, and later comes back as a replica: all that was confirmed is handled."""
    handled: list[tuple[int, bool, str]] = []
    confirmed: list[int] = []
    is_over = False

    async def handle(event: BaseEvent) -> None:
        handled.append((number_of(event), is_redelivered(), "consumer"))

    publisher = RedisEventBus(url, mode="streams", namespace=namespace, min_replicas=1, **QUICK)
    consumer = RedisEventBus(url, mode="streams", namespace=namespace, group="g", **QUICK)
    consumer.on("tick")(handle)

    async def publish() -> None:
        while not is_over:
            batch = [tick(len(confirmed) + step) for step in range(10)]
            await publisher.publish_batch(batch)
            confirmed.extend(number_of(event) for event in batch)

    async with publisher, consumer:
        publishing = asyncio.create_task(publish())
        await until(lambda: len(handled) > 100)
        master.kill()
        at_the_kill = len(confirmed)
        await until(lambda: publisher.transport_statistics().reconnects)
        await asyncio.to_thread(master.start)  # a publish waits for a replica, which only this one can be
        await until(lambda: len(confirmed) > at_the_kill + 100)
        is_over = True
        await publishing
        await until(lambda: {number for number, *_ in handled} >= set(confirmed))
    assert unflagged_repeats(handled) == []
    assert publisher.transport_statistics().missed == 0


async def test_a_cluster_loses_a_master(cluster: Cluster) -> None:
    """Turned red by: asking for the master only once; taking MOVED for a refusal of the event."""
    await lose_a_master(cluster.url, cluster.master_of("one"), "one")


@pytest.mark.skipif("CHAOS_FAULTS" not in os.environ, reason="takes half a minute; a part of `make chaos`")
async def test_sentinels_appoint_another_master(watched: Watched) -> None:
    """Turned red by: asking the sentinels only once."""
    await lose_a_master(watched.url, watched.master, "watched")


async def test_publish_subscribe_in_a_cluster(cluster: Cluster) -> None:
    """Turned red by: buses of a namespace on different nodes, whose replies come before what they publish."""
    for namespace in ("one", "two", "three"):
        first = RedisEventBus(cluster.url, namespace=namespace, **QUICK)
        second = RedisEventBus(cluster.url, namespace=namespace, **QUICK)
        recorder = Recorder()
        async with first, second:
            await second.subscribe("tick", recorder)
            await first.publish_batch(ticks(range(100)))
            await until(lambda recorder=recorder: len(recorder.seen) == 100)
