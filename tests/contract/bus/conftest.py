"""What the contract's tests need: a bus of each kind, on each kind of loop."""

import os
import subprocess
import textwrap
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping
from functools import partial
from typing import Any

import pytest

from tests.support.doubles import FAR_BUSES, Bus, assert_balanced

from .buses import BUS_TYPES, LOOPS, SERVER_URL, MakeLoop, run_in
from .fresh import FreshProcesses
from .promises import HERE, missing_promise, name_of


def pytest_asyncio_loop_factories() -> Mapping[str, MakeLoop]:
    """Runs each asynchronous test on every kind of loop."""
    return LOOPS


ON_UVLOOP_TOO = {"test_closing.py", "test_delivery.py", "test_lifetime.py"}
"""Where a far bus is tried on uvloop: what a loop sees most of is its local half, the memory bus, tried everywhere."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what a kind of bus does not promise, and what would only cost time."""
    spare = {item for item in items if isinstance(item, pytest.Function) and _is_spare(item)}
    config.hook.pytest_deselected(items=list(spare))
    items[:] = [item for item in items if item not in spare]


def _is_spare(test: pytest.Function) -> bool:
    if not test.path.is_relative_to(HERE):
        return False
    chosen: Mapping[str, Any] = test.callspec.params if hasattr(test, "callspec") else {}
    kind = chosen.get("bus_kind", "memory")
    if missing_promise(kind, f"{name_of(test.path)}::{test.originalname}") is not None:
        return True
    is_on_uvloop = chosen.get("loop_kind") == "uvloop" or any(choice is LOOPS["uvloop"] for choice in chosen.values())
    kinds = {"memory", "redis-streams"} if test.path.name in ON_UVLOOP_TOO else {"memory"}
    return is_on_uvloop and kind not in kinds


@pytest.fixture(params=BUS_TYPES)
def bus_kind(request: pytest.FixtureRequest) -> str:
    """The name of a kind of bus."""
    kind = str(request.param)
    FAR_BUSES.clear()
    if kind not in {"memory", "packing"}:
        os.environ[SERVER_URL] = request.getfixturevalue("server").url
    return kind


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


RunMain = Callable[[Coroutine[Any, Any, object]], None]


@pytest.fixture(params=LOOPS)
def loop_kind(request: pytest.FixtureRequest) -> str:
    """The name of a kind of event loop, for tests that make their loops themselves."""
    return str(request.param)


@pytest.fixture
def run(loop_kind: str) -> RunMain:
    """`asyncio.run` on a kind of loop."""
    return partial(run_in, loop_kind)


@pytest.fixture(scope="session")
def fresh_processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FreshProcesses]:
    processes = FreshProcesses(tmp_path_factory.mktemp("fresh"))
    yield processes
    processes.kill()


@pytest.fixture
def run_script(
    fresh_processes: FreshProcesses, bus_kind: str, loop_kind: str
) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """Runs a program in a process of its own.

    `make_bus` makes it a bus, `make_loop` a loop, and `run` is its `asyncio.run`.
    """
    head = (
        "from functools import partial\n"
        "from tests.contract.bus.buses import BUS_TYPES, LOOPS, run_in\n"
        f"make_bus, make_loop, run = BUS_TYPES[{bus_kind!r}], LOOPS[{loop_kind!r}], partial(run_in, {loop_kind!r})\n"
    )

    def run_source(source: str) -> subprocess.CompletedProcess[str]:
        return fresh_processes.run(head + textwrap.dedent(source), **{SERVER_URL: os.environ.get(SERVER_URL, "")})

    return run_source
