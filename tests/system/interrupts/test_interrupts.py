"""However and whenever a command is interrupted, it ends in one line and leaves nothing behind: a few times each, with
a fixed seed; `make interrupts` is long."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.server.process import Server
from tests.support.signals import default_signals
from tests.system.interrupts.commands import Command, commands, make_template
from tests.system.interrupts.publisher import publishing
from tests.system.interrupts.runs import interrupt_often

_TIMES = 4


@pytest.fixture(autouse=True, scope="module")
def _default_signals() -> Iterator[None]:
    with default_signals():
        yield


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("interrupts")
    make_template(folder / "template")
    return folder


@pytest.fixture(scope="module")
def busy_url(server: Server) -> Iterator[str]:
    """The URL of a server on which events are published all the time."""
    with publishing(server.url):
        yield server.url


@pytest.fixture
def command(request: pytest.FixtureRequest, busy_url: str) -> Command:
    return next(command for command in commands(busy_url) if command.name == request.param)


@pytest.mark.parametrize("command", [command.name for command in commands("redis://")], indirect=True)
def test_a_command_that_is_interrupted_ends_in_one_line_and_leaves_nothing(command: Command, work: Path) -> None:
    faults = interrupt_often(command, work, times=_TIMES, seed=1).faults
    assert not faults, "\n".join(faults)
