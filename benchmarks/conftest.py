"""What every benchmark of this package stands on."""

import asyncio
from collections.abc import Iterator

import pytest

from benchmarks.release import refuse_debug_build


def pytest_sessionstart() -> None:
    refuse_debug_build()


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    """One event loop, which a benchmark enters for each round."""
    with asyncio.Runner() as running:
        yield running
