"""Buses over the tests' own server."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest

from tests.support.server.process import Server
from trading.events import RedisEventBus

MakeStreamBus = Callable[..., Awaitable[RedisEventBus]]


@pytest.fixture
def namespace() -> str:
    """A namespace that no other test uses."""
    return uuid4().hex


@pytest.fixture
async def make_stream_bus(server: Server, namespace: str) -> AsyncIterator[MakeStreamBus]:
    """Makes buses over streams that share a namespace, and closes them."""
    made: list[RedisEventBus] = []

    async def make(url: str = server.url, **options: Any) -> RedisEventBus:
        bus = RedisEventBus(url, **{"mode": "streams", "namespace": namespace} | options)
        made.append(bus)
        return await bus.__aenter__()

    yield make
    for bus in made:
        await bus.aclose(timeout_s=0)
