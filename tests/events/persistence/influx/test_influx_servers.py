"""InfluxEventWriter and real servers: InfluxDB 1 by its own path, VictoriaMetrics by that of InfluxDB 2."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from tests.contract.store.test_writers import NAMES
from tests.events.persistence.influx.writing import failing
from tests.support.classes.samples import MOMENT, SAMPLES, sample
from tests.support.recording import tick, ticks
from tests.support.stores.influxdb import InfluxServer, read_events, read_points
from tests.support.stores.victoria import VictoriaServer
from trading.events.errors import RefusedEventsError, StoreUnavailableError
from trading.events.market_data import TickEvent
from trading.events.memory_bus import InMemoryEventBus
from trading.events.persistence import InfluxBucket, InfluxDatabase, InfluxEventWriter, SendingPolicy
from trading.events.system import ErrorEvent

EAGER = SendingPolicy(age_s=0.01, retry_s=0.01, longest_retry_s=0.05)


@pytest.fixture
def influx(tmp_path: Path) -> Iterator[InfluxServer]:
    server = InfluxServer(tmp_path / "influx")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def guarded_influx(tmp_path: Path) -> Iterator[InfluxServer]:
    server = InfluxServer(tmp_path / "influx", with_users=True)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def victoria(tmp_path: Path) -> Iterator[VictoriaServer]:
    server = VictoriaServer(tmp_path / "victoria")
    server.start()
    yield server
    server.kill()


async def test_events_published_while_the_server_is_dead_are_all_stored_once_when_it_is_back(
    influx: InfluxServer,
) -> None:
    target = influx.make_database()
    async with InfluxEventWriter(target, policy=EAGER) as writer, InMemoryEventBus() as bus:
        await bus.subscribe("*", writer.write_event)
        await bus.publish_batch(ticks(100))
        await bus.join()
        await writer.flush()
        influx.kill()
        await bus.publish_batch(ticks(200)[100:])
        await bus.join()
        with pytest.raises(StoreUnavailableError, match=r"100 events are not stored after 0\.1 s; they are kept"):
            await writer.flush(timeout_s=0.1)
        await asyncio.to_thread(influx.start)
        await bus.publish_batch(ticks(300)[200:])
        await bus.join()
    assert read_events(influx, target) == ticks(300)


async def test_a_server_that_is_killed_again_and_again_while_events_come_loses_none(influx: InfluxServer) -> None:
    target = influx.make_database()
    async with InfluxEventWriter(target, policy=replace(EAGER, batch_events=7)) as writer:
        for start in range(0, 300, 100):
            writing = asyncio.create_task(write_slowly(writer, start))
            await asyncio.to_thread(influx.kill)
            await asyncio.to_thread(influx.start)
            await writing
    assert read_events(influx, target) == ticks(300)


async def write_slowly(writer: InfluxEventWriter, start: int) -> None:
    for number in range(start, start + 100):
        await writer.write_event(tick(number))
        await asyncio.sleep(0.001)


async def test_events_whose_fields_the_server_knows_otherwise_are_named_and_no_others_are_lost(
    influx: InfluxServer,
) -> None:
    target = influx.make_database()
    clash = f"/write?db={target.database.replace(' ', '%20')}&precision=ns"
    moment = int(tick().timestamp.timestamp()) * 10**9
    influx.request("POST", clash, body=f'tick,exchange=odd bid="much" {moment}'.encode())
    events = [tick(number, bid=None if number % 10 else Decimal(number)) for number in range(100)]
    async with InfluxEventWriter(target) as writer:
        await writer.write_batch(events)
        with pytest.raises(RefusedEventsError, match='input field "bid" on measurement "tick" is type float') as caught:
            await writer.flush()
    refused = [line for line, _ in caught.value.refused]
    assert [line.split('event_id="')[1].split('"')[0] for line in refused] == [f"tick-{n}" for n in range(0, 100, 10)]
    stored = [event for event in read_points(influx, target) if event[1]["exchange"] == "binance"]
    assert {fields["event_id"] for _, _, fields in stored} == {event.event_id for event in events if event.bid is None}


async def test_a_database_that_is_not_there_yet_is_waited_for(influx: InfluxServer) -> None:
    target = InfluxDatabase(influx.url, "later")
    async with InfluxEventWriter(target, policy=EAGER) as writer:
        await writer.write_batch(ticks(3))
        await failing(writer)
        with pytest.raises(StoreUnavailableError, match='database not found: "later"'):
            await writer.flush(timeout_s=0.1)
        influx.query("CREATE DATABASE later")
        await writer.flush()
    assert read_events(influx, target) == ticks(3)


async def test_credentials_let_in_whom_the_server_knows_and_nobody_else(guarded_influx: InfluxServer) -> None:
    server = guarded_influx
    server.query("CREATE USER root WITH PASSWORD 'p@ss:wörd' WITH ALL PRIVILEGES")
    server.query("CREATE DATABASE market", u="root", p="p@ss:wörd")
    target = InfluxDatabase(server.url, "market", username="root", password="wrong")
    stranger = InfluxEventWriter(target, policy=EAGER)
    await stranger.write_event(tick(0))
    await failing(stranger)
    with pytest.raises(StoreUnavailableError, match="answers 401: authorization failed; check the credentials"):
        await stranger.flush(timeout_s=0.1)
    await stranger.aclose(timeout_s=0.01, discard=True)
    async with InfluxEventWriter(replace(target, password="p@ss:wörd")) as writer:
        await writer.write_event(tick(1))
    [series] = server.query("SELECT event_id FROM tick", db="market", u="root", p="p@ss:wörd")
    assert [row[1] for row in series["values"]] == ["tick-1"]


async def test_victoria_metrics_keeps_every_number_with_its_names_and_its_time_in_milliseconds(
    victoria: VictoriaServer,
) -> None:
    events = [sample(cls, timestamp=MOMENT) for cls in SAMPLES]
    events += [tick(number, symbol=name, exchange="a,b=c d") for number, name in enumerate(NAMES)]
    events += [tick(500, bid="-0.5", ask="12345678.25"), tick(500, bid="1.25")]
    async with InfluxEventWriter(InfluxBucket(victoria.url, "market", token="any")) as writer:
        await writer.write_batch(events)
    stored = victoria.samples()

    found = sorted((*sample[1:4], sample.value) for sample in stored if sample.name == "tick_bid")
    expected = sorted(
        (event.exchange or "", escaped(event.symbol), int(event.timestamp.timestamp() * 1_000), float(event.bid))
        for event in events
        if isinstance(event, TickEvent) and event.bid is not None
    )
    assert found == expected
    assert {"heartbeat_interval_s", "orderbook_sequence", "bar_complete", "order_filled_fee"} <= {
        s.name for s in stored
    }
    [received] = [s.value for s in stored if s.name == "trade_exchange_timestamp"]
    assert received == 1_704_067_200_000_000


def escaped(name: str | None) -> str:
    return "".join("%25" if c == "%" else "%5C" if c == "\\" else c for c in name or "")


async def test_no_text_can_smuggle_another_point_into_victoria_metrics(victoria: VictoriaServer) -> None:
    smuggled = "x\nsmuggled,a=b v=1 1\n"
    event = sample(ErrorEvent, message=smuggled, component=smuggled, metadata={smuggled: smuggled}, event_id=smuggled)
    async with InfluxEventWriter(InfluxBucket(victoria.url, "market")) as writer:
        await writer.write_event(event)
    assert "smuggled_v" not in {sample.name for sample in victoria.samples()}
    log = (victoria.folder / "server.log").read_text()
    assert "cannot unmarshal" not in log
