"""Imports that are killed at any step go on where they stopped: no event is lost, and none is there twice."""

import asyncio
import itertools
import json
import os
import signal
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.children import fork
from tests.support.recording import read, record, tick
from trading.events.errors import AlreadyImportedError, StorePathError
from trading.events.importing import FileImport, MarketDataFile, file_import
from trading.events.persistence import ParquetEventWriter, verify

ROWS = 25
BATCH = 4


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_import, "_BATCH_EVENTS", BATCH)


def write(folder: Path, symbol: str) -> Path:
    path = folder / f"{symbol.replace('/', '')}.csv"
    rows = (f"2024-01-0{1 + n % 2}T00:00:{n:02}Z,1.10,{n + 1}" for n in range(ROWS))
    path.write_text("\n".join(["timestamp,price,quantity", *rows]))
    return path


def run(path: Path, store: Path, symbol: str = "A/B", *, again: bool = False) -> FileImport:
    with MarketDataFile(path, exchange="x", symbol=symbol) as file:
        work = FileImport(file, store, again=again)
        asyncio.run(work.run())
    return work


def run_and_die(path: Path, store: Path, *, batches: int) -> None:
    """Imports so many batches and is killed."""
    left = iter(range(batches))
    with MarketDataFile(path, exchange="x", symbol="A/B") as file:
        next(left)
        work = FileImport(
            file, store, on_batch=lambda: next(left, None) is None and os.kill(os.getpid(), signal.SIGKILL)
        )
        asyncio.run(work.run())


def counts(store: Path, symbol: str = "A/B") -> Counter[int]:
    """How often each row of a file is in the store."""
    try:
        return Counter(int(event.quantity) for event in read(store, symbol=symbol))  # type: ignore[attr-defined]
    except StorePathError:  # it was killed before there was any
        return Counter()


def die_at(step: int) -> None:
    """Has this process killed at a step: before or after a call that changes what is on the disk."""
    steps = itertools.count()

    def die_here() -> None:
        if next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    def stepping(call: Callable[..., Any]) -> Callable[..., Any]:
        def stepped(*args: Any, **named: Any) -> Any:
            die_here()
            result = call(*args, **named)
            die_here()
            return result

        return stepped

    os.fsync = stepping(os.fsync)
    for name in ("rename", "unlink", "touch", "write_bytes"):
        setattr(Path, name, stepping(getattr(Path, name)))
    write_batch = ParquetEventWriter.write_batch

    async def write_stepping(self: ParquetEventWriter, events: Any) -> None:
        die_here()
        await write_batch(self, events)
        die_here()

    ParquetEventWriter.write_batch = write_stepping  # type: ignore[method-assign]


def killed(step: int, work: Callable[[], object]) -> bool:
    """Does some work in a child that is killed at a step; returns whether there was such a step."""

    def child() -> None:
        die_at(step)
        work()

    _, status = os.waitpid(fork(child), 0)
    assert status in {0, signal.SIGKILL}
    return status != 0


def test_an_import_that_is_killed_at_any_step_goes_on_there(tmp_path: Path) -> None:
    """Turned red by: a note written after the first event; a finish before the flush that leaves the run open."""
    path = write(tmp_path, "A/B")
    for step in itertools.count():
        store = tmp_path / str(step)
        if not killed(step, lambda store=store: run(path, store)):  # type: ignore[misc]
            break
        there = counts(store)
        assert there == dict.fromkeys(range(1, len(there) + 1), 1)
        if step % 2:
            record(store, [tick(1)])
        try:
            work = run(path, store)
        except AlreadyImportedError:
            assert len(there) == ROWS
        else:
            assert (work.earlier, work.events) == (len(there), ROWS - len(there))
        assert counts(store) == dict.fromkeys(range(1, ROWS + 1), 1)
        with pytest.raises(AlreadyImportedError):
            run(path, store)
        assert not list(verify(store))
    assert step > 2 * ROWS / BATCH


def test_settling_that_is_killed_at_any_step_counts_once(tmp_path: Path) -> None:
    """Turned red by: adding what a run has recorded without ending it."""
    path = write(tmp_path, "A/B")
    for step in itertools.count():
        store = tmp_path / str(step)
        _, status = os.waitpid(fork(lambda store=store: run_and_die(path, store, batches=3)), 0)  # type: ignore[misc]
        assert status == signal.SIGKILL
        there = len(counts(store))
        assert there == 3 * BATCH
        for _ in range(2):
            was_killed = killed(step, lambda store=store: record(store, [tick(1)]))  # type: ignore[misc]
        assert run(path, store).earlier == there
        assert counts(store) == dict.fromkeys(range(1, ROWS + 1), 1)
        if not was_killed:
            break


@dataclass
class Model:
    """A file in a store, naively: how far each import of it has come, the last of which is gone on with."""

    lengths: list[int] = field(default_factory=list)
    is_finished: bool = False

    def counts(self) -> Counter[int]:
        return Counter(row for length in self.lengths for row in range(1, length + 1))

    def check(self, found: Counter[int]) -> None:
        assert found == self.counts()

    def learn(self, found: Counter[int], *, has_begun: bool) -> None:
        """What a killed import has come to is what the store says, as long as that is a run of the first rows."""
        if has_begun:
            self.lengths.append(0)
            self.is_finished = False
        if self.lengths:
            least = self.lengths[-1]
            rest = found - Counter(row for length in self.lengths[:-1] for row in range(1, length + 1))
            self.lengths[-1] = len(rest)
            assert len(rest) >= least
        self.check(found)


SYMBOLS = ("A/B", "C/D")
actions = st.tuples(st.sampled_from(SYMBOLS), st.booleans(), st.integers(0, 60)) | st.just("record")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(actions, max_size=6))
def test_imports_killed_and_repeated_in_any_order_are_as_a_naive_model_says(several: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = folder / "store"
        paths = {symbol: write(folder, symbol) for symbol in SYMBOLS}
        models = {symbol: Model() for symbol in SYMBOLS}
        for action in several:
            if action == "record":
                record(store, [tick(1)])
            else:
                act(store, paths[action[0]], models[action[0]], action)
            for symbol, model in models.items():
                model.check(counts(store, symbol))
        for symbol, model in models.items():
            if not model.is_finished:
                run(paths[symbol], store, symbol)
                model.lengths[-1:] = [ROWS]
            model.check(counts(store, symbol))


def act(store: Path, path: Path, model: Model, action: tuple[str, bool, int]) -> None:
    symbol, again, step = action

    def work() -> None:
        if model.is_finished and not again:
            with pytest.raises(AlreadyImportedError):
                run(path, store, symbol)
        else:
            run(path, store, symbol, again=again)

    begins_anew = again or not model.lengths
    before = note_of(store, symbol)
    if killed(step, work):
        after = note_of(store, symbol)
        has_begun = after["at"] != before["at"] and (after["run"] is not None or after["is_finished"])
        model.learn(counts(store, symbol), has_begun=begins_anew and has_begun)
        model.is_finished = after["is_finished"]
    elif not model.is_finished or again:
        model.lengths = [*(model.lengths if begins_anew else model.lengths[:-1]), ROWS]
        model.is_finished = True


def note_of(store: Path, symbol: str) -> dict[str, Any]:
    notes = [json.loads(note.read_text().partition("\n")[0]) for note in (store / "_imports").glob("*.json")]
    nothing: dict[str, Any] = {"at": None, "run": None, "is_finished": False}
    return next((note for note in notes if note["source"]["kind"]["symbol"] == symbol), nothing)
