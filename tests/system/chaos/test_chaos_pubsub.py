"""Publish/subscribe: every event that is lost is accounted for by a gap."""

import random
from pathlib import Path
from typing import Any

import pytest

from tests.support.doubles import Recorder, tick, until
from tests.support.server.process import Server
from tests.support.server.proxy import CuttingProxy
from tests.system.chaos.test_chaos_streams import FAULTS, FAULTS_OF_A_SERVER, QUICK, strike
from trading.events import RedisEventBus


@pytest.fixture
def hang_limit_s() -> float:
    return 60.0 + 2 * FAULTS


async def test_every_event_that_is_lost_is_told_of(tmp_path: Path) -> None:
    """Turned red by: a sender that forgets its numbers when it connects again; a receiver that does so."""
    chance = random.Random(11)
    server = Server(tmp_path / "server").start()
    proxy = await CuttingProxy(server.port).start()
    options: dict[str, Any] = QUICK | {"ping_interval_s": 0.2}
    recorder = Recorder()
    publisher, hearer = RedisEventBus(proxy.url, **options), RedisEventBus(proxy.url, **options)
    async with publisher, hearer:
        await hearer.subscribe("tick", recorder)
        published = 0
        kinds = FAULTS_OF_A_SERVER
        for number in range(FAULTS):
            seen = len(recorder.seen)
            while len(recorder.seen) == seen:  # each fault strikes while events are on their way
                await publisher.publish(tick(published))
                published += 1
            for _ in range(200):
                await publisher.publish(tick(published))
                published += 1
            await strike(kinds[number % len(kinds)], server, proxy, chance)
        await publisher.flush()
        await until(lambda: len(recorder.seen) + hearer.transport_statistics().missed >= published)
    await proxy.close()
    server.kill()
    missed = hearer.transport_statistics().missed
    print(f"{FAULTS} faults: {published} published, {len(recorder.seen)} handled, {missed} missed and told of")
    assert len(recorder.seen) == len(set(recorder.seen))
    assert recorder.seen == sorted(recorder.seen)
    assert len(recorder.seen) + missed == published
