"""InfluxEventWriter against a server that answers as a test says: batches, retries, refusals, bounds, and secrets."""

import asyncio
import gc
import logging
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.events.recording import tick, ticks
from tests.stores.process import free_port
from tests.stores.scripted import Reply, Request, ScriptedServer
from trading.events.errors import RefusedEventsError, StoreClosedError, StoreUnavailableError
from trading.events.memory_bus import InMemoryEventBus
from trading.events.persistence import (
    InfluxBucket,
    InfluxDatabase,
    InfluxEventWriter,
    RefusedEvent,
    SendingPolicy,
)


@pytest.fixture
def hang_limit_s() -> float:
    return 15.0


PATIENT = SendingPolicy(age_s=3_600.0, retry_s=0.001, longest_retry_s=0.01)
"""Sends nothing by itself, and tries again soon."""

IDLE = replace(PATIENT, retry_s=3_600.0, longest_retry_s=3_600.0)
"""Sends nothing by itself, and tries nothing again by itself."""


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


def writer_to(server: ScriptedServer, policy: SendingPolicy = PATIENT, **options: Any) -> InfluxEventWriter:
    return InfluxEventWriter(InfluxDatabase(server.url, "market"), policy=policy, **options)


def ids(lines: list[str]) -> list[str]:
    return [line.split('event_id="')[1].split('"')[0] for line in lines]


def numbered(*numbers: int) -> list[str]:
    return [f"tick-{number}" for number in numbers]


def refuse(*numbers: int, status: int = 400, body: str = '{"error":"field type conflict"}') -> Any:
    """Refuses every request that holds one of these ticks."""
    bad = {f'event_id="tick-{number}"' for number in numbers}

    def answer(request: Request) -> Reply:
        return Reply(status, body) if any(each in line for line in request.lines for each in bad) else Reply()

    return answer


# What is sent


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


# When the server is away


@pytest.mark.parametrize(
    "reply",
    [
        Reply(500, '{"error":"timeout"}'),
        Reply(503, "overloaded", (("Retry-After", "0"),)),
        Reply(429, "", (("Retry-After", "soon"),)),
        Reply(0),
        Reply(302, "", (("Location", "/"),)),
        Reply(400, "<html>The plain HTTP request was sent to HTTPS port</html>"),
    ],
    ids=lambda reply: f"{reply.status}",
)
async def test_what_fails_is_tried_again_until_it_is_stored_once(server: ScriptedServer, reply: Reply) -> None:
    replies = iter([reply] * 5)
    server.answer = lambda _request: next(replies, Reply())
    async with writer_to(server) as writer:
        await writer.write_batch(ticks(3))
        await writer.flush()
        assert (writer.waiting, writer.refused) == (0, 0)
    assert ids(server.stored) == numbered(0, 1, 2)


async def test_flush_says_what_is_wrong_and_the_events_are_kept(server: ScriptedServer) -> None:
    server.answer = lambda _request: Reply(404, '{"error":"database not found: \\"market\\""}')
    async with writer_to(server) as writer:
        await writer.write_batch(ticks(2))
        with pytest.raises(StoreUnavailableError, match="2 events are not stored after") as caught:
            await writer.flush(timeout_s=0.05)
        assert 'answers 404: database not found: "market"; check the url, and that' in str(caught.value)
        server.answer = lambda _request: Reply(401, '{"code":"unauthorized","message":"unauthorized access"}')
        await asyncio.to_thread(server.wait_for, len(server.requests) + 2)
        with pytest.raises(StoreUnavailableError, match="answers 401: unauthorized access; check the credentials"):
            await writer.flush(timeout_s=0.05)
        server.answer = lambda _request: Reply()
    assert ids(server.stored) == numbered(0, 1)


async def test_a_server_that_is_not_there_is_named() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    writer = InfluxEventWriter(InfluxBucket(url, "market"), policy=PATIENT)
    await writer.write_event(tick())
    with pytest.raises(StoreUnavailableError, match=rf"{url}/api/v2/write\S* cannot be reached: .*refused"):
        await writer.flush(timeout_s=0.05)
    with pytest.raises(StoreUnavailableError):
        await writer.aclose(timeout_s=0.05)
    await writer.write_event(tick(1))
    assert writer.waiting == 2
    await writer.aclose(timeout_s=0.01, discard=True)


async def test_a_server_that_says_nothing_is_given_up_after_the_timeout(server: ScriptedServer) -> None:
    go_on = threading.Event()
    answered = iter([True])

    def answer(_request: Request) -> Reply:
        if next(answered, False):
            go_on.wait(30)
        return Reply()

    server.answer = answer
    async with writer_to(server, timeout_s=0.05) as writer:
        await writer.write_event(tick())
        await writer.flush()
    go_on.set()
    assert set(ids(server.stored)) == {"tick-0"}
    assert len(set(server.stored)) == 1


async def test_an_outage_is_logged_once_and_its_end_too(
    server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    replies = iter([Reply(503, "no")] * 5)
    server.answer = lambda _request: next(replies, Reply())
    async with writer_to(server) as writer:
        await writer.write_event(tick())
        await writer.flush()
    first, last = caplog.records
    assert (first.levelname, last.levelname) == ("ERROR", "INFO")
    assert "events cannot be stored; they wait and are tried again" in first.message
    assert "takes events again" in last.message


async def test_retries_come_later_and_later_up_to_a_limit_and_never_at_the_same_time_as_others() -> None:
    policy = SendingPolicy(retry_s=1.0, longest_retry_s=10.0)
    longest = [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    delays = [policy.delay_s(attempts) for attempts in range(6)]
    assert all(limit / 2 <= delay <= limit for delay, limit in zip(delays, longest, strict=True))
    assert len({policy.delay_s(0) for _ in range(100)}) > 90
    assert policy.delay_s(10_000) <= 10.0


async def test_each_retry_of_an_outage_comes_later_and_the_next_outage_begins_anew(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts: list[int] = []

    def note(_: SendingPolicy, failed_before: int) -> float:
        attempts.append(failed_before)
        return 0.0

    monkeypatch.setattr(SendingPolicy, "delay_s", note)
    async with writer_to(server) as writer:
        for number in range(2):
            replies = iter([Reply(503, "away")] * 4)
            server.answer = lambda _request, replies=replies: next(replies, Reply())
            await writer.write_event(tick(number))
            await writer.flush()
    assert attempts == [0, 1, 2, 3] * 2


async def test_write_event_waits_while_too_much_waits_and_nothing_is_lost(server: ScriptedServer) -> None:
    server.answer = lambda _request: Reply(503, "away")
    async with writer_to(server, replace(IDLE, capacity_bytes=3_000)) as writer:
        writing = asyncio.create_task(write_one_by_one(writer, 50))
        while writer.waiting < 5 or writing.done():  # noqa: ASYNC110 - the writer tells nobody
            await asyncio.sleep(0)
        for _ in range(10):
            await asyncio.sleep(0)
        before = writer.waiting
        assert not writing.done()
        assert before < 20
        server.answer = lambda _request: Reply()
        await writer.flush()
        await writing
    assert ids(server.stored) == numbered(*range(50))


async def write_one_by_one(writer: InfluxEventWriter, count: int) -> None:
    for event in ticks(count):
        await writer.write_event(event)


async def test_under_a_bus_events_then_wait_in_the_queue_of_the_subscription(server: ScriptedServer) -> None:
    server.answer = lambda _request: Reply(503, "away")
    async with writer_to(server, replace(IDLE, capacity_bytes=1)) as writer, InMemoryEventBus() as bus:
        sid = await bus.subscribe("*", writer.write_event, capacity=5, overflow="drop_newest")
        await bus.publish_batch(ticks(1))
        await bus.join()
        for event in ticks(20)[1:]:
            await bus.publish(event)
            await asyncio.sleep(0)
        assert dict(bus.statistics().subscriptions[sid].dropped)["drop_newest"] > 0
        server.answer = lambda _request: Reply()
        await writer.flush()
        await bus.join()


async def test_a_write_that_is_cancelled_while_it_waits_has_written_nothing(server: ScriptedServer) -> None:
    server.answer = lambda _request: Reply(503, "away")
    async with writer_to(server, replace(IDLE, capacity_bytes=1)) as writer:
        await writer.write_event(tick(0))
        writing = [asyncio.create_task(writer.write_batch([tick(number)])) for number in (1, 2, 3)]
        await asyncio.sleep(0)
        writing[1].cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing[1]
        server.answer = lambda _request: Reply()
        await writer.flush()
        await asyncio.gather(writing[0], writing[2])
    assert ids(server.stored) == numbered(0, 1, 3)


async def test_a_batch_that_is_larger_than_the_bound_goes_alone(server: ScriptedServer) -> None:
    async with writer_to(server, replace(PATIENT, capacity_bytes=1)) as writer:
        await writer.write_batch(ticks(20))
        await writer.write_batch(ticks(40)[20:])
    assert ids(server.stored) == numbered(*range(40))


# When the server refuses


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_a_refused_event_is_named_and_all_others_are_stored(
    server: ScriptedServer, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    server.answer = refuse(13, 77, status=status)
    told: list[RefusedEvent] = []
    async with writer_to(server, on_refused=told.extend) as writer:
        await writer.write_batch(ticks(100))
        with pytest.raises(RefusedEventsError, match="refuses 2 events; all others are stored") as caught:
            await writer.flush()
        await writer.flush()
        assert (writer.waiting, writer.refused) == (0, 2)
    assert "The first: field type conflict: tick,exchange=binance" in str(caught.value)
    assert [ids([line]) for line, _ in caught.value.refused] == [["tick-13"], ["tick-77"]]
    assert ids([event.line for event in told]) == numbered(13, 77)
    assert {event.reason for event in told} == {"field type conflict"}
    assert sorted(set(ids(server.stored))) == sorted(numbered(*(n for n in range(100) if n not in {13, 77})))
    assert "refuses 2 events, the first for: field type conflict" in caplog.text
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


async def test_leaving_the_block_raises_what_was_refused(server: ScriptedServer) -> None:
    server.answer = refuse(1)
    with pytest.raises(RefusedEventsError, match="refuses 1 events"):
        async with writer_to(server) as writer:
            await writer.write_batch(ticks(3))
    assert sorted(ids(server.stored)) == numbered(0, 2)
    with pytest.raises(StoreClosedError):
        await writer.write_event(tick())


async def test_an_outage_in_the_middle_of_finding_out_loses_nothing(server: ScriptedServer) -> None:
    refusing = refuse(3)
    turns = iter(range(1_000))
    server.answer = lambda request: Reply(503, "away") if next(turns) in {2, 4} else refusing(request)
    told: list[RefusedEvent] = []
    async with writer_to(server, on_refused=told.extend) as writer:
        await writer.write_batch(ticks(8))
        with pytest.raises(RefusedEventsError):
            await writer.flush()
    assert ids([event.line for event in told]) == numbered(3)
    assert sorted(set(ids(server.stored))) == numbered(0, 1, 2, 4, 5, 6, 7)
    assert len(set(server.stored)) == 7


async def test_the_detail_of_a_partial_write_of_influxdb_3_is_told(server: ScriptedServer) -> None:
    body = (
        '{"error":"partial write","data":[{"error_message":"invalid column type","line_number":1,"original_line":"x"}]}'
    )
    server.answer = refuse(0, body=body)
    async with writer_to(server) as writer:
        await writer.write_event(tick())
        with pytest.raises(RefusedEventsError, match="partial write: invalid column type: tick,"):
            await writer.flush()


async def test_a_failing_on_refused_is_logged_and_harms_nothing(
    server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_refused: list[RefusedEvent]) -> None:
        raise KeyError

    server.answer = refuse(0)
    async with writer_to(server, on_refused=fail) as writer:
        await writer.write_batch(ticks(2))
        with pytest.raises(RefusedEventsError):
            await writer.flush()
    assert ids(server.stored) == numbered(1)
    assert "on_refused has failed" in caplog.text


# Closing


async def test_closing_sends_what_waits_for_room_too(server: ScriptedServer) -> None:
    server.answer = lambda _request: Reply(503, "away")
    writer = writer_to(server, replace(IDLE, capacity_bytes=1))
    await writer.write_event(tick(0))
    writing = asyncio.create_task(writer.write_event(tick(1)))
    await asyncio.sleep(0)
    server.answer = lambda _request: Reply()
    await writer.aclose()
    await writing
    assert ids(server.stored) == numbered(0, 1)


async def test_discarding_says_how_many_are_lost_and_frees_who_waits(
    server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.answer = lambda _request: Reply(503, "away")
    writer = writer_to(server, replace(IDLE, capacity_bytes=1))
    await writer.write_batch(ticks(3))
    writing = asyncio.create_task(writer.write_event(tick(3)))
    flushing = asyncio.create_task(writer.flush())
    await asyncio.sleep(0)
    await writer.aclose(timeout_s=0.01, discard=True)
    with pytest.raises(StoreClosedError, match="closed before the store took"):
        await writing
    with pytest.raises(StoreClosedError, match="closed before the store took"):
        await flushing
    assert "3 events are lost: the writer was closed before the store took them" in caplog.text
    await writer.aclose()


async def test_its_thread_ends_with_it(server: ScriptedServer) -> None:
    writer = writer_to(server)
    assert writer._sender.thread.is_alive()
    await writer.aclose()
    assert not writer._sender.thread.is_alive()


async def test_a_writer_that_is_forgotten_sends_what_it_has(server: ScriptedServer) -> None:
    writer = writer_to(server)
    await writer.write_batch(ticks(3))
    thread = writer._sender.thread
    del writer
    gc.collect()
    assert not thread.is_alive()
    assert ids(server.stored) == numbered(0, 1, 2)


def test_a_program_that_forgets_to_close_still_sends(server: ScriptedServer) -> None:
    program = f"""
import asyncio
from tests.events.recording import ticks
from trading.events.persistence import InfluxDatabase, InfluxEventWriter
writer = InfluxEventWriter(InfluxDatabase({server.url!r}, "market"))
asyncio.run(writer.write_batch(ticks(3)))
"""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], cwd=root, capture_output=True, encoding="utf-8", check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert ids(server.stored) == numbered(0, 1, 2)


async def test_a_forked_child_cannot_use_it(server: ScriptedServer) -> None:
    async with writer_to(server) as writer:
        await writer.write_event(tick(0))
        child = os.fork()
        if child == 0:
            os._exit(0 if await refuses_all(writer) else 1)
        _, status = await asyncio.to_thread(os.waitpid, child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
    assert ids(server.stored) == numbered(0)


async def refuses_all(writer: InfluxEventWriter) -> bool:
    signal.alarm(0)
    for refused in (writer.write_event(tick(1)), writer.flush()):
        try:
            await refused
        except StoreClosedError:
            continue
        return False
    await writer.aclose()
    return True


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
        with pytest.raises(StoreUnavailableError) as caught:
            await writer.flush(timeout_s=0.05)
        await writer.aclose(timeout_s=0.01, discard=True)
        shown = f"{caught.value!r} {caplog.text} {writer!r} {vars(writer)!r} {target!r}"
        assert "hush" not in shown
        assert "dXNlcjpodXNoLWh1c2g=" not in shown
