"""What reading a store costs: as models, as a table, in parts, merged from many files, and in memory."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.figures.case import Case, Plan
from benchmarks.figures.storing import folder
from benchmarks.ticks import START, make_tick, make_ticks
from trading.events.base import BaseEvent
from trading.events.market_data import TickEvent
from trading.events.persistence import EventReader, ParquetEventWriter, RotationPolicy
from trading.events.persistence.names import name_part
from trading.events.persistence.parquet.store.manifest import Manifest, replace_manifest
from trading.events.persistence.parquet.store.part_writer import write_part

ONE_SEGMENT = RotationPolicy(rows=10**8, size_bytes=2**40, age_s=3_600.0)
HOME = Path(__file__).parents[2]


async def record(store: Path, events: Sequence[BaseEvent]) -> Path:
    """Records events, sealed in one go; the store."""
    async with ParquetEventWriter(store, rotation=ONE_SEGMENT) as writer:
        for start in range(0, len(events), 1_000):
            await writer.write_batch(events[start : start + 1_000])
            await asyncio.sleep(0)
    return store


def time_s(act: Callable[[], int], expected: int) -> float:
    """How long it takes to count so many."""
    start = time.perf_counter()
    found = act()
    spent = time.perf_counter() - start
    assert found == expected, (found, expected)
    return spent


def read_plainly(path: Path) -> int:
    """A file read as models by pyarrow and Pydantic."""
    rows = pq.read_table(path, columns=list(TickEvent.model_fields)).to_pylist()
    return len([TickEvent.model_validate(row | {"metadata": json.loads(row["metadata"])}) for row in rows])


async def read_models(plan: Plan) -> list[float]:
    """A day as a list of models, against the plain way."""
    count = plan.size(200_000)
    with folder() as path:
        reader = EventReader(await record(path, make_ticks(count)))
        [file] = path.rglob("*.parquet")
        assert list(reader.read_range()) == make_ticks_again(reader, count)
        plain = time_s(lambda: read_plainly(file), count)
        return [time_s(lambda: len(list(reader.read_range())), count) / plain for _ in range(plan.rounds)]


def make_ticks_again(reader: EventReader, count: int) -> list[TickEvent]:
    """The ticks that were recorded, with the ids that they have in the store."""
    ids = reader.read_table()["event_id"].to_pylist()
    return [tick.model_copy(update={"event_id": each}) for tick, each in zip(make_ticks(count), ids, strict=True)]


async def read_as_table(plan: Plan) -> list[float]:
    """The same day as an Arrow table, against pyarrow alone."""
    count = plan.size(1_000_000)
    with folder() as path:
        reader = EventReader(await record(path, make_ticks(count)))
        [file] = path.rglob("*.parquet")
        figures: list[float] = []
        for _ in range(plan.rounds):
            plain = time_s(lambda: pq.read_table(file).num_rows, count)
            figures.append(time_s(lambda: reader.read_table().num_rows, count) / plain)
        return figures


async def read_one_symbol(plan: Plan) -> list[float]:
    """One symbol of a thousand, against the whole day."""
    symbols = tuple(f"S{number}/USDT" for number in range(plan.size(1_000)))
    each = plan.size(500)
    with folder() as path:
        reader = EventReader(await record(path, make_ticks(each * len(symbols), symbols=symbols)))
        day = time_s(lambda: sum(1 for _ in reader.read_range()), each * len(symbols))
        return [time_s(lambda: len(list(reader.read_range(symbol="S7/USDT"))), each) / day for _ in range(plan.rounds)]


async def read_one_minute(plan: Plan) -> list[float]:
    """One minute of a day of one symbol that ticks ten times a second, against the day."""
    count = max(1_200, plan.size(864_000))
    interval = timedelta(days=1) / count
    ticks = [make_tick(number).model_copy(update={"timestamp": START + number * interval}) for number in range(count)]
    minute, expected = timedelta(minutes=1), -(-timedelta(minutes=1) // interval)
    with folder() as path:
        reader = EventReader(await record(path, ticks))
        day = time_s(lambda: sum(1 for _ in reader.read_range()), count)
        figures: list[float] = []
        for number in range(plan.rounds):
            start = START + (number * 977 % 1_440) * minute
            expected = sum(start <= tick.timestamp < start + minute for tick in ticks)
            read = lambda start=start: len(list(reader.read_range(start, start + minute)))  # noqa: E731 - short
            figures.append(time_s(read, expected) / day)
        return figures


async def merge_small_files(plan: Plan) -> list[float]:
    """Files of a hundred events each, merged in order, against one file of as many."""
    symbols = tuple(f"S{number}/USDT" for number in range(plan.size(5_000)))
    count = 100 * len(symbols)
    with folder() as path:
        many = EventReader(await record(path / "many", make_ticks(count, symbols=symbols)))
        one = EventReader(await record(path / "one", make_ticks(count)))
        assert len(list(many.files())) == len(symbols)
        moments = [event.timestamp for event in many.read_range()]
        assert moments == sorted(moments)
        del moments
        figures: list[float] = []
        for _ in range(plan.rounds):
            alone = time_s(lambda: sum(1 for _ in one.read_range()), count)
            figures.append(time_s(lambda: sum(1 for _ in many.read_range()), count) / alone)
        return figures


async def stream_many(plan: Plan) -> list[float]:
    """The most memory of a process that goes over ten million events of forty days."""
    days = 40 if plan.scale == 1.0 else 2
    each = plan.size(250_000)
    with folder() as path:
        await record(path / "day", make_ticks(each))
        table = pq.read_table(next((path / "day").rglob("*.parquet")))
        place = table.schema.names.index("timestamp")
        for day in range(days):
            moments = (table["timestamp"].cast("int64").to_pandas() + day * 86_400_000_000).astype("int64")
            shifted = table.set_column(place, "timestamp", [moments]).cast(table.schema)
            keep_day(path / "store", START + timedelta(days=day), shifted)
        return [_peak_mb(path / "store", days * each)]


async def merge_large_files(plan: Plan) -> list[float]:
    """The most memory of a process that begins to merge two thousand files of a hundred thousand rows."""
    files, each = plan.size(2_000), plan.size(100_000)
    with folder() as path:
        await record(path / "one", make_ticks(each))
        table = pq.read_table(next((path / "one").rglob("*.parquet")))
        keep_day(path / "store", START, table, files=files)
        return [_peak_mb(path / "store", min(files * each, 1_000_000))]


def keep_day(store: Path, day: datetime, table: pa.Table, *, files: int = 1) -> None:
    """Makes a day of a store of one table; of many parts that are the same file."""
    target = store / f"{day:%Y/%m/%d}"
    target.mkdir(parents=True)
    sealed = []
    for number in range(1, files + 1):
        name = str(name_part("tick", "binance", "BTC/USDT", number=number))
        if number == 1:
            sealed.append(write_part([table], target / name, name=name, schema=table.schema))
        else:
            os.link(target / sealed[0].name, target / name)
            sealed.append(sealed[0].model_copy(update={"name": name}))
    replace_manifest(target, Manifest(files=tuple(sorted(sealed, key=lambda file: file.name))))


def _peak_mb(store: Path, count: int) -> float:
    command = [sys.executable, "-m", "benchmarks.figures.reading", str(store), str(count)]
    done = subprocess.run(command, cwd=HOME, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    return float(done.stdout)


def main() -> None:
    """Goes over so many events of a store, and prints the most memory that took, in megabytes."""
    store, count = sys.argv[1], int(sys.argv[2])
    before: tuple[datetime, ...] = (datetime.min.replace(tzinfo=UTC),)
    found = 0
    for event in islice(EventReader(store).read_range(), count):
        assert event.timestamp >= before[0]
        before = (event.timestamp,)
        found += 1
    assert found == count, found
    # Not `ru_maxrss`, which begins with what the parent had.
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    print(int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) / 1_000)


READ_CASES = (
    Case(
        "read_models",
        "a day read back as models, against `pq.read_table`, `to_pylist` and `model_validate`",
        read_models,
        bound=1 / 12,
        aim=1 / 20,
        rounds=3,
    ),
    Case(
        "read_table",
        "a day as an Arrow table, against `pq.read_table` of the same file",
        read_as_table,
        bound=1.5,
        aim=1.1,
        rounds=5,
    ),
    Case(
        "read_symbol",
        "one symbol of 1,000 out of a day, against reading the day",
        read_one_symbol,
        bound=1 / 100,
        aim=1 / 500,
        rounds=9,
    ),
    Case(
        "read_minute",
        "one minute out of a day of one symbol, against reading that day",
        read_one_minute,
        bound=1 / 50,
        aim=1 / 200,
        rounds=9,
    ),
    Case(
        "read_many_files",
        "5,000 files of 100 events, merged in order, against one file of as many",
        merge_small_files,
        bound=6.0,
        aim=4.0,
        rounds=3,
    ),
    Case(
        "read_memory",
        "the most memory of a process that streams 10,000,000 events",
        stream_many,
        bound=300.0,
        aim=150.0,
        unit="MB",
        rounds=1,
    ),
    Case(
        "merge_memory",
        "the same of one that merges 2,000 files of 100,000 rows",
        merge_large_files,
        bound=300.0,
        aim=200.0,
        unit="MB",
        rounds=1,
    ),
)

if __name__ == "__main__":
    main()
