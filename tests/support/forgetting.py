"""Fixtures that forget what a test has left where the whole process sees it."""

from collections.abc import Iterator

import pytest

from tests.support.classes.converting import CALLS
from trading.events import base


@pytest.fixture
def classes_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Classes that a test defines are forgotten when it ends."""
    monkeypatch.setattr(base, "_CLASSES", dict(base._CLASSES))


@pytest.fixture
def calls_are_forgotten() -> Iterator[None]:
    """Calls that a test counts in `CALLS` are forgotten when it ends."""
    yield
    CALLS.clear()
