"""The store in ArcticDB: what stands in it, what is merged in, and what happens when it is full, locked or not ours."""

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.contract.store.test_writers import by_topic
from tests.events.persistence.influx.writing import failing
from tests.support.classes.odd_fields import define
from tests.support.classes.samples import sample
from tests.support.recording import START, tick, ticks
from tests.support.stores.kinds import ARCTIC_BYTES
from trading.events import UnknownEvent, base, encode_event
from trading.events.base import BaseEvent
from trading.events.errors import (
    CorruptFileError,
    StoreError,
    StoreLockedError,
    StorePathError,
    StoreUnavailableError,
    UnknownEventTypeError,
    UnstorableEventError,
)
from trading.events.market_data import TradeEvent
from trading.events.persistence import ArcticEventReader, ArcticEventWriter, SendingPolicy
from trading.events.persistence.arctic import delivery
from trading.events.persistence.arctic.library import open_library

pytestmark = pytest.mark.usefixtures("classes_are_forgotten")

PATIENT = SendingPolicy(age_s=3_600.0, retry_s=0.001, longest_retry_s=0.01)


def writer_in(folder: Path, **options: Any) -> ArcticEventWriter:
    return ArcticEventWriter(folder, **{"capacity_bytes": ARCTIC_BYTES, "policy": PATIENT} | options)


def read(folder: Path, **query: Any) -> list[BaseEvent]:
    return list(ArcticEventReader(folder, capacity_bytes=ARCTIC_BYTES).read_range(**query))


async def write(folder: Path, events: list[Any]) -> None:
    async with writer_in(folder) as writer:
        await writer.write_batch(events)


async def test_a_topic_is_a_symbol_that_others_can_read_with_decimals_as_scaled_integers(tmp_path: Path) -> None:
    await write(tmp_path, [tick(1, bid="1.50", ask=None, last="1E-30", volume="9" * 30), tick(2)])
    library = open_library(tmp_path, capacity_bytes=ARCTIC_BYTES)
    assert sorted(library.native.list_symbols()) == ["_sessions", "tick_binance_BTCUSDT"]
    [row, _] = library.read("tick_binance_BTCUSDT").to_pylist()
    assert (row["bid"], row["bid_exp"], row["bid_exact"]) == (150, -2, "")
    assert (row["ask_exp"], row["ask_exact"]) == (-(2**15), "")
    assert (row["last"], row["last_exp"], row["last_exact"]) == (1, -30, "")
    assert row["volume_exact"] == "9" * 30
    assert row["timestamp"].to_pydatetime().replace(tzinfo=START.tzinfo) == tick(1).timestamp


async def test_late_events_are_merged_in_without_touching_what_is_far_from_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = tick(10_000)
    async with writer_in(tmp_path) as writer:
        await writer.write_batch([*ticks(10), far])
        await writer.flush()
        ranges: list[tuple[Any, Any]] = []
        library = open_library(tmp_path)
        native_read = library.read

        def note(symbol: str, **which: Any) -> Any:
            ranges.append(which["date_range"])
            return native_read(symbol, **which)

        monkeypatch.setattr(library, "read", note)
        late = [tick(3, event_id="late"), tick(4.5, event_id="between"), tick(5_000, event_id="lone")]
        await writer.write_batch(late)
        await writer.flush()
        monkeypatch.undo()
    assert [(last - first).total_seconds() for first, last in ranges] == [1.5, 0.0]
    assert read(tmp_path) == sorted([*ticks(10), far, *late], key=lambda event: event.timestamp)


async def test_an_attempt_that_fails_in_the_middle_neither_loses_nor_doubles_an_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = [*ticks(5), *(tick(n, symbol="ETH/USDT") for n in range(5))]
    async with writer_in(tmp_path) as writer:
        await writer.write_batch(events)
        await writer.flush()
        append, faults = delivery.ArcticDelivery._append, iter(range(1))

        def fail_after(self: delivery.ArcticDelivery, appends: Any) -> None:
            fault = next(faults, None)
            append(self, appends if fault is None else appends[:1])  # the first is stored, and known to be
            if fault is not None:
                append(self, [each._replace(target=replace(each.target)) for each in appends[1:2]])  # and this is not
                raise delivery.ArcticException("cut off")

        monkeypatch.setattr(delivery.ArcticDelivery, "_append", fail_after)
        more = [tick(n, symbol=s) for n in (2, 7, 8) for s in ("BTC/USDT", "ETH/USDT", "XRP/USDT")]
        await writer.write_batch(more)
        await writer.flush()
    assert next(faults, None) is None
    assert by_topic(read(tmp_path)) == by_topic([*events, *more])


async def test_a_full_store_says_so_and_keeps_the_events(tmp_path: Path) -> None:
    idle = replace(PATIENT, retry_s=3_600.0, longest_retry_s=3_600.0)
    writer = writer_in(tmp_path, capacity_bytes=2**20, policy=idle)
    events = [tick(number, metadata={"noise": os.urandom(2_000).hex()}) for number in range(1_000)]
    await writer.write_batch(events)
    await failing(writer)
    with pytest.raises(StoreUnavailableError, match=r"1000 events are not stored after .* cannot be written: .* full"):
        await writer.flush(timeout_s=0.01)
    assert writer.waiting == 1_000
    await writer.aclose(timeout_s=0.1, discard=True)


async def test_many_small_appends_are_made_into_large_segments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "_MOST_APPENDS", 5)
    async with writer_in(tmp_path) as writer:
        for event in ticks(12):
            await writer.write_event(event)
            await writer.flush()
        segments = open_library(tmp_path).native._dev_tools.library_tool().read_index("tick_binance_BTCUSDT")
        assert len(segments) <= 5
    assert read(tmp_path) == ticks(12)


async def test_a_store_has_one_writer_at_a_time(tmp_path: Path) -> None:
    async with writer_in(tmp_path):
        with pytest.raises(StoreLockedError):
            writer_in(tmp_path)
    async with writer_in(tmp_path):
        pass


async def test_a_reader_in_another_process_sees_what_is_written_and_merged_meanwhile(tmp_path: Path) -> None:
    await write(tmp_path, ticks(3))
    program = f"""
from trading.events.persistence import ArcticEventReader
reader = ArcticEventReader({str(tmp_path)!r}, capacity_bytes={ARCTIC_BYTES})
while input():
    print(*(event.event_id for event in reader.read_range()), flush=True)
"""
    other = subprocess.Popen(  # noqa: ASYNC220 - it answers line by line
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
    )

    def ask() -> str:
        assert other.stdin is not None
        assert other.stdout is not None
        other.stdin.write("?\n")
        other.stdin.flush()
        return other.stdout.readline().strip()

    assert await asyncio.to_thread(ask) == "tick-0 tick-1 tick-2"
    await write(tmp_path, [tick(1.5, event_id="late"), tick(3)])
    assert await asyncio.to_thread(ask) == "tick-0 tick-1 late tick-2 tick-3"
    await asyncio.to_thread(other.communicate, "\n")


async def test_while_it_is_read_more_may_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from trading.events.persistence.arctic import reader as arctic_reader  # noqa: PLC0415 - to be changed

    monkeypatch.setattr(arctic_reader, "_MOST_ROWS", 64)
    monkeypatch.setattr(arctic_reader, "_CHUNK_EVENTS", 10)
    await write(tmp_path, ticks(200))
    events = iter(ArcticEventReader(tmp_path, capacity_bytes=ARCTIC_BYTES).read_range())
    first = [next(events) for _ in range(5)]
    await write(tmp_path, [tick(1.5, event_id="late"), tick(200)])
    assert [*first, *events] == ticks(201)


async def test_events_of_a_class_that_has_changed_go_to_another_symbol_and_both_are_read(tmp_path: Path) -> None:
    library = open_library(tmp_path, capacity_bytes=ARCTIC_BYTES, creates=True)
    await write(tmp_path, [define(int | None)(value=1, timestamp=START)])
    new = define(int | None, more=Decimal | None)
    await write(tmp_path, [new(value=2, timestamp=START, more=Decimal("1.0"))])
    await write(tmp_path, [new(value=3, timestamp=START)])
    assert sorted(library.native.list_symbols()) == ["_sessions", "odd__", "odd__~2"]
    assert [(event.value, event.more) for event in read(tmp_path)] == [(1, None), (2, Decimal("1.0")), (3, None)]


async def test_what_is_no_store_of_events_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(StorePathError, match="holds no recorded events in ArcticDB"):
        ArcticEventReader(tmp_path / "empty", capacity_bytes=ARCTIC_BYTES)
    (tmp_path / "file").touch()
    with pytest.raises(StorePathError, match="is a file; a store needs a folder"):
        writer_in(tmp_path / "file")
    await write(tmp_path / "store", [sample(TradeEvent)])
    native = open_library(tmp_path / "store", capacity_bytes=ARCTIC_BYTES).native
    native.write_metadata("trade_binance_BTCUSDT", "{}")
    with pytest.raises(CorruptFileError, match="trade_binance_BTCUSDT: this symbol is not of an event store"):
        read(tmp_path / "store")


async def test_a_forked_child_cannot_read_it(tmp_path: Path) -> None:
    await write(tmp_path, ticks(1))
    reader = ArcticEventReader(tmp_path, capacity_bytes=ARCTIC_BYTES)
    child = os.fork()
    if child == 0:
        signal.alarm(0)
        try:
            reader.count()
        except StoreError:
            os._exit(0)
        os._exit(1)
    _, status = await asyncio.to_thread(os.waitpid, child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def test_without_the_package_the_message_says_which_extra_to_install() -> None:
    program = (
        "import sys; sys.modules['arcticdb'] = None\n"
        "import importlib.util as u; find = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'arcticdb' else find(name, *a)\n"
        "import trading.events.persistence as p; p.ParquetEventWriter; p.InfluxEventWriter\n"
        "print('without', flush=True)\n"
        "p.ArcticEventWriter\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=False)
    assert done.stdout == "without\n"
    assert "pip install 'trading-events[arcticdb]'" in done.stderr


def test_the_package_is_imported_when_its_store_is_first_named() -> None:
    program = (
        "import sys, trading.events.persistence as p; p.EventReader; p.InfluxEventWriter\n"
        "print('arcticdb' in sys.modules); p.ArcticEventReader; print('arcticdb' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout == "False\nTrue\n"


async def test_events_whose_class_is_gone_are_named_or_given_as_mappings(tmp_path: Path) -> None:
    trade = sample(TradeEvent, timestamp=START, price="1.50", metadata={"a": [1]})
    carried = UnknownEvent.of_bytes(encode_event(trade))
    await write(tmp_path, [trade, tick(1)])
    del base._CLASSES["trade"]
    with pytest.raises(UnknownEventTypeError, match="'trade'"):
        read(tmp_path)
    [event, other] = read(tmp_path, unknown="mapping")
    assert isinstance(event, UnknownEvent)
    assert (event["price"], event["metadata"]) == (Decimal("1.50"), {"a": [1]})
    assert event.topic == "events.trade.binance.BTC/USDT"
    assert other == tick(1)
    async with writer_in(tmp_path) as writer:
        with pytest.raises(UnstorableEventError, match="no class here has its event type"):
            await writer.write_event(carried)
