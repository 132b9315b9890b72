"""A store of which single bytes are wrong or gone: nothing invented is read, and what is lost is told."""

import asyncio
import random
import shutil
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.support.classes.samples import sample
from tests.support.recording import START, read, record, ticks
from trading.events.base import BaseEvent
from trading.events.errors import CorruptFileError, UnreadableFileWarning
from trading.events.persistence import EventReader, ParquetEventWriter, Recovery, compact
from trading.events.persistence.parquet.store import checked_file
from trading.events.system import HeartbeatEvent

BEATS = [sample(HeartbeatEvent, timestamp=START + timedelta(seconds=n), sequence=n, event_id=f"{n}") for n in range(4)]
_LEAST_PAGE_HEADER_BYTES = 15
"""A page header with a checksum has at least so many."""


@pytest.fixture(scope="module")
def segment(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, bytes, list[int]]:
    """A segment of the journal with four heartbeats: its name, its bytes, and where each of its events ends."""
    folder = tmp_path_factory.mktemp("whole")

    async def write() -> tuple[str, bytes, list[int]]:
        async with ParquetEventWriter(folder) as writer:
            [path] = (folder / "_journal").iterdir()
            ends = [path.stat().st_size]
            for beat in BEATS:
                await writer.write_event(beat)
                ends.append(path.stat().st_size)
            return path.name, path.read_bytes(), ends

    return asyncio.run(write())


def lay(store: Path, name: str, data: bytes) -> Path:
    """Makes a store that holds this segment and nothing else."""
    shutil.rmtree(store, ignore_errors=True)
    path = store / "_journal" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    return path


async def recover(store: Path) -> Recovery:
    """Lets a writer find what the last one left, and seal it."""
    async with ParquetEventWriter(store) as writer:
        return writer.recovery


def read_with_faults(store: Path) -> tuple[list[BaseEvent], Path | None]:
    """The events that can be read, and what is named as unreadable."""
    events: list[BaseEvent] = []
    try:
        for event in EventReader(store).read_range():
            events.append(event)  # noqa: PERF402 - one by one, so that what came before the error is kept
    except CorruptFileError as error:
        return events, error.path
    return events, None


def test_a_journal_cut_at_any_byte_holds_the_events_before_and_the_next_writer_counts_what_is_torn(
    tmp_path: Path, segment: tuple[str, bytes, list[int]]
) -> None:
    name, data, ends = segment
    for length in range(ends[0], len(data) + 1):
        whole = sum(end <= length for end in ends[1:])
        lay(tmp_path / "store", name, data[:length])
        assert read(tmp_path / "store") == BEATS[:whole], length
        assert asyncio.run(recover(tmp_path / "store")) == Recovery(whole, length - ends[whole], 0), length
        assert read(tmp_path / "store") == BEATS[:whole], length


def test_a_flipped_byte_of_a_journal_costs_one_event_at_most_and_is_told(
    tmp_path: Path, segment: tuple[str, bytes, list[int]]
) -> None:
    name, data, ends = segment
    chance = random.Random(5)
    for place in range(len(data)):
        flipped = bytearray(data)
        flipped[place] ^= 1 << chance.randrange(8)
        hit = sum(end <= place for end in ends) - 1
        left = [beat for number, beat in enumerate(BEATS) if number != hit]
        path = lay(tmp_path / "store", name, flipped)
        is_tail = hit == len(BEATS) - 1
        assert read_with_faults(tmp_path / "store") == (left, None if is_tail else path), place
        recovery = asyncio.run(recover(tmp_path / "store"))
        assert (recovery.torn_bytes > 0, recovery.damaged_bytes > 0) == (is_tail, not is_tail), place
        kept = None if is_tail else path.with_name(f"{name}.sealed.damaged")
        assert read_with_faults(tmp_path / "store") == (left, kept), place


def regions_of(path: Path) -> dict[str, list[int]]:
    """Where the bytes of a file stand that are data, those that stand before each page, and those of the footer."""
    data, group = path.read_bytes(), pq.read_metadata(path).row_group(0)
    starts: list[int] = []
    for column in map(group.column, range(group.num_columns)):
        starts += [column.data_page_offset, *([column.dictionary_page_offset] if column.has_dictionary_page else [])]
    footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    headers = {start + place for start in starts for place in range(_LEAST_PAGE_HEADER_BYTES)}
    return {
        "data pages": [place for place in range(4, footer) if place not in headers],
        "page headers": sorted(headers),
        "footer": list(range(footer, len(data))),
    }


@pytest.mark.parametrize("region", ["data pages", "page headers", "footer"])
def test_a_reader_names_a_file_with_any_flipped_bit(tmp_path: Path, region: str) -> None:
    record(tmp_path, ticks(50))
    [path] = tmp_path.rglob("*.parquet")
    data, places, chance = path.read_bytes(), regions_of(path)[region], random.Random(region)
    reader, tolerant = EventReader(tmp_path), EventReader(tmp_path, on_error="warn")
    for _ in range(300):
        flipped = bytearray(data)
        flipped[chance.choice(places)] ^= 1 << chance.randrange(8)
        path.write_bytes(flipped)
        for question in (reader.count, reader.topics, reader.read_table, lambda: list(reader.read_range())):
            with pytest.raises(CorruptFileError, match="its checksum is not the one") as caught:
                question()
            assert caught.value.path == path
        with pytest.warns(UnreadableFileWarning, match=str(path)):
            assert list(tolerant.read_range()) == []
    path.write_bytes(data)
    assert read(tmp_path) == ticks(50)


@pytest.mark.parametrize("region", ["data pages", "page headers", "footer"])
def test_of_a_file_that_is_too_large_to_be_read_at_once_no_flipped_bit_passes_for_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, region: str
) -> None:
    record(tmp_path, ticks(50))
    [path] = tmp_path.rglob("*.parquet")
    data, places, chance = path.read_bytes(), regions_of(path)[region], random.Random(region)
    monkeypatch.setattr(checked_file, "_SMALL_BYTES", 0)
    named: list[Path] = []
    for _ in range(300):
        flipped = bytearray(data)
        flipped[chance.choice(places)] ^= 1 << chance.randrange(8)
        path.write_bytes(flipped)
        for start in (None, START + timedelta(seconds=49)):
            expected = ticks(50)[49 if start else 0 :]
            try:
                assert read(tmp_path, start) == expected  # many a bit of a page's header means nothing to a reader
            except CorruptFileError as error:
                named.append(error.path)
    assert set(named) == {path}
    assert len(named) == 600 if region == "footer" else len(named) > 100


@pytest.mark.parametrize("region", ["data pages", "page headers", "footer"])
def test_a_file_with_a_flipped_bit_is_not_merged_into_a_sound_one(tmp_path: Path, region: str) -> None:
    for second in (0, 25):
        record(tmp_path, ticks(50)[second : second + 25])
    path, other = sorted(tmp_path.rglob("*.parquet"))
    places, chance = regions_of(path)[region], random.Random(region)
    data = path.read_bytes()
    for _ in range(100):
        flipped = bytearray(data)
        flipped[chance.choice(places)] ^= 1 << chance.randrange(8)
        path.write_bytes(flipped)
        with pytest.raises(CorruptFileError, match="its checksum is not the one") as caught:
            compact(tmp_path)
        assert caught.value.path == path
        assert sorted(tmp_path.rglob("*.parquet")) == [path, other]
    path.write_bytes(data)
    assert compact(tmp_path).made == 1
    assert read(tmp_path) == ticks(50)
