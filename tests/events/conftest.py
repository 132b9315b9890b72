"""Buses over the tests' own server."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.support.server.process import Server
from trading.events import RedisEventBus

MakeBus = Callable[..., Awaitable[RedisEventBus]]


@pytest.fixture
def namespace() -> str:
    """A namespace that no other test uses."""
    return uuid4().hex


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A server that the test may harm."""
    server = Server(tmp_path / "server").start()
    yield server
    server.kill()


@asynccontextmanager
async def _maker(usual_url: str, **usual: Any) -> AsyncIterator[MakeBus]:
    made: list[RedisEventBus] = []

    async def make(url: str = usual_url, **options: Any) -> RedisEventBus:
        bus = RedisEventBus(url, **usual | options)
        made.append(bus)
        return await bus.__aenter__()

    yield make
    for bus in made:
        await bus.aclose(timeout_s=0)


@pytest.fixture
async def make_bus(server: Server, namespace: str) -> AsyncIterator[MakeBus]:
    """Makes buses that share a namespace, and closes them."""
    async with _maker(server.url, namespace=namespace) as make:
        yield make


@pytest.fixture
async def make_stream_bus(server: Server, namespace: str) -> AsyncIterator[MakeBus]:
    """Makes buses over streams that share a namespace, and closes them."""
    async with _maker(server.url, namespace=namespace, mode="streams") as make:
        yield make
