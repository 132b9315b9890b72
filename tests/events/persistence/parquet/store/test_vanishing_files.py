"""Files, days and stores that change or vanish while they are read are named."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.events.persistence.parquet.store.spoiled import (
    BAD,
    GOOD,
    bad_file,
    read_until_it_raises,
    spoilable,
)
from trading.events.errors import CorruptFileError
from trading.events.persistence import EventReader
from trading.events.persistence.parquet.reading import listing, part


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return spoilable(tmp_path)


def test_a_file_that_vanishes_between_listing_and_opening_is_named(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_manifest = listing.read_manifest

    def read_and_lose(folder: Path) -> Any:
        found = read_manifest(folder)
        bad_file(store).unlink(missing_ok=True)
        return found

    monkeypatch.setattr(listing, "read_manifest", read_and_lose)
    events, error = read_until_it_raises(EventReader(store))
    assert events == GOOD
    assert str(error) == f"{bad_file(store)}: it has vanished since it was listed"


def test_a_file_that_vanishes_after_it_was_found_is_named(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find_part = listing.find_part

    def find_and_lose(path: Path, *args: Any, **more: Any) -> Any:
        found = find_part(path, *args, **more)
        if path == bad_file(store):
            path.unlink()
        return found

    monkeypatch.setattr(listing, "find_part", find_and_lose)
    events, error = read_until_it_raises(EventReader(store))
    assert events == GOOD
    assert "it has vanished" in str(error)


def test_a_file_that_gets_shorter_while_it_is_read_is_named(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    iterate = part._iterate

    def iterate_short(file: Any, *args: Any) -> Any:
        batches = list(iterate(file, *args))
        return iter(batches if batches[0].column("symbol")[0].as_py() == "ETH/USDT" else batches[:-1])

    monkeypatch.setattr(part, "_iterate", iterate_short)
    events, error = read_until_it_raises(EventReader(store))
    assert events == GOOD
    assert "100 of its rows are missing" in str(error)


@pytest.mark.parametrize("has_manifest", [True, False])
def test_a_day_that_cannot_be_listed_is_named(
    store: Path, monkeypatch: pytest.MonkeyPatch, *, has_manifest: bool
) -> None:
    day = store / "2024/01/02"
    shutil.copytree(store / "2024/01/01", day)
    if not has_manifest:
        (day / "_manifest").unlink()
    read_bytes, list_parts = Path.read_bytes, listing.list_parts

    def read_some(path: Path) -> bytes:
        if path == day / "_manifest" and has_manifest:
            raise PermissionError(13, "Permission denied")
        return read_bytes(path)

    def list_some(folder: Path) -> list[Path]:
        if folder == day:
            raise PermissionError(13, "Permission denied")
        return list_parts(folder)

    monkeypatch.setattr(Path, "read_bytes", read_some)
    monkeypatch.setattr(listing, "list_parts", list_some)
    events, error = read_until_it_raises(EventReader(store))
    assert len(events) == len(GOOD) + len(BAD)
    assert str(error).startswith(str(day))
    assert "Permission denied" in str(error)


def test_a_store_that_vanishes_is_named(store: Path) -> None:
    reader = EventReader(store)
    shutil.rmtree(store)
    for question in (reader.count, reader.time_span, reader.topics, reader.read_table):
        with pytest.raises(CorruptFileError, match="has vanished"):
            question()
