"""A file is imported once: what identifies it, what is refused, and what is said."""

import asyncio
import os
import pickle
from pathlib import Path
from typing import Any

import pytest

from tests.support.recording import read, record, tick
from trading.events.errors import AlreadyImportedError, CorruptFileError, ImportFileError, StorePathError
from trading.events.importing import FileImport, MarketDataFile
from trading.events.persistence import remove_days, verify
from trading.events.persistence.parquet.journal import journal
from trading.events.persistence.parquet.store import import_notes

HEADER = "timestamp,price,quantity"


def write(path: Path, *quantities: int | str, header: str = HEADER) -> Path:
    rows = (f"2024-01-01T00:00:{n % 60:02}Z,1.10,{quantity}" for n, quantity in enumerate(quantities))
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def imported(path: Path, store: Path, *, again: bool = False, on_refused: Any = None, **options: Any) -> FileImport:
    """Imports a file."""
    with MarketDataFile(path, **{"exchange": "x", "symbol": "A/B"} | options) as file:
        work = FileImport(file, store, again=again, on_refused=on_refused)
        asyncio.run(work.run())
    return work


def quantities(store: Path) -> list[int]:
    return sorted(int(event.quantity) for event in read(store, event_type="trade"))  # type: ignore[attr-defined]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


def test_a_second_import_is_refused_and_records_nothing(tmp_path: Path, store: Path) -> None:
    path = write(tmp_path / "a.csv", 1, 2)
    assert imported(path, store).events == 2
    with pytest.raises(AlreadyImportedError, match=r"all its 2 events; .* with again=True") as raised:
        imported(path, store)
    assert quantities(store) == [1, 2]
    assert raised.value.events == 2
    assert f"{raised.value.at:%Y-%m-%d at %H:%M}" in str(raised.value)
    same = pickle.loads(pickle.dumps(raised.value))
    assert (str(same), same.at, same.events) == (str(raised.value), raised.value.at, 2)


def test_a_copy_under_another_name_is_the_same_file_and_is_named(tmp_path: Path, store: Path) -> None:
    imported(write(tmp_path / "a.csv", 1), store)
    with pytest.raises(AlreadyImportedError, match=r"b.csv: .* from a file of the same content, 'a.csv'"):
        imported(write(tmp_path / "b.csv", 1), store)


def test_other_content_under_the_same_name_is_another_file(tmp_path: Path, store: Path) -> None:
    imported(write(tmp_path / "a.csv", 1), store)
    imported(write(tmp_path / "a.csv", 2), store)
    assert quantities(store) == [1, 2]


@pytest.mark.parametrize("other", [{"symbol": "C/D"}, {"exchange": "y"}, {"event_type": "tick"}])
def test_another_symbol_exchange_or_type_is_another_import(tmp_path: Path, store: Path, other: dict[str, str]) -> None:
    path = write(tmp_path / "a.csv", 1, header="timestamp,last,price") if "event_type" in other else None
    path = path or write(tmp_path / "a.csv", 1)
    imported(path, store, columns={"quantity": "price", "price": "last"} if "event_type" in other else None)
    imported(path, store, **other)
    assert len(read(store)) == 2


def test_another_way_of_reading_is_none(tmp_path: Path, store: Path) -> None:
    path = write(tmp_path / "a.csv", 1)
    imported(path, store)
    with pytest.raises(AlreadyImportedError):
        imported(path, store, text_holds_doubles=True)


def test_files_without_events_are_refused_by_nobody(tmp_path: Path, store: Path) -> None:
    for name in ("a.csv", "b.csv", "a.csv"):
        assert imported(write(tmp_path / name), store).is_finished


def test_a_file_that_was_cut_off_and_fetched_again_is_refused_and_says_why(tmp_path: Path, store: Path) -> None:
    """Turned red by: looking for notes of the same content alone."""
    path = write(tmp_path / "a.csv", 1, 2, "broken")
    with pytest.raises(ImportFileError, match="line 4"):
        imported(path, store)
    write(path, 1, 2, 3)
    with pytest.raises(
        AlreadyImportedError, match="a file of this name, but of other content, was imported in part, 2"
    ):
        imported(path, store)
    assert imported(path, store, again=True).events == 3
    assert quantities(store) == [1, 1, 2, 2, 3]
    imported(write(path, 4), store)


def test_one_that_is_gone_on_with_must_be_read_as_before(tmp_path: Path, store: Path) -> None:
    """Turned red by: leaving the options out of the note."""
    path = write(tmp_path / "a.csv", 1, 2, "broken", 4)
    with pytest.raises(ImportFileError, match="line 4"):
        imported(path, store)
    with pytest.raises(
        AlreadyImportedError, match=r"in part, 2 .* time_unit was 'auto' and is 's'; give the same to go on"
    ):
        imported(path, store, time_unit="s")
    refused: list[Any] = []
    work = imported(path, store, on_refused=refused.append)
    assert (work.earlier, work.events, len(refused)) == (2, 1, 1)
    assert work.earlier_at is not None
    assert quantities(store) == [1, 2, 4]
    with pytest.raises(AlreadyImportedError, match="all its 3 events"):
        imported(path, store)


def test_what_others_record_in_between_is_not_counted(tmp_path: Path, store: Path) -> None:
    """Turned red by: settling when the import is gone on with, instead of when the store is opened."""
    path = write(tmp_path / "a.csv", 1, 2, "broken", 4)
    with pytest.raises(ImportFileError, match="line 4"):
        imported(path, store)
    record(store, [tick(number) for number in range(5)])
    assert imported(path, store, on_refused=lambda _: None).earlier == 2
    assert quantities(store) == [1, 2, 4]


def test_what_was_recorded_is_made_durable_before_it_is_counted(
    tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Turned red by: counting rows that a loss of power may still take."""
    with pytest.raises(ImportFileError, match="line 4"):
        imported(write(tmp_path / "a.csv", 1, 2, "broken"), store)
    done: list[str] = []
    sync, write_note = journal.sync_files, import_notes.replace_checked
    monkeypatch.setattr(journal, "sync_files", lambda *args: (done.append("sync"), sync(*args)))
    monkeypatch.setattr(import_notes, "replace_checked", lambda *args: (done.append("count"), write_note(*args)))
    record(store, [tick(1)])
    record(store, [tick(2)])
    assert done == ["sync", "count"]


def test_a_file_that_changes_meanwhile_has_not_been_imported(tmp_path: Path, store: Path) -> None:
    """Turned red by: finishing without a look at the file."""
    path = write(tmp_path / "a.csv", 1, 2)
    with MarketDataFile(path, exchange="x", symbol="A/B") as file:
        work = FileImport(file, store, on_batch=lambda: os.utime(path, ns=(1, 1)))
        with pytest.raises(ImportFileError, match="has changed while it was imported"):
            asyncio.run(work.run())
    assert not work.is_finished


def test_days_that_were_removed_are_not_imported_again(tmp_path: Path, store: Path) -> None:
    path = write(tmp_path / "a.csv", 1)
    work = imported(path, store)
    assert work.last is not None
    remove_days(store, before=work.last.date().replace(year=2025))
    with pytest.raises(AlreadyImportedError):
        imported(path, store)


def note_of(store: Path) -> Path:
    [note] = (store / "_imports").glob("*.json")
    return note


def test_a_note_that_cannot_be_read_is_named_by_verify_and_holds_no_other_file_up(tmp_path: Path, store: Path) -> None:
    path = write(tmp_path / "a.csv", 1)
    imported(path, store)
    note = note_of(store)
    note.write_bytes(note.read_bytes().replace(b"a.csv", b"b.csv"))
    [fault] = verify(store)
    assert fault.path == note
    with pytest.raises(CorruptFileError, match="checksum"):
        imported(path, store)
    imported(write(tmp_path / "b.csv", 2), store)
    assert quantities(store) == [1, 2]


def test_an_unfinished_note_that_cannot_be_read_stops_no_recording(
    tmp_path: Path, store: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ImportFileError, match="line 3"):
        imported(write(tmp_path / "a.csv", 1, "broken"), store)
    note_of(store).write_bytes(b"{}")
    record(store, [tick(1)])
    assert any("cannot be imported until it is removed" in line for line in caplog.messages)


def test_an_unfinished_note_of_a_later_version_keeps_the_store_closed(
    tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its release would count what is recorded now as the import's."""
    path = write(tmp_path / "a.csv", 1, "broken")
    monkeypatch.setattr(
        import_notes.ImportNote, "model_dump_json", later_version(import_notes.ImportNote.model_dump_json)
    )
    with pytest.raises(ImportFileError, match="line 3"):
        imported(path, store)
    monkeypatch.undo()
    with pytest.raises(CorruptFileError, match="version 2; this release reads up to 1"):
        record(store, [tick(1)])
    assert quantities(store) == [1]


def later_version(dump: Any) -> Any:
    return lambda note: dump(note).replace('"version":1', '"version":2')


def test_a_store_without_notes_is_imported_into(tmp_path: Path, store: Path) -> None:
    record(store, [tick(1)])
    assert not (store / "_imports").exists()
    assert imported(write(tmp_path / "a.csv", 1), store).events == 1


def test_there_must_be_a_store_to_be_made(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", 1)
    with pytest.raises(StorePathError):
        imported(path, path)
