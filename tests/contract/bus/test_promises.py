"""The table of promises is about tests that there are."""

import re

from .promises import HELD_BY, HERE, LESSER, name_of


def test_every_test_in_the_table_exists() -> None:
    """Turned red by: a test that was renamed."""
    existing = {
        f"{name_of(path)}::{name}"
        for path in HERE.rglob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(), re.MULTILINE)
    }
    assert frozenset().union(*HELD_BY.values()) - existing == set()


def test_what_a_bus_does_not_promise_stands_in_the_table() -> None:
    """Turned red by: a promise that was renamed."""
    assert frozenset().union(*LESSER.values()) - set(HELD_BY) == set()
