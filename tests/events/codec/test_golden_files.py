"""What earlier releases have written stays readable, and is written the same: a file of each format holds it."""

import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.events.codec.golden import (
    FIRST_SEQ,
    GOLDEN,
    IMPORT_NOTE,
    MANIFEST,
    NOTE,
    PUBLISHER,
    SEGMENT,
    golden_events,
    make_golden_files,
    make_golden_store,
    raw_events,
    stored_events,
)
from trading.events import _core, decode_batch, decode_event, encode_event
from trading.events.base import BaseEvent
from trading.events.persistence import EventReader, ParquetEventWriter, verify
from trading.events.persistence.parquet.store.import_notes import ImportNotes
from trading.events.persistence.parquet.store.manifest import read_manifest
from trading.events.transport.frame import BEAT, read_frame

FILES = ("events.msgpack", "batch.msgpack", "events.frame", "beat.frame", SEGMENT, "_manifest", NOTE)


def exactly(events: list[BaseEvent]) -> list[tuple[type[BaseEvent], str]]:
    """What tells events apart that are equal but for the digits of a decimal."""
    return [(type(event), repr(event)) for event in events]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A copy of the golden store, for one that is opened for writing changes."""
    return shutil.copytree(GOLDEN / "store", tmp_path / "store")


@pytest.mark.parametrize("name", FILES)
def test_every_format_is_written_to_the_byte_as_before(tmp_path: Path, name: str) -> None:
    make_golden_files(tmp_path)
    assert (tmp_path / name).read_bytes() == (GOLDEN / name).read_bytes()


def test_encoded_events_are_read() -> None:
    data = (GOLDEN / "events.msgpack").read_bytes()
    assert data == b"".join(map(encode_event, golden_events()))
    assert exactly(decode_batch((GOLDEN / "batch.msgpack").read_bytes())) == exactly(golden_events())


def test_frames_are_read() -> None:
    frame = read_frame((GOLDEN / "events.frame").read_bytes())
    assert (frame.publisher, frame.sequence, frame.count) == (PUBLISHER, 1, len(golden_events()))
    assert exactly(frame.events()) == exactly(golden_events())
    beat = read_frame((GOLDEN / "beat.frame").read_bytes(), kind=BEAT)
    assert beat.beat() == {b"channel": len(golden_events())}


def test_segments_of_the_journal_are_read(tmp_path: Path) -> None:
    shutil.copy(GOLDEN / SEGMENT, tmp_path)
    [segment] = _core.open_segments(tmp_path)
    rows = segment.read()
    assert (rows.damaged, rows.torn_bytes) == ([], 0)
    found = rows.slice(0, len(rows))
    assert [seq for seq, _ in found] == list(range(FIRST_SEQ, FIRST_SEQ + len(found)))
    assert exactly([decode_event(row) for _, row in found]) == exactly(golden_events())


def test_manifests_are_read() -> None:
    assert read_manifest(GOLDEN) == MANIFEST


def test_notes_of_imports_are_read(tmp_path: Path) -> None:
    (tmp_path / "_imports").mkdir()
    shutil.copy(GOLDEN / NOTE, tmp_path / "_imports")
    assert ImportNotes(tmp_path).read(IMPORT_NOTE.source.key) == IMPORT_NOTE


def test_a_store_is_read_with_what_its_killed_writer_left_in_the_journal(store: Path) -> None:
    sealed, unsealed = stored_events()
    assert exactly(list(EventReader(store).read_range())) == exactly(sealed + unsealed)
    assert not list(verify(store))


def test_a_store_of_raw_events_is_read() -> None:
    store = GOLDEN / "raw_store"
    found = list(EventReader(store).read_range(unknown="mapping"))
    assert found == raw_events()
    assert [encode_event(event) for event in found] == [event.encoded for event in raw_events()]
    assert found[0]["rate"] == "0.00010"  # type: ignore[index]
    assert not list(verify(store))


async def test_a_store_is_written_on(store: Path) -> None:
    sealed, unsealed = stored_events()
    async with ParquetEventWriter(store):
        pass
    assert exactly(list(EventReader(store).read_range())) == exactly(sealed + unsealed)
    assert not (store / "_journal" / "00000000000000000003.segment").exists()


def test_parquet_files_have_the_columns_types_and_metadata_of_before(tmp_path: Path) -> None:
    make_golden_store(tmp_path)
    paths = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.parquet"))
    assert paths == sorted(path.relative_to(GOLDEN / "store") for path in (GOLDEN / "store").rglob("*.parquet"))
    for path in paths:
        written, golden = (pq.read_schema(folder / path) for folder in (tmp_path, GOLDEN / "store"))
        assert written.equals(golden, check_metadata=True), path
