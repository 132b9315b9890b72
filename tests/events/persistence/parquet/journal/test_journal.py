"""The native journal: what was appended is found by number, whatever became of the process or of the file."""

import errno
import resource
import threading
from pathlib import Path
from typing import Any

import pytest

from trading.events import _core

SEGMENT = "{:020}.segment".format


def open_journal(folder: Path, number: int = 1, seq: int = 1, **options: Any) -> _core.Journal:
    """A journal whose segments are long, unless it is said otherwise."""
    defaults = {
        "most_rows": 1_000,
        "most_bytes": 1 << 20,
        "most_unsynced_bytes": 1 << 20,
        "is_deferred": False,
    }
    return _core.Journal(folder, number, seq, **defaults | options)


def rows_of(folder: Path) -> list[tuple[int, bytes]]:
    """All rows of a journal, in order."""
    return [row for segment in _core.open_segments(folder) for row in all_rows(segment)]


def all_rows(segment: _core.Segment) -> list[tuple[int, bytes]]:
    rows = segment.read()
    return rows.slice(0, len(rows))


def test_rows_are_in_the_file_when_append_returns(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    journal.append(b"one")
    assert rows_of(tmp_path) == [(1, b"one")]
    journal.append_batch([b"two", b"", b"\0" * 9])
    assert rows_of(tmp_path) == [(1, b"one"), (2, b"two"), (3, b""), (4, b"\0" * 9)]


def test_deferred_rows_are_in_the_file_when_they_are_synced_or_the_segment_ends(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, is_deferred=True)
    journal.append(b"one")
    assert rows_of(tmp_path) == []
    journal.sync()
    assert rows_of(tmp_path) == [(1, b"one")]
    journal.append(b"two")
    journal.rotate()
    assert rows_of(tmp_path) == [(1, b"one"), (2, b"two")]


def test_append_tells_of_the_first_row_to_be_synced_and_of_each_limit_once(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, most_rows=3)
    assert [journal.append(b"") for _ in range(4)] == [True, False, True, False]
    journal.sync()
    assert journal.append(b"")
    assert not journal.append_batch([])
    sized = open_journal(tmp_path, 9, 1, most_bytes=60, most_unsynced_bytes=320)
    assert [sized.append(b"1234") for _ in range(5)] == [True, False, True, True, False]


def test_a_rotated_journal_goes_on_in_a_new_segment(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, 7, 100)
    assert journal.rotate() is None
    journal.append(b"one")
    assert (journal.rows, journal.size_bytes, journal.number, journal.next_seq) == (1, 19, 7, 101)
    assert journal.rotate() == 7
    journal.append(b"two")
    first, second = _core.open_segments(tmp_path)
    assert (first.path, first.number, first.first_seq, first.limit) == (tmp_path / SEGMENT(7), 7, 100, 101)
    assert (second.number, second.first_seq) == (8, 101)
    assert [all_rows(first), all_rows(second)] == [[(100, b"one")], [(101, b"two")]]


def test_a_segment_is_made_ahead_when_the_newest_is_half_full_and_taken_at_the_next_rotation(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, most_rows=4)
    journal.append_batch([b"1", b"2"])
    journal.prepare()
    assert len(_core.open_segments(tmp_path)) == 1
    journal.append(b"3")
    journal.prepare()
    journal.prepare()
    _, ahead = _core.open_segments(tmp_path)
    assert (ahead.number, ahead.first_seq, len(ahead.read())) == (2, None, 0)
    assert (ahead.read().torn_bytes, ahead.read().damaged) == (0, [])
    journal.append(b"4")
    assert (journal.number, journal.rows) == (2, 0)
    journal.append(b"5")
    first, second = _core.open_segments(tmp_path)
    assert (second.number, second.first_seq, first.limit) == (2, 5, 5)
    assert rows_of(tmp_path) == [(number, b"%d" % number) for number in range(1, 6)]


def test_a_segment_made_ahead_that_nobody_wants_is_removed(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, most_rows=1)
    journal.append(b"1")
    journal.append_batch([])
    assert journal.rotate() is None
    journal = open_journal(tmp_path, 9, 2, most_rows=3)
    journal.append_batch([b"2", b"3"])
    journal.prepare()
    journal.discard_prepared()
    journal.discard_prepared()
    assert rows_of(tmp_path) == [(1, b"1"), (2, b"2"), (3, b"3")]
    assert [segment.number for segment in _core.open_segments(tmp_path)] == [1, 2, 9]
    assert journal.rotate() == 9


def test_a_segment_that_is_held_can_be_read_when_it_has_been_removed(tmp_path: Path) -> None:
    open_journal(tmp_path).append(b"one")
    [segment] = _core.open_segments(tmp_path)
    segment.path.unlink()
    assert all_rows(segment) == [(1, b"one")]
    assert rows_of(tmp_path) == []


def test_a_sync_tells_up_to_where_all_is_on_the_disk(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, most_unsynced_bytes=10)
    journal.append(b"one")
    assert (journal.synced, journal.place) == (0, 19)
    with pytest.raises(BlockingIOError, match="the disk is behind"):
        journal.append(b"two")
    assert journal.sync() == journal.synced == 19
    journal.append(b"two")
    assert rows_of(tmp_path) == [(1, b"one"), (2, b"two")]


def test_threads_that_append_at_once_share_the_numbers(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, most_unsynced_bytes=1 << 30)

    def append(name: bytes) -> None:
        for number in range(500):
            journal.append_batch([name + b"%d" % number])
            if number % 50 == 0:
                journal.sync()
                journal.rotate()

    threads = [threading.Thread(target=append, args=(name,)) for name in (b"a", b"b", b"c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = rows_of(tmp_path)
    assert [seq for seq, _ in rows] == list(range(1, 1501))
    for name in (b"a", b"b", b"c"):
        assert [row for _, row in rows if row[:1] == name] == [name + b"%d" % number for number in range(500)]


def test_a_file_that_may_not_grow_is_an_error_that_takes_nothing(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    journal.append(b"one")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large") as caught:
            journal.append_batch([b"two", b"3" * 60])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert caught.value.errno == errno.EFBIG
    assert rows_of(tmp_path) == [(1, b"one")]
    journal.append(b"four")
    assert rows_of(tmp_path) == [(1, b"one"), (2, b"four")]


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_journal(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError):
        _core.open_segments(tmp_path / "nowhere")


def test_a_torn_tail_is_counted_and_damage_before_a_row_is_shown(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    journal.append_batch([b"one", b"two", b"three"])
    path = tmp_path / SEGMENT(1)
    whole = path.read_bytes()

    path.write_bytes(whole[:-2])
    [segment] = _core.open_segments(tmp_path)
    assert (len(segment.read()), segment.read().torn_bytes, segment.read().damaged) == (2, 19, [])

    path.write_bytes(whole[:52] + b"!" + whole[53:])
    [segment] = _core.open_segments(tmp_path)
    assert all_rows(segment) == [(1, b"one"), (3, b"three")]
    assert (segment.read().damaged, segment.read().next_seq) == ([(51, 70)], 4)

    path.write_bytes(b"?" + whole[1:])
    [segment] = _core.open_segments(tmp_path)
    assert (segment.first_seq, segment.read().damaged, len(segment.read())) == (1, [(0, 32)], 3)

    path.write_bytes(whole[:20])
    [segment] = _core.open_segments(tmp_path)
    assert (segment.first_seq, segment.read().torn_bytes, segment.read().next_seq) == (None, 20, None)


def test_a_segment_of_a_later_release_is_refused(tmp_path: Path) -> None:
    open_journal(tmp_path)
    path = tmp_path / SEGMENT(1)
    header = bytearray(path.read_bytes())
    header[8] = 2
    header[28:32] = _core.crc32c(bytes(header[:28])).to_bytes(4, "little")
    path.write_bytes(header)
    with pytest.raises(ValueError, match="format 2, which a later release has written"):
        _core.open_segments(tmp_path)


def test_rows_that_a_segment_does_not_have_cannot_be_sliced(tmp_path: Path) -> None:
    open_journal(tmp_path).append(b"one")
    [segment] = _core.open_segments(tmp_path)
    with pytest.raises(IndexError):
        segment.read().slice(0, 2)


def test_other_files_in_the_folder_are_no_segments(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    journal.append(b"one")
    for name in (SEGMENT(2) + "~", "notes.txt", "2.segment"):
        (tmp_path / name).write_bytes(b"")
    assert rows_of(tmp_path) == [(1, b"one")]


def test_a_checksum_can_be_made_in_parts() -> None:
    assert _core.crc32c(b"123456789") == 0xE3069283
    assert _core.crc32c(b"6789", _core.crc32c(b"12345")) == 0xE3069283


def test_a_file_system_is_synced_by_any_folder_on_it(tmp_path: Path) -> None:
    _core.sync_file_system(tmp_path)
    with pytest.raises(FileNotFoundError):
        _core.sync_file_system(tmp_path / "nowhere")
    assert list(tmp_path.iterdir()) == []
