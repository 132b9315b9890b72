"""When recorded events become files."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import cycle
from pathlib import Path
from typing import ClassVar, Self

import pytest

from tests.support.recording import START, Disk, files_of, read, record, tick, ticks
from trading.events.errors import UnstorableEventError
from trading.events.market_data import TickEvent
from trading.events.persistence import ParquetEventWriter, RotationPolicy
from trading.events.persistence.parquet.sealing import sealer


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    with Disk(monkeypatch) as made:
        yield made


async def sealed(disk: Disk) -> None:
    assert await asyncio.to_thread(disk.sealed.wait, 30)


async def test_events_are_sealed_when_there_are_enough_of_them(tmp_path: Path, disk: Disk) -> None:
    async with ParquetEventWriter(tmp_path, rotation=RotationPolicy(rows=3)) as writer:
        await writer.write_batch(ticks(2))
        await writer.flush()
        assert not disk.asked.is_set()
        await writer.write_event(tick(2))
        await sealed(disk)
        assert len(files_of(tmp_path)) == 1
        assert read(tmp_path) == ticks(3)


async def test_events_are_sealed_when_they_take_enough_bytes(tmp_path: Path, disk: Disk) -> None:
    async with ParquetEventWriter(tmp_path, rotation=RotationPolicy(size_bytes=10_000)) as writer:
        await writer.write_event(tick(0))
        await writer.flush()
        assert not disk.asked.is_set()
        await writer.write_event(tick(1, metadata={"a": "x" * 10_000}))
        await sealed(disk)


async def test_events_are_sealed_when_the_first_of_them_is_old_enough(tmp_path: Path, disk: Disk) -> None:
    async with ParquetEventWriter(tmp_path, rotation=RotationPolicy(age_s=0.01)) as writer:
        for number in range(3):
            disk.sealed.clear()
            await writer.write_event(tick(number))
            await sealed(disk)
    assert read(tmp_path) == ticks(3)


async def test_events_are_sealed_when_the_date_changes(
    tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ParquetEventWriter(tmp_path) as writer:
        await writer.flush(seal=True)
        monkeypatch.setattr(sealer, "_seconds_left", lambda _: -1.0)
        await writer.write_event(tick())
        await sealed(disk)


async def test_a_change_of_the_date_can_be_left_unheeded(
    tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealer, "_seconds_left", lambda _: -1.0)
    async with ParquetEventWriter(tmp_path, rotation=RotationPolicy(date_change=False)) as writer:
        await writer.write_event(tick())
        await writer.flush()
        assert not disk.asked.is_set()


def test_a_day_ends_at_midnight_in_utc() -> None:
    today = sealer._today()
    assert 0 < sealer._seconds_left(today) <= 86_400
    assert -86_400 < sealer._seconds_left(today - timedelta(days=1)) <= 0


class JumpingClock(datetime):
    """A clock that is set, each time somebody looks, to the next of some moments, again and again."""

    moments: ClassVar[Iterator[datetime]]

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return cls.fromtimestamp(next(cls.moments).timestamp(), tz)


@pytest.mark.parametrize(
    "times",
    [
        ["2024-01-01", "2022-11-27", "2025-02-04"],
        ["2024-02-28T23:59:59", "2024-02-29", "2024-03-01"],
        ["2024-12-31T23:59:59.999999", "2025-01-01"],
    ],
)
async def test_a_clock_that_jumps_costs_no_event_and_doubles_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: list[str]
) -> None:
    moments = [datetime.fromisoformat(time).replace(tzinfo=UTC) for time in times]
    monkeypatch.setattr(JumpingClock, "moments", cycle(moments), raising=False)
    monkeypatch.setattr(sealer, "datetime", JumpingClock)
    given, refused = [tick(number, timestamp=moments[number % len(moments)]) for number in range(60)], 0
    async with ParquetEventWriter(tmp_path, rotation=RotationPolicy(rows=7)) as writer:
        for number, event in enumerate(given):
            await writer.write_event(event)
            if number % 20 == 0:
                with pytest.raises(UnstorableEventError):
                    await writer.write_event(TickEvent.model_construct(**(dict(event) | {"bid": "cheap"})))
                refused += 1
            if number % 10 == 0:
                await writer.flush(seal=True)
    stored = read(tmp_path)
    assert sorted(event.event_id for event in stored) == sorted(event.event_id for event in given)
    assert len(given) + 3 == len(stored) + refused


async def test_nothing_is_sealed_while_nothing_waits(tmp_path: Path) -> None:
    async with ParquetEventWriter(tmp_path, rotation=RotationPolicy(age_s=1e-9)) as writer:
        await writer.flush(seal=True)
    assert files_of(tmp_path) == []


def test_each_day_and_topic_gets_a_file_of_its_own(tmp_path: Path) -> None:
    mixed = [tick(number, symbol="AB"[number % 2], exchange="yx"[number // 2]) for number in range(4)]
    tomorrow = tick(4, symbol="A", exchange="x", timestamp=START + timedelta(days=1))
    record(tmp_path, [*mixed, tomorrow])
    names = [f"2024/01/01/tick_{exchange}_{symbol}.parquet" for exchange in "xy" for symbol in "AB"]
    assert files_of(tmp_path) == [*names, "2024/01/02/tick_x_A.parquet"]
    assert read(tmp_path) == [*mixed, tomorrow]
