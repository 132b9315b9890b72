"""Segments that would become many small files wait for each other in the journal, and are sealed together."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import pytest

from tests.support.patience import PATIENCE_S
from tests.support.recording import START, files_of, journal_of, read, record, tick
from trading.events import base
from trading.events._core import Segment, read_together
from trading.events.base import BaseEvent
from trading.events.errors import UnreadableFileWarning
from trading.events.market_data import TickEvent
from trading.events.persistence import EventReader, ParquetEventWriter, RotationPolicy
from trading.events.persistence.encoding import encode_row
from trading.events.persistence.parquet.journal.journal import open_journal, open_segments
from trading.events.persistence.parquet.sealing import sealer, sealing

TWO_TOGETHER = RotationPolicy(rows=4, segments=2)


@pytest.fixture(autouse=True)
def many_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "_FEW_FILES", 1)


class Seals:
    """Keeps the numbers of the segments that are sealed together, and on their own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._real = sealer.seal_together
        self.together: list[list[int]] = []
        self.alone: list[int] = []
        self.changed = threading.Condition()
        seal_alone = sealer.seal_segment

        def note_alone(base_path: Path, segment: Segment) -> list[str]:
            faults = seal_alone(base_path, segment)
            self._note(lambda: self.alone.append(segment.number))
            return faults

        monkeypatch.setattr(sealer, "seal_together", self._seal_together)
        monkeypatch.setattr(sealer, "seal_segment", note_alone)

    def _seal_together(self, base_path: Path, segments: Sequence[Segment]) -> bool:
        done = self._real(base_path, segments)
        if done:
            self._note(lambda: self.together.append([segment.number for segment in segments]))
        return done

    def _note(self, what: Callable[[], None]) -> None:
        with self.changed:
            what()
            self.changed.notify_all()

    async def wait(self, until: Callable[[], bool]) -> None:
        def block() -> bool:
            with self.changed:
                return self.changed.wait_for(until, PATIENCE_S)

        assert await asyncio.to_thread(block)


@pytest.fixture
def seals(monkeypatch: pytest.MonkeyPatch) -> Seals:
    return Seals(monkeypatch)


def spread(count: int, *, first: int = 0, **changes: Any) -> list[TickEvent]:
    """Ticks of four symbols in turn."""
    return [tick(number, symbol="ABCD"[number % 4], **changes) for number in range(first, first + count)]


async def test_each_topic_gets_one_file_of_several_segments(tmp_path: Path, seals: Seals) -> None:
    async with ParquetEventWriter(tmp_path, rotation=TWO_TOGETHER) as writer:
        await writer.write_batch(spread(4))
        await writer.write_batch(spread(4, first=4))
        await seals.wait(lambda: bool(seals.together))
    assert (seals.together, seals.alone) == ([[1, 2]], [])
    assert len(files_of(tmp_path)) == 4
    assert read(tmp_path) == spread(8)


async def test_a_segment_that_waits_is_read_from_the_journal(tmp_path: Path, seals: Seals) -> None:
    async with ParquetEventWriter(tmp_path, rotation=TWO_TOGETHER) as writer:
        await writer.write_batch(spread(4))
        await writer.write_event(tick(4, symbol="A"))
        assert read(tmp_path) == spread(5)
        assert read(tmp_path, symbol="B") == spread(2)[1:]
        await writer.flush(seal=True)
        assert read(tmp_path) == spread(5)
    assert seals.together == [[1, 2]]
    assert len(files_of(tmp_path)) == 4


async def test_segments_with_few_topics_or_many_rows_of_each_do_not_wait(
    tmp_path: Path, seals: Seals, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ParquetEventWriter(tmp_path, rotation=TWO_TOGETHER) as writer:
        await writer.write_batch([tick(number) for number in range(4)])
        await seals.wait(lambda: seals.alone == [1])
        monkeypatch.setattr(sealing, "_MANY_ROWS", 1)
        await writer.write_batch(spread(4))
        await seals.wait(lambda: seals.alone == [1, 2])
    assert seals.together == []


async def test_one_segment_at_a_time_can_be_asked_for(tmp_path: Path, seals: Seals) -> None:
    async with ParquetEventWriter(tmp_path, rotation=RotationPolicy(rows=4, segments=1)) as writer:
        await writer.write_batch(spread(4))
        await seals.wait(lambda: seals.alone == [1])
    assert seals.together == []


async def test_what_waits_is_sealed_when_it_is_old_enough(tmp_path: Path, seals: Seals) -> None:
    async with ParquetEventWriter(tmp_path, rotation=RotationPolicy(rows=4, age_s=0.01)) as writer:
        await writer.write_batch(spread(4))
        await seals.wait(lambda: bool(seals.alone or seals.together))
        assert read(tmp_path) == spread(4)


async def test_what_waits_is_sealed_when_the_date_changes(
    tmp_path: Path, seals: Seals, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ParquetEventWriter(tmp_path, rotation=RotationPolicy(rows=4)) as writer:
        await writer.write_batch(spread(4))
        monkeypatch.setattr(sealer, "_seconds_left", lambda _: -1.0)
        writer._sealer.nudge()
        await seals.wait(lambda: bool(seals.alone))


def leave_segments(store: Path, *segments: list[TickEvent]) -> list[Segment]:
    """What a writer leaves that dies before any of its segments is sealed."""
    journal, _ = open_journal(store, most_rows=180_000, most_bytes=1 << 26, is_buffered=False)
    for events in segments:
        journal.append_batch([encode_row(event) for event in events])
        journal.rotate()
    journal.sync()
    return open_segments(store)[: len(segments)]


def fail(*_: object) -> None:
    raise OSError("the end")


def sort_by_id(events: list[BaseEvent]) -> list[BaseEvent]:
    return sorted(events, key=lambda event: event.event_id)


def test_a_day_that_is_sealed_for_some_of_the_segments_is_not_sealed_twice(tmp_path: Path) -> None:
    tomorrow = spread(2, timestamp=START + timedelta(days=1))
    today = spread(8, first=2)
    first, second = leave_segments(tmp_path, [*today[:4], *tomorrow], today[4:])
    commit = sealing.commit_manifest
    with pytest.MonkeyPatch.context() as patched:

        def commit_one(folder: Path) -> None:
            patched.setattr(sealing, "commit_manifest", fail)
            commit(folder)

        patched.setattr(sealing, "commit_manifest", commit_one)
        with pytest.raises(OSError, match="the end"):
            sealing.seal_segment(tmp_path, first)
    assert not sealing.seal_together(tmp_path, [first, second])
    record(tmp_path, [])
    assert sort_by_id(read(tmp_path)) == sort_by_id([*today, *tomorrow])


def test_what_an_attempt_at_fewer_segments_has_left_is_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    segments = leave_segments(tmp_path, spread(4), spread(4, first=4))
    with monkeypatch.context() as patched:
        patched.setattr(sealing, "commit_manifest", fail)
        with pytest.raises(OSError, match="the end"):
            sealing.seal_segment(tmp_path, segments[0])
    assert len(files_of(tmp_path)) == 4
    record(tmp_path, [])
    assert len(files_of(tmp_path)) == 4
    assert read(tmp_path) == spread(8)


def test_a_row_that_is_not_what_it_was_when_it_was_found_is_not_sealed(tmp_path: Path) -> None:
    first, second = leave_segments(tmp_path, spread(4), spread(4, first=4))
    rows = read_together([first, second])
    first.path.write_bytes(first.path.read_bytes().replace(b"tick-1", b"tick-X"))
    topics, _ = rows.sort()
    with pytest.raises(OSError, match="is not what it was"):
        [topic.columns(TickEvent, 0, 9) for topic in topics]


async def test_what_is_wrong_with_one_segment_is_not_blamed_on_the_others(
    tmp_path: Path, seals: Seals, caplog: pytest.LogCaptureFixture
) -> None:
    async with ParquetEventWriter(tmp_path, rotation=RotationPolicy(rows=4)) as writer:
        await writer.write_batch(spread(4))
        await writer.write_batch(spread(4, first=4))
        await writer.flush()
        path = open_segments(tmp_path)[0].path
        with path.open("r+b") as segment:  # never shorter than it is, whoever reads it meanwhile
            segment.seek(segment.read().index(b"tick-1"))
            segment.write(b"tick-X")
    assert (seals.together, seals.alone) == ([], [1, 2])
    with pytest.warns(UnreadableFileWarning, match=r"1\.segment\.sealed\.damaged: not all of it could be read"):
        found = list(EventReader(tmp_path, on_error="warn").read_range())
    assert found == [event for event in spread(8) if event.event_id != "tick-1"]
    assert [name.split(".", 1)[1] for name in journal_of(tmp_path) if "damaged" in name] == ["segment.sealed.damaged"]
    assert len(caplog.records) == 1


@pytest.mark.usefixtures("classes_are_forgotten")
async def test_segments_with_rows_of_no_class_are_sealed_together_all_the_same(tmp_path: Path, seals: Seals) -> None:
    class Rumour(BaseEvent):
        event_type: Literal["rumour"] = "rumour"

    rumours = [Rumour(timestamp=START + timedelta(seconds=second)) for second in (3, 9)]
    async with ParquetEventWriter(tmp_path, rotation=RotationPolicy(rows=4)) as writer:
        await writer.write_batch([*spread(3), rumours[0]])
        await writer.write_batch([*spread(4, first=3), rumours[1]])
        del base._CLASSES["rumour"]
        await writer.flush(seal=True)
        assert (seals.together, seals.alone) == ([[1, 2]], [])
        assert writer.set_apart == []
        assert sum("rumour__" in name for name in files_of(tmp_path)) == 1
    base._CLASSES["rumour"] = Rumour
    recorded = [*spread(3), rumours[0], *spread(4, first=3), rumours[1]]
    assert read(tmp_path) == sorted(recorded, key=lambda event: event.timestamp)
