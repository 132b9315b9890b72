"""What every benchmark of this package stands on."""

import asyncio
from collections.abc import Iterator

import pytest

from benchmarks.release import refuse_debug_build


def pytest_sessionstart() -> None:
    try:
        refuse_debug_build()
    except SystemExit as refused:
        pytest.exit(str(refused), returncode=1)


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    """One event loop, which a benchmark enters for each round."""
    with asyncio.Runner() as running:
        yield running
