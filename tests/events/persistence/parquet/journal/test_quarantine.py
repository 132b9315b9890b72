"""Rows of which no column can be made are quarantined, byte for byte, logged once, and stop nobody else."""

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.quarantine import (
    define_hint,
    define_rumour,
    hint,
    ids,
    leave,
    quarantined_rows,
    raiser,
    read_until_it_raises,
    rumour,
)
from tests.support.recording import START, files_of, read, record, tick, ticks
from trading.events import _core, base
from trading.events.cli import main
from trading.events.errors import CorruptFileError, StoredEventError, UnknownEventTypeError
from trading.events.persistence import EventReader, ParquetEventWriter, verify
from trading.events.persistence.parquet.journal.journal import open_segments
from trading.events.persistence.parquet.sealing.quarantine import list_quarantined

pytestmark = pytest.mark.usefixtures("classes_are_forgotten")


class _Silent(Exception):  # noqa: N818 - it is what a class of somebody else raises
    def __str__(self) -> str:
        raise RuntimeError("not even that")


def _recurse(size: int) -> int:
    return _recurse(size) + 1


REFUSALS: dict[str, Callable[[int], object]] = {
    "a ValueError": raiser(ValueError("unlucky")),
    "a RuntimeError": raiser(RuntimeError("unlucky")),
    "an OSError": raiser(OSError("unlucky")),
    "an error that cannot be shown": raiser(_Silent()),
    "a MemoryError": raiser(MemoryError()),
    "no end": lambda size: _recurse(size) if size == 13 else None,
    "a SystemExit, in the thread that seals": raiser(SystemExit(3)),
    "a cancellation, in the thread that seals": raiser(asyncio.CancelledError()),
}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of the `__str__` that raises
@pytest.mark.parametrize("how", REFUSALS)
def test_whatever_a_class_raises_its_row_alone_is_set_apart(
    tmp_path: Path, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    cls = define_hint()
    rows = [tick(0), hint(cls, 1, 1), hint(cls, 2, 13), hint(cls, 3, 3), tick(4)]
    leave(tmp_path, rows)
    define_hint(REFUSALS[how])
    record(tmp_path, [tick(5)])
    assert quarantined_rows(tmp_path) == [(3, _core.encode_row(rows[2]))]
    [apart] = list_quarantined(tmp_path) if "thread" not in how else [None]
    if apart is not None:
        assert (apart.event_type, apart.rows) == ("order_hint", 1)
        assert ids(read(tmp_path, invalid="skip")) == ["tick-0", "hint-1", "hint-3", "tick-4", "tick-5"]
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 1
    assert "'order_hint' cannot be sealed" in errors[0].message
    assert "tick-5" in ids(read(tmp_path, event_type="tick"))

    define_hint()
    assert ids(read(tmp_path)) == ["tick-0", "hint-1", "hint-2", "hint-3", "tick-4", "tick-5"]
    record(tmp_path, [])
    assert quarantined_rows(tmp_path) == []
    assert ids(read(tmp_path)) == ["tick-0", "hint-1", "hint-2", "hint-3", "tick-4", "tick-5"]
    assert list(verify(tmp_path)) == []


async def test_events_of_a_class_that_is_gone_are_sealed_raw_and_read_when_it_is_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cls = define_rumour()
    async with ParquetEventWriter(tmp_path) as writer:
        await writer.write_batch([rumour(cls, 0), tick(1)])
        del base._CLASSES["rumour"]
        await writer.flush(seal=True)
        await writer.write_event(tick(2))
        await writer.flush(seal=True)
        assert files_of(tmp_path) == [
            "2024/01/01/rumour__.parquet",
            "2024/01/01/tick_binance_BTCUSDT.parquet",
            "2024/01/01/tick_binance_BTCUSDT~2.parquet",
        ]
        assert writer.set_apart == []
    assert caplog.records == []

    found, error = read_until_it_raises(tmp_path)
    assert found == ["tick-1", "tick-2"]
    assert isinstance(error, UnknownEventTypeError)
    assert (error.path.name, error.event_type) == ("rumour__.parquet", "rumour")
    assert read_until_it_raises(tmp_path, event_type="tick") == (["tick-1", "tick-2"], None)
    assert read_until_it_raises(tmp_path, start=START + timedelta(seconds=1)) == (["tick-1", "tick-2"], None)
    assert list(verify(tmp_path)) == []

    base._CLASSES["rumour"] = cls
    assert ids(read(tmp_path)) == ["rumour-0", "tick-1", "tick-2"]


def test_the_command_line_names_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hints = define_hint()
    leave(tmp_path, [b"\xc1", hint(hints, 1, 13), tick(2)])
    define_hint(raiser(ValueError("unlucky")))
    record(tmp_path, [])
    assert main(["verify", str(tmp_path)]) == 1
    told = capsys.readouterr().out
    assert (
        "1 event of an unknown type cannot be sealed, and stays in the journal, quarantined: row 1: the byte c1" in told
    )
    assert (
        "1 event of the type 'order_hint' cannot be sealed, and stays in the journal, quarantined: row 2: size: 13"
        in told
    )
    assert "2 faults" in told
    assert main(["inspect", str(tmp_path)]) == 1
    shown = capsys.readouterr()
    assert "1 event of 1 topic" in shown.out
    assert "the byte c1 means nothing" in shown.err
    assert "row 2 of 2024-01-01T00:00:01.000000Z is no 'order_hint' event as its class is here: size: 13" in shown.err
    assert main(["query", str(tmp_path), "--event", "order_hint", "--skip-invalid"]) == 0
    assert main(["query", str(tmp_path), "--event", "order_hint"]) == 1


async def test_what_a_class_that_is_defined_later_takes_is_sealed_by_the_same_writer(tmp_path: Path) -> None:
    cls = define_hint()
    leave(tmp_path, [hint(cls, 0, 13), tick(1)])
    define_hint(raiser(ValueError("unlucky")))
    async with ParquetEventWriter(tmp_path) as writer:
        await writer.flush(seal=True)
        assert len(writer.set_apart) == 1
        base._CLASSES["order_hint"] = cls
        await writer.flush(seal=True)
        assert writer.set_apart == []
    assert ids(read(tmp_path)) == ["hint-0", "tick-1"]


def test_what_is_still_refused_stays_when_the_rest_is_sealed(tmp_path: Path) -> None:
    hints = define_hint()
    rows = [hint(hints, 0, 14), hint(hints, 1, 13), hint(hints, 2, 1), tick(3)]
    leave(tmp_path, rows)

    def refuse_large(size: int) -> None:
        if size > 12:
            raise ValueError("large")

    define_hint(refuse_large)
    record(tmp_path, [])
    assert [seq for seq, _ in quarantined_rows(tmp_path)] == [1, 2]
    define_hint(raiser(ValueError("unlucky")))
    record(tmp_path, [])
    assert quarantined_rows(tmp_path) == [(2, _core.encode_row(rows[1]))]
    define_hint()
    record(tmp_path, [])
    assert quarantined_rows(tmp_path) == []
    assert ids(read(tmp_path)) == ["hint-0", "hint-1", "hint-2", "tick-3"]


def test_bytes_that_are_no_event_at_all_are_set_apart_and_readers_of_other_types_go_on(tmp_path: Path) -> None:
    leave(tmp_path, [tick(0), b"\xc1", tick(1)])
    record(tmp_path, [])
    assert quarantined_rows(tmp_path) == [(2, b"\xc1")]
    found, error = read_until_it_raises(tmp_path)
    assert found == ["tick-0", "tick-1"]
    assert isinstance(error, StoredEventError)
    assert error.seq == 2
    assert [apart.event_type for apart in list_quarantined(tmp_path)] == [None]


def test_a_reader_that_began_before_rows_were_set_apart_misses_none(tmp_path: Path) -> None:
    cls = define_hint()
    tomorrow = timedelta(days=1).total_seconds()
    leave(tmp_path, [tick(0), hint(cls, 1, 1), tick(2, after_s=tomorrow), hint(cls, int(tomorrow) + 1, 13)])
    events = iter(EventReader(tmp_path).read_range())
    first = next(events)
    define_hint(raiser(ValueError("unlucky")))
    record(tmp_path, [])
    assert len(quarantined_rows(tmp_path)) == 1
    define_hint()
    assert ids([first, *events]) == ["tick-0", "hint-1", "tick-2", f"hint-{int(tomorrow) + 1}"]


def test_a_segment_of_rows_that_were_set_apart_hides_no_row_of_another_even_if_its_header_is_damaged(
    tmp_path: Path,
) -> None:
    cls = define_hint()
    leave(tmp_path, [tick(0), hint(cls, 1, 13), tick(2)])
    define_hint(raiser(ValueError("unlucky")))
    record(tmp_path, ticks(2, symbol="ETH/USDT"))
    [apart] = [segment.path for segment in open_segments(tmp_path) if segment.is_apart]
    apart.write_bytes(b"!" + apart.read_bytes()[1:])
    leave_more = _core.encode_row(tick(9))
    newest = [segment for segment in open_segments(tmp_path) if not segment.is_apart][-1]
    with newest.path.open("ab") as segment:
        segment.write(_core.frame_rows([(newest.first_seq or 0, leave_more)]))
    found, error = read_until_it_raises(tmp_path)
    assert sorted(found) == ["tick-0", "tick-0", "tick-1", "tick-2", "tick-9"]
    assert isinstance(error, CorruptFileError)
