"""The commands that are interrupted: what each works on, and what must hold of that afterwards."""

import asyncio
import itertools
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from tests.support.classes.samples import MOMENT, sample
from tests.system.interrupts.interrupt import PROGRAMS, start
from trading.events.market_data import QuoteEvent, TradeEvent
from trading.events.persistence import EventReader, ParquetEventWriter, compact, remove_days, verify

_DAYS = 3
_PARTS = 4
_EVENTS = 400
_ROWS = 8_000
_FIRST_KEPT = MOMENT + timedelta(days=2)


@dataclass(frozen=True)
class Command:
    """A command, its arguments (`{}` is the folder it works in), and the check of what it leaves there."""

    name: str
    arguments: tuple[str, ...]
    check: Callable[[Path, Path], list[str]]
    ends_at: str | None = None
    """A line after which it goes on for ever; None for a command that ends by itself."""

    def arguments_in(self, folder: Path) -> list[str]:
        return [argument.replace("{}", str(folder)) for argument in self.arguments]


def make_template(folder: Path) -> Path:
    """A folder with a store of several days and files, and a market data file, to be copied for each run."""
    folder.mkdir(parents=True)
    rows = (f"{(MOMENT + n * timedelta(milliseconds=100)).isoformat()},{100 + n % 7},{n % 5 + 1}" for n in range(_ROWS))
    (folder / "trades.csv").write_text("\n".join(["timestamp,price,quantity", *rows]))
    for part in range(_PARTS):
        asyncio.run(_write(folder / "store", part))
    return folder


async def _write(store: Path, part: int) -> None:
    async with ParquetEventWriter(store) as writer:
        for day, n in itertools.product(range(_DAYS), range(_EVENTS)):
            moment = MOMENT + timedelta(days=day, seconds=part * _EVENTS + n)
            await writer.write_event(sample(TradeEvent, timestamp=moment))
            await writer.write_event(sample(QuoteEvent, timestamp=moment))


def commands(url: str) -> list[Command]:
    """All of them; those that want a server use this one."""
    names = ("--exchange", "x", "--symbol", "A/B")
    return [
        Command("demo", ("demo", "--events", "3000", "--progress"), check_unchanged),
        Command("demo, kept", ("demo", "--events", "3000", "--store", "{}/new"), check_new),
        Command("import", ("import", "{}/trades.csv", *names, "--store", "{}/new", "--progress"), check_new),
        Command("import more", ("import", "{}/trades.csv", *names, "--store", "{}/store"), check_added),
        Command("inspect", ("inspect", "{}/store"), check_unchanged),
        Command("query", ("query", "{}/store", "--format", "jsonl"), check_unchanged),
        Command("query into a file", ("query", "{}/store", "--format", "csv", "--output", "{}/out.csv"), check_output),
        Command("replay", ("replay", "{}/store", "--speed", "2e5", "--progress"), check_unchanged),
        Command("replay to a server", ("replay", "{}/store", url, "--speed", "2e5"), check_unchanged),
        Command("verify", ("verify", "{}/store"), check_unchanged),
        Command("compact", ("compact", "{}/store"), check_compacted),
        Command("prune", ("prune", "{}/store", "--before", str(_FIRST_KEPT.date())), check_pruned),
        Command("record", ("record", url, "{}/new"), check_new, "recording * into"),
        Command("record more", ("record", url, "{}/store", "--mode", "streams"), check_added, "recording * into"),
        Command("tail", ("tail", url), check_unchanged, '{"'),
    ]


def run_whole(command: Command, folder: Path) -> float:
    """How long a run takes that nobody interrupts, or twice as long as one that never ends takes until its line."""
    began_s = time.monotonic()
    process = start(PROGRAMS[1], command.arguments_in(folder), folder, stdout=subprocess.PIPE)
    with process:
        assert process.stdout is not None
        for line in process.stdout:
            if command.ends_at is not None and line.decode().startswith(command.ends_at):
                process.kill()
                return (time.monotonic() - began_s) * 2
    assert process.returncode == 0, (folder / "stderr").read_text()
    return time.monotonic() - began_s


def _tree(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_size for path in folder.rglob("*")}


def _sound(store: Path) -> list[str]:
    return [f"{fault.path}: {fault.reason}" for fault in verify(store)]


def _ids(store: Path) -> list[str]:
    return [event.event_id for event in EventReader(store).read_range()]


def _nothing_new(folder: Path, template: Path, *, but: tuple[str, ...] = ()) -> list[str]:
    known = {*_tree(template), "stderr", "tmp"}
    return [f"left: {name}" for name in _tree(folder) if name not in known and not name.startswith(but or ("//",))]


def check_unchanged(folder: Path, template: Path) -> list[str]:
    """Nothing is left, and the store is as it was."""
    same = _tree(folder / "store") == _tree(template / "store")
    return _nothing_new(folder, template) + ([] if same else ["the store has changed"])


def check_output(folder: Path, template: Path) -> list[str]:
    """The file of a query is whole, or it is not there."""
    output = folder / "out.csv"
    if output.exists() and len(output.read_text().splitlines()) != 1 + len(_ids(template / "store")):
        return ["the output is not whole"]
    return _nothing_new(folder, template, but=("out.csv",))


def check_new(folder: Path, template: Path) -> list[str]:
    """The new store is sound, read whole, and taken over by the next writer, who leaves no unfinished file."""
    return _nothing_new(folder, template, but=("new",)) + _taken_over(folder / "new", [])


def check_added(folder: Path, template: Path) -> list[str]:
    """The store is sound and holds what it held, and the next writer leaves no unfinished file."""
    return _nothing_new(folder, template, but=("store",)) + _taken_over(folder / "store", _ids(template / "store"))


def _taken_over(store: Path, kept: list[str]) -> list[str]:
    if not store.exists():
        return []
    faults = _sound(store)
    before = sorted(_ids(store))
    if missing := set(kept) - set(before):
        faults.append(f"{len(missing)} events are lost")

    async def take_over() -> None:
        async with ParquetEventWriter(store):
            pass

    asyncio.run(take_over())
    if sorted(_ids(store)) != before:
        faults.append("the next writer has changed what is recorded")
    return faults + _sound(store) + _unfinished(store)


def _unfinished(store: Path) -> list[str]:
    return [f"left: {path}" for path in store.rglob("*") if path.name.endswith("~")]


def check_compacted(folder: Path, template: Path) -> list[str]:
    """The store is sound and holds the same, and the next run leaves no unfinished file."""
    return _repeated(folder, template, compact, kept=_ids(template / "store"))


def check_pruned(folder: Path, template: Path) -> list[str]:
    """The store is sound, whole days are gone, and the next run finishes it."""
    reader = EventReader(template / "store")
    kept = [event.event_id for event in reader.read_range() if event.timestamp >= _FIRST_KEPT]
    faults = _repeated(folder, template, lambda store: remove_days(store, before=_FIRST_KEPT.date()), kept=kept)
    days = sorted(path.name for path in (folder / "store/2024/01").iterdir())
    return faults + ([] if days == ["03"] else [f"days that are left: {days}"])


def _repeated(folder: Path, template: Path, run: Callable[[Path], object], *, kept: list[str]) -> list[str]:
    store = folder / "store"
    faults = _nothing_new(folder, template, but=("store",)) + _sound(store)
    if not set(kept) <= set(_ids(store)):
        faults.append("events are lost")
    run(store)
    if sorted(_ids(store)) != sorted(kept):
        faults.append("the next run does not finish it")
    return faults + _sound(store) + _unfinished(store)
