"""Catching up on buses over a server, whose own recorder writes to the store."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.support.doubles import until
from tests.support.recording import START, tick
from tests.support.server.process import Server
from trading.events import HybridEventBus, RedisEventBus
from trading.events.persistence import EventReader, ParquetEventWriter


@pytest.mark.parametrize("kind", [RedisEventBus, HybridEventBus])
@pytest.mark.parametrize("mode", ["pubsub", "streams"])
async def test_a_late_subscription_misses_nothing_that_this_bus_records(
    server: Server, tmp_path: Path, kind: Any, mode: str
) -> None:
    """Turned red by: reading the store before the recorder has caught up."""
    count = 1_500
    async with ParquetEventWriter(tmp_path) as writer, kind(server.url, mode=mode, namespace=uuid4().hex) as bus:
        recording = await bus.subscribe("*", writer.write_event)
        publishing = asyncio.create_task(bus.publish_batch(tick(number) for number in range(count)))
        await until(lambda: bus.statistics().subscriptions[recording].accepted > count // 3 or publishing.done())
        heard: list[str] = []
        reader = EventReader(tmp_path)
        sid = await bus.subscribe("tick", lambda event: heard.append(event.event_id), start=START, store=reader)
        await bus.caught_up(sid)
        await publishing
        await bus.join()
    assert heard == [f"tick-{number}" for number in range(count)]


async def test_the_members_of_a_group_cannot_begin_with_a_store(server: Server, tmp_path: Path) -> None:
    async with ParquetEventWriter(tmp_path):
        pass
    async with RedisEventBus(server.url, mode="streams", group="traders", namespace=uuid4().hex) as bus:
        with pytest.raises(ValueError, match="a share of the events"):
            await bus.subscribe("tick", print, start=START, store=EventReader(tmp_path))
        assert not bus.statistics().subscriptions
