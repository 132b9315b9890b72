"""The buses that are held to the contract, and what their tests need."""

import os
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from trading.events import InMemoryEventBus

from .doubles import Bus, assert_balanced

BUS_TYPES: dict[str, Callable[..., Bus]] = {"memory": InMemoryEventBus}
"""Every kind of bus; a new one is held to the contract by a line here."""


@pytest.fixture
def hang_limit_s() -> float:
    return 20.0


@pytest.fixture(params=BUS_TYPES)
def bus_kind(request: pytest.FixtureRequest) -> str:
    """The name of a kind of bus."""
    return str(request.param)


@pytest.fixture
def bus_type(bus_kind: str) -> Callable[..., Bus]:
    """A kind of bus: called with its options it makes one, in or outside of a loop."""
    return BUS_TYPES[bus_kind]


MakeBus = Callable[..., Awaitable[Bus]]


@pytest.fixture
async def make_bus(bus_type: Callable[..., Bus]) -> AsyncIterator[MakeBus]:
    """Makes buses that are closed when the test ends, and checks that each one's accounts balance."""
    made: list[Bus] = []

    async def make(**options: Any) -> Bus:
        made.append(bus_type(**options))
        return made[-1]

    yield make
    for bus in made:
        assert_balanced(bus)
        await bus.aclose(timeout_s=0)
        assert_balanced(bus)
        assert bus.statistics().waiting == 0


@pytest.fixture
async def bus(make_bus: MakeBus) -> Bus:
    """A bus with all its defaults."""
    return await make_bus()


@pytest.fixture
def run_script(bus_kind: str) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """Runs a program in a fresh interpreter that is killed if it hangs. `make_bus` makes it a bus."""
    head = f"from tests.contract.conftest import BUS_TYPES\nmake_bus = BUS_TYPES[{bus_kind!r}]\n"

    def run(source: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - the programs stand in the tests
            [sys.executable, "-X", "dev", "-c", head + textwrap.dedent(source)],
            capture_output=True,
            text=True,
            timeout=15,
            check=False,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )

    return run
