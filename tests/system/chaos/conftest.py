"""Servers that are harmed."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.server.process import Server


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts servers with these options, and kills them when the test ends."""
    started: list[Server] = []

    def start(**options: str) -> Server:
        started.append(Server(tmp_path / f"server-{len(started)}", **options).start())
        return started[-1]

    yield start
    for server in started:
        server.kill()
