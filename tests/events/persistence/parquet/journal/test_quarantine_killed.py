"""Whenever a writer dies and whatever it was given, no row is lost or doubled, and quarantined rows are named."""

import asyncio
import os
import signal
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.children import fork
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
from tests.support.recording import START, read, record, tick
from trading.events import _core, base
from trading.events.base import BaseEvent
from trading.events.errors import StoredEventError
from trading.events.persistence import EventReader, ParquetEventWriter, RotationPolicy, verify
from trading.events.persistence.parquet.sealing import sealing
from trading.events.persistence.parquet.sealing.quarantine import list_quarantined

pytestmark = pytest.mark.usefixtures("classes_are_forgotten")

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
    refuse, killed = raiser(ValueError("unlucky")), 0
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
        assert [seq for seq, _ in quarantined_rows(store)] == [4, 5]
        base._CLASSES["order_hint"] = hints
        record(store, [])
        assert sorted(ids(read(store))) == written
        assert quarantined_rows(store) == []
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
    strict = define_hint(raiser(ValueError("unlucky")))
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
        assert sorted(quarantined_rows(store)) == [(seq, _core.encode_row(event)) for seq, event in apart]
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
    assert quarantined_rows(store) == []
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
