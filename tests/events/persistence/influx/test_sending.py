"""InfluxEventWriter: what is sent, in which batches, with which credentials."""

import asyncio
import logging
from dataclasses import replace

import pytest

from tests.events.persistence.influx.writing import PATIENT, failing, ids, numbered, writer_to
from tests.support.recording import tick, ticks
from tests.support.stores.scripted import Reply, ScriptedServer
from trading.events.errors import StoreUnavailableError
from trading.events.persistence import InfluxBucket, InfluxDatabase, InfluxEventWriter


async def test_events_are_sent_in_batches_in_order_compressed(server: ScriptedServer) -> None:
    async with writer_to(server, replace(PATIENT, batch_events=4)) as writer:
        await writer.write_batch(ticks(10))
    assert [ids(request.lines) for request in server.requests] == [
        numbered(0, 1, 2, 3),
        numbered(4, 5, 6, 7),
        numbered(8, 9),
    ]
    assert {request.headers["Content-Encoding"] for request in server.requests} == {"gzip"}


async def test_a_request_holds_no_more_bytes_than_it_may_but_one_event_always(server: ScriptedServer) -> None:
    async with writer_to(server, replace(PATIENT, batch_bytes=1), compresses=False) as writer:
        await writer.write_batch(ticks(3))
    assert [ids(request.lines) for request in server.requests] == [numbered(0), numbered(1), numbered(2)]
    assert "Content-Encoding" not in server.requests[0].headers


async def test_events_are_sent_by_themselves_when_they_are_old_enough(server: ScriptedServer) -> None:
    async with writer_to(server, replace(PATIENT, age_s=0.01)) as writer:
        await writer.write_event(tick(0))
        await asyncio.to_thread(server.wait_for, 1)
        await writer.write_event(tick(1))
        await asyncio.to_thread(server.wait_for, 2)


async def test_events_are_sent_by_themselves_when_they_are_enough(server: ScriptedServer) -> None:
    async with writer_to(server, replace(PATIENT, batch_events=3)) as writer:
        for event in ticks(3):
            await writer.write_event(event)
        await asyncio.to_thread(server.wait_for, 1)
        assert ids(server.stored) == numbered(0, 1, 2)


async def test_both_write_paths_are_known_with_their_credentials(server: ScriptedServer) -> None:
    database = InfluxDatabase(f"{server.url}/proxy/", "a b", retention_policy="r&d", username="user", password="pä:ss")
    bucket = InfluxBucket(server.url, "market", org="me & you", token="secret==")
    for target in (database, bucket, InfluxBucket(server.url, "market")):
        async with InfluxEventWriter(target) as writer:
            await writer.write_event(tick())
    first, second, third = server.requests
    assert first.path == "/proxy/write?db=a+b&rp=r%26d&precision=ns"
    assert first.headers["Authorization"] == "Basic dXNlcjpww6Q6c3M="
    assert second.path == "/api/v2/write?bucket=market&org=me+%26+you&precision=ns"
    assert second.headers["Authorization"] == "Token secret=="
    assert third.path == "/api/v2/write?bucket=market&precision=ns"
    assert "Authorization" not in third.headers


async def test_writers_with_names_keep_their_events_apart(server: ScriptedServer) -> None:
    for name in (None, "a b"):
        async with writer_to(server, name=name) as writer:
            await writer.write_batch([tick(1), tick(0)])
            await writer.write_event(tick(0))
    assert [line.split(" ")[0].split("USDT")[1] for line in server.stored[:3]] == ["", "", ",_run=1"]
    assert [line.split("USDT")[1].split(" event")[0] for line in server.stored[3:]] == [
        r",_writer=a\ b",
        r",_writer=a\ b",
        r",_writer=a\ b,_run=1",
    ]
    with pytest.raises(ValueError, match="name must not be empty"):
        writer_to(server, name="")


async def test_secrets_are_in_no_message_and_in_no_log(
    server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.answer = lambda _request: Reply(401, '{"error":"authorization failed"}')
    targets = [
        InfluxDatabase(server.url, "market", username="user", password="hush-hush"),
        InfluxBucket(server.url, "market", token="hush-hush"),
    ]
    for target in targets:
        writer = InfluxEventWriter(target, policy=PATIENT)
        await writer.write_event(tick())
        await failing(writer)
        with pytest.raises(StoreUnavailableError) as caught:
            await writer.flush(timeout_s=0.05)
        await writer.aclose(timeout_s=0.01, discard=True)
        shown = f"{caught.value!r} {caplog.text} {writer!r} {vars(writer)!r} {target!r}"
        assert "hush" not in shown
        assert "dXNlcjpodXNoLWh1c2g=" not in shown
