"""The server that answers as a test says."""

from collections.abc import Iterator

import pytest

from tests.support.stores.scripted import ScriptedServer


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server
