"""Fixtures for every test."""

import gc
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest
from hypothesis import settings

from tests.support.patience import HANG_S
from tests.support.server.process import Server
from tests.support.standing import tasks_standing

# Else ArcticDB waits for a second when it first lists a store, in case another machine does so too.
os.environ["ARCTICDB_STORAGELOCK_WAITMS_INT"] = "0"

pytest_plugins = ["tests.support.forgetting", "tests.support.skips"]

_HERE = Path(__file__).parent
_LONG = {"chaos", "crash", "test_docs.py", "test_figures.py", "test_types_example.py"}

settings.register_profile("usual", deadline=None)
settings.register_profile("thorough", deadline=None, max_examples=5_000)
settings.load_profile("usual")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests come first, so that no process is left with one while the others have ended."""
    items.sort(key=lambda item: _LONG.isdisjoint(item.path.relative_to(_HERE).parts))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> None:
    """Measures coverage in the tests of the modules alone: to measure a test makes it half as long again."""
    coverage = getattr(item.config.pluginmanager.get_plugin("_cov"), "cov_controller", None)
    is_measured = item.path.is_relative_to(_HERE / "events")
    if coverage is not None and coverage.started != is_measured:
        (coverage.resume if is_measured else coverage.pause)()


@pytest.fixture(scope="module", autouse=True)
def old_objects_stay() -> None:
    """What stands when a module's tests begin stays: its tests' garbage collections need not look at it."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for the whole run. A test that does harm to its server starts its own."""
    server = Server(tmp_path_factory.mktemp("server")).start()
    yield server
    server.kill()


_AGAIN_S = 10.0
"""Longer than it takes to report a failure."""


class HungError(SystemExit):
    """A test ran too long. A SystemExit, because an asyncio task keeps any other exception to itself."""


@pytest.fixture
def hang_limit_s() -> float:
    """How long a test may run; a module whose tests take longer overrides this fixture."""
    return HANG_S


@pytest.fixture(autouse=True)
def hang_guard(hang_limit_s: float) -> Iterator[None]:
    """Makes a hang a failure: the test is interrupted, and again every ten seconds if its clean-up hangs too.

    The failure tells where every task stood.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise HungError(f"still running after {hang_limit_s} s\n{tasks_standing()}")

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, hang_limit_s, _AGAIN_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
