"""What not every transport promises. `tests/data/promises.toml` says which tests hold which of these promises."""

import tomllib
from pathlib import Path

from tests.support.places import DATA

_TABLE = tomllib.loads((DATA / "promises.toml").read_text())

HELD_BY: dict[str, frozenset[str]] = {promise: frozenset(row["tests"]) for promise, row in _TABLE.items()}
"""The tests that hold a promise, as `file::function`."""

_FAR = frozenset({"backpressure", "immediate", "own", "unshared"})

LESSER: dict[str, frozenset[str]] = {
    "memory": frozenset(),
    "packing": frozenset(),
    "redis-pubsub": _FAR | {"blocking"},
    "redis-streams": _FAR | {"finished"},
    "redis-group": _FAR | {"finished", "bare"},
    "hybrid": frozenset({"unrouted", "unshared"}),
}
"""The promises that a kind of bus does not make."""


HERE = Path(__file__).parent


def name_of(path: Path) -> str:
    """The name in the table of a file of tests: its path in this folder."""
    return path.relative_to(HERE).as_posix()


def missing_promise(kind: str, test: str) -> str | None:
    """The promise that a kind of bus does not make and a test holds, or None."""
    return next((promise for promise in sorted(LESSER[kind]) if test in HELD_BY[promise]), None)
