"""The store of the release before rows were quarantined is read and sealed."""

import shutil
from pathlib import Path

import pytest

from tests.support.places import DATA
from tests.support.quarantine import (
    define_hint_of,
    define_rumour,
    ids,
    quarantined_rows,
    read_until_it_raises,
)
from tests.support.recording import read, record
from trading.events.errors import UnknownEventTypeError
from trading.events.persistence import verify

pytestmark = pytest.mark.usefixtures("classes_are_forgotten")

OLDER = DATA / "older_store"
"""Recorded by the release before rows were set apart: a row of no class, and rows that their class refused."""


def older_store(folder: Path) -> Path:
    store = folder / "store"
    shutil.copytree(OLDER, store)
    return store


class TestAStoreOfTheReleaseBefore:
    IDS = (
        "tick-0", "hint-1", "hint-2", "tick-3", "hint-4", "tick-5", "rumour-6", "tick-7", "tick-8", "hint-9",
        "hint-100000",
    )  # fmt: skip

    def test_every_event_of_it_is_sealed_and_read(self, tmp_path: Path) -> None:
        store = older_store(tmp_path)
        define_hint_of(int)
        define_rumour()
        for _ in range(2):
            record(store, [])
            assert ids(read(store)) == list(self.IDS)
        assert quarantined_rows(store) == []
        assert list(verify(store)) == []
        assert len(list((store / "_journal").iterdir())) == 1

    def test_it_waits_for_the_classes(self, tmp_path: Path) -> None:
        store = older_store(tmp_path)
        define_hint_of(int)
        record(store, [])
        found, error = read_until_it_raises(store)
        assert found == [each for each in self.IDS if "rumour" not in each]
        assert isinstance(error, UnknownEventTypeError)
        define_rumour()
        record(store, [])
        assert ids(read(store)) == list(self.IDS)

    def test_days_that_were_removed_do_not_come_back(self, tmp_path: Path) -> None:
        store = older_store(tmp_path)
        shutil.rmtree(store / "2024" / "01" / "01")
        define_hint_of(int)
        define_rumour()
        record(store, [])
        assert ids(read(store)) == ["tick-5", "rumour-6", "tick-7", "tick-8", "hint-9", "hint-100000"]
