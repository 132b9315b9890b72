"""Rows of which no column can be made are set apart, byte for byte, told of once, and stop nobody else."""

import asyncio
import logging
import os
import shutil
import signal
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from tests.support.children import fork
from tests.support.places import DATA
from tests.support.recording import START, files_of, read, record, tick, ticks
from trading.events import _core, base
from trading.events.base import BaseEvent
from trading.events.cli import main
from trading.events.errors import CorruptFileError, StoredEventError, StoreError, UnknownEventTypeError
from trading.events.persistence import EventReader, ParquetEventWriter, RotationPolicy, verify
from trading.events.persistence.parquet.journal.journal import open_segments
from trading.events.persistence.parquet.sealing import sealing
from trading.events.persistence.parquet.sealing.quarantine import list_quarantined

pytestmark = pytest.mark.usefixtures("classes_are_forgotten")

OLDER = DATA / "older_store"
"""Recorded by the release before rows were set apart: a row of no class, and rows that their class refused."""


class Size:
    """Makes a type of an int: it may do anything with a size, whenever one is read."""

    def __init__(self, refuse: Callable[[int], object]) -> None:
        self.refuse = refuse

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def _check(self, size: int) -> int:
        self.refuse(size)
        return size


def define_hint(refuse: Callable[[int], object] = lambda _: None) -> type[BaseEvent]:
    """A class with a field whose type may do anything with a size."""
    return define_hint_of(Annotated[int, Size(refuse)])


def define_hint_of(size_type: Any) -> type[BaseEvent]:
    base._CLASSES.pop("order_hint", None)

    class OrderHint(BaseEvent):
        event_type: Literal["order_hint"] = "order_hint"
        size: size_type

    return OrderHint


def define_rumour() -> type[BaseEvent]:
    base._CLASSES.pop("rumour", None)

    class Rumour(BaseEvent):
        event_type: Literal["rumour"] = "rumour"
        text: str

    return Rumour


def hint(cls: type[BaseEvent], number: int, size: int) -> Any:
    moment = START + timedelta(seconds=number)
    return cls.model_validate({
        "event_id": f"hint-{number}", "timestamp": moment, "symbol": "A", "exchange": "x", "size": size,
    })  # fmt: skip


def rumour(cls: type[BaseEvent], number: int) -> Any:
    moment = START + timedelta(seconds=number)
    return cls.model_validate({"event_id": f"rumour-{number}", "timestamp": moment, "text": f"r{number}"})


def ids(events: Sequence[BaseEvent]) -> list[str]:
    return [event.event_id for event in events]


def read_until_it_raises(store: Path, **selection: Any) -> tuple[list[str], StoreError | None]:
    found: list[str] = []
    try:
        for event in EventReader(store).read_range(**selection):
            found.append(event.event_id)  # noqa: PERF401 - one by one, so that what came before the error is kept
    except StoreError as error:
        return found, error
    return found, None


def apart_rows(store: Path) -> list[tuple[int, bytes]]:
    """The rows that are set apart, as they stand in the journal."""
    rows = [segment.read() for segment in open_segments(store) if segment.is_apart]
    return [row for each in rows for row in each.slice(0, len(each))]


def leave(store: Path, rows: Sequence[BaseEvent | bytes]) -> None:
    """What a writer leaves that dies before anything is sealed."""
    folder = store / "_journal"
    folder.mkdir(parents=True)
    journal = _core.Journal(
        folder, 1, 1, most_rows=1 << 40, most_bytes=1 << 40, most_unsynced_bytes=1 << 40, is_deferred=False
    )
    journal.append_batch([row if isinstance(row, bytes) else _core.encode_row(row) for row in rows])


class _Silent(Exception):  # noqa: N818 - it is what a class of somebody else raises
    def __str__(self) -> str:
        raise RuntimeError("not even that")


def _recurse(size: int) -> int:
    return _recurse(size) + 1


def _raiser(error: BaseException) -> Callable[[int], object]:
    def refuse(size: int) -> None:
        if size == 13:
            raise error

    return refuse


REFUSALS: dict[str, Callable[[int], object]] = {
    "a ValueError": _raiser(ValueError("unlucky")),
    "a RuntimeError": _raiser(RuntimeError("unlucky")),
    "an OSError": _raiser(OSError("unlucky")),
    "an error that cannot be shown": _raiser(_Silent()),
    "a MemoryError": _raiser(MemoryError()),
    "no end": lambda size: _recurse(size) if size == 13 else None,
    "a SystemExit, in the thread that seals": _raiser(SystemExit(3)),
    "a cancellation, in the thread that seals": _raiser(asyncio.CancelledError()),
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
    assert apart_rows(tmp_path) == [(3, _core.encode_row(rows[2]))]
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
    assert apart_rows(tmp_path) == []
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
    define_hint(_raiser(ValueError("unlucky")))
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
    define_hint(_raiser(ValueError("unlucky")))
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
    assert [seq for seq, _ in apart_rows(tmp_path)] == [1, 2]
    define_hint(_raiser(ValueError("unlucky")))
    record(tmp_path, [])
    assert apart_rows(tmp_path) == [(2, _core.encode_row(rows[1]))]
    define_hint()
    record(tmp_path, [])
    assert apart_rows(tmp_path) == []
    assert ids(read(tmp_path)) == ["hint-0", "hint-1", "hint-2", "tick-3"]


def test_bytes_that_are_no_event_at_all_are_set_apart_and_readers_of_other_types_go_on(tmp_path: Path) -> None:
    leave(tmp_path, [tick(0), b"\xc1", tick(1)])
    record(tmp_path, [])
    assert apart_rows(tmp_path) == [(2, b"\xc1")]
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
    define_hint(_raiser(ValueError("unlucky")))
    record(tmp_path, [])
    assert len(apart_rows(tmp_path)) == 1
    define_hint()
    assert ids([first, *events]) == ["tick-0", "hint-1", "tick-2", f"hint-{int(tomorrow) + 1}"]


def test_a_segment_of_rows_that_were_set_apart_hides_no_row_of_another_even_if_its_header_is_damaged(
    tmp_path: Path,
) -> None:
    cls = define_hint()
    leave(tmp_path, [tick(0), hint(cls, 1, 13), tick(2)])
    define_hint(_raiser(ValueError("unlucky")))
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
        assert apart_rows(store) == []
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


KILLED_AT: dict[str, tuple[object, str]] = {
    "the rows that are set apart": (sealing, "write_quarantined"),
    "a rename": (Path, "rename"),
    "the manifest that is written": (sealing, "prepare_manifest"),
    "the sync before the commit": (sealing, "sync_files"),
    "the commit": (sealing, "commit_manifest"),
    "the removal of a segment": (Path, "unlink"),
}


def _die_at(point: str, count: int, *, is_after: bool) -> None:
    owner, name = KILLED_AT[point]
    real, left = getattr(owner, name), [count]

    def die(*args: Any, **more: Any) -> Any:
        left[0] -= 1
        if not left[0] and not is_after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*args, **more)
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, die)


def _seal_and_die(store: Path, point: str, count: int, *, is_after: bool) -> None:
    _die_at(point, count, is_after=is_after)
    record(store, [])


@pytest.mark.parametrize("is_after", [False, True])
@pytest.mark.parametrize("point", KILLED_AT)
def test_whatever_moment_a_writer_dies_at_no_event_is_lost_or_doubled(
    tmp_path: Path, point: str, *, is_after: bool
) -> None:
    """First while rows are set apart, then while some of them are sealed, and others set apart anew."""
    hints, rumours = define_hint(), define_rumour()
    day = timedelta(days=1)
    rows = [tick(0), rumour(rumours, 1), hint(hints, 2, 1), hint(hints, 3, 13), hint(hints, 100_000, 13)]
    rows.append(tick(9, timestamp=START + day))
    written = sorted(event.event_id for event in rows)
    refuse, killed = _raiser(ValueError("unlucky")), 0
    for count in (1, 2, 3, 5):
        store = tmp_path / str(count)
        base._CLASSES["rumour"], base._CLASSES["order_hint"] = rumours, hints
        leave(store, rows)
        del base._CLASSES["rumour"]
        define_hint(refuse)
        for _ in range(2):
            child = fork(lambda: _seal_and_die(store, point, count, is_after=is_after))  # noqa: B023 - called at once
            killed += os.WIFSIGNALED(os.waitpid(child, 0)[1])
            base._CLASSES["rumour"] = rumours
            found, error = read_until_it_raises(store)
            assert found == ["tick-0", "rumour-1", "hint-2", "tick-9"]
            assert isinstance(error, StoredEventError)
            assert sorted({error.seq, *(4, 5)}) == [4, 5]
            base._CLASSES["order_hint"] = hints
            assert sorted(ids(read(store))) == written
            define_hint(refuse)
        record(store, [])
        assert [seq for seq, _ in apart_rows(store)] == [4, 5]
        base._CLASSES["order_hint"] = hints
        record(store, [])
        assert sorted(ids(read(store))) == written
        assert apart_rows(store) == []
        assert [fault for fault in verify(store) if "does not name it" not in fault.reason] == []
    assert killed


_EVENTS = st.tuples(
    st.sampled_from(["tick A", "tick B", "hint", "bad hint", "rumour"]),
    st.sampled_from([0.0, 1.0, 2.0, 90_000.0]),
)
_RUNS = st.lists(
    st.tuples(st.lists(_EVENTS, max_size=6), st.booleans(), st.booleans(), st.sampled_from([1, 3, 100])),
    min_size=1,
    max_size=4,
)


@given(runs=_RUNS)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_of_any_mixture_what_is_good_is_sealed_and_what_is_bad_is_kept_and_named(
    runs: list[tuple[list[tuple[str, float]], bool, bool, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A run is a writer: its events, whether it knows rumours, whether its hints are strict, and its rotation."""
    store = tmp_path_factory.mktemp("store")
    loose, rumours = define_hint(), define_rumour()
    strict = define_hint(_raiser(ValueError("unlucky")))
    told: list[tuple[str, BaseEvent]] = []
    sealed: set[int] = set()
    for events, knows_rumours, is_strict, rows in runs:
        new = [
            (kind, _make(kind, after_s, len(told) + place, loose, rumours))
            for place, (kind, after_s) in enumerate(events)
        ]
        told += new
        base._CLASSES["order_hint"] = strict if is_strict else loose
        base._CLASSES.pop("rumour", None)
        if knows_rumours:
            base._CLASSES["rumour"] = rumours
        asyncio.run(_record_rotating(store, [event for _, event in new], rows))
        bad = {kind for kind, is_bad in (("bad hint", is_strict), ("rumour", not knows_rumours)) if is_bad}
        sealed |= {seq for seq, (kind, _) in enumerate(told, 1) if kind not in bad - {"rumour"}}
        apart = [(seq, event) for seq, (_, event) in enumerate(told, 1) if seq not in sealed]
        assert sorted(apart_rows(store)) == [(seq, _core.encode_row(event)) for seq, event in apart]
        found, error = read_until_it_raises(store)
        assert found == ids(_in_order([event for kind, event in told if kind not in bad]))
        assert {each.event_type for each in list_quarantined(store)} == {event.event_type for _, event in apart}
        assert (error is not None) == any(kind in bad for kind, _ in told)
        assert EventReader(store).count(event_type="tick") == sum("tick" in kind for kind, _ in told)
        assert sum(topic.rows for topic in EventReader(store).topics(event_type="tick")) == _sealed_ticks(store)
        assert EventReader(store).count(event_type="rumour") == sum(kind == "rumour" for kind, _ in told)
    base._CLASSES["order_hint"], base._CLASSES["rumour"] = loose, rumours
    assert ids(read(store)) == ids(_in_order([event for _, event in told]))
    record(store, [])
    assert apart_rows(store) == []
    assert ids(read(store)) == ids(_in_order([event for _, event in told]))


def _make(kind: str, after_s: float, number: int, loose: type[BaseEvent], rumours: type[BaseEvent]) -> BaseEvent:
    moment, event_id = START + timedelta(seconds=after_s), str(number)
    if kind.startswith("tick"):
        return tick(timestamp=moment, event_id=event_id, symbol=kind[-1])
    changes = {"timestamp": moment, "event_id": event_id}
    if kind == "rumour":
        return rumour(rumours, number).model_copy(update=changes)
    return hint(loose, number, 13 if kind == "bad hint" else 1).model_copy(update=changes)


def _in_order(events: Sequence[BaseEvent]) -> list[BaseEvent]:
    return sorted(events, key=lambda event: event.timestamp)


async def _record_rotating(store: Path, events: Sequence[BaseEvent], rows: int) -> None:
    async with ParquetEventWriter(store, rotation=RotationPolicy(rows=rows)) as writer:
        for event in events:
            await writer.write_event(event)


def _sealed_ticks(store: Path) -> int:
    return sum(pq.read_metadata(path).num_rows for path in store.rglob("tick_*.parquet"))
