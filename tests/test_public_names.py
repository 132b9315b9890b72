"""What programs and scripts call by name stays: tests/data/public_names.toml may gain lines, and loses none."""

import argparse
import inspect
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from operator import attrgetter

import pytest

from tests.support.places import DATA
from trading import events
from trading.events import _core, persistence
from trading.events.cli import _parser

NAMES = tomllib.loads((DATA / "public_names.toml").read_text(encoding="utf-8"))


def commands() -> dict[str, argparse.ArgumentParser]:
    """The parsers of the command line's commands."""
    for action in _parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    raise AssertionError("there are no commands")


@pytest.mark.parametrize("name", NAMES["trading.events"])
def test_the_package_has_its_public_names(name: str) -> None:
    assert name in events.__all__
    assert hasattr(events, name)


@pytest.mark.parametrize("name", NAMES["trading.events.persistence"])
def test_persistence_has_its_public_names(name: str) -> None:
    assert name in persistence.__all__
    assert hasattr(persistence, name)


@pytest.mark.parametrize("name", NAMES["on demand"])
def test_what_needs_extras_is_found_by_name(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    assert attribute in {"trading.events": events, "trading.events.persistence": persistence}[module]._ON_DEMAND


@pytest.mark.parametrize("command", NAMES["commands"])
def test_commands_take_their_options(command: str) -> None:
    options = {option for action in commands()[command]._actions for option in action.option_strings or [action.dest]}
    assert options >= set(NAMES["commands"][command])


def test_every_name_is_listed() -> None:
    assert set(events.__all__) == set(NAMES["trading.events"])
    assert set(persistence.__all__) == set(NAMES["trading.events.persistence"])
    assert set(commands()) == set(NAMES["commands"])


def test_the_version_is_that_of_the_distribution() -> None:
    assert events.__version__ == version("trading-events")


def _native_names() -> Iterator[str]:
    for name, found in sorted(vars(_core).items()):
        if not name.startswith("_"):
            yield name
            if isinstance(found, type):
                yield from (f"{name}.{member}" for member in sorted(vars(found)) if not member.startswith("_"))


@pytest.mark.parametrize("name", [name for name in _native_names() if name not in {"DEBUG_BUILD", "VERSION"}])
def test_a_native_name_has_its_docstring_at_run_time(name: str) -> None:
    """Turned red by: a function of the seam without a line of documentation."""
    assert inspect.getdoc(attrgetter(name)(_core))
