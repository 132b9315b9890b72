"""InfluxEventWriter while the server is away: tries again, later and later, and loses nothing."""

import asyncio
import logging
import threading
from dataclasses import replace

import pytest

from tests.events.persistence.influx.writing import IDLE, PATIENT, failing, ids, numbered, writer_to
from tests.support.recording import tick, ticks
from tests.support.stores.process import free_port
from tests.support.stores.scripted import Reply, Request, ScriptedServer
from trading.events.errors import StoreUnavailableError
from trading.events.memory_bus import InMemoryEventBus
from trading.events.persistence import InfluxBucket, InfluxEventWriter, SendingPolicy


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
        await failing(writer)
        with pytest.raises(StoreUnavailableError, match="2 events are not stored after") as caught:
            await writer.flush(timeout_s=0.05)
        assert 'answers 404: database not found: "market"; check the url, and that' in str(caught.value)
        server.answer = lambda _request: Reply(401, '{"code":"unauthorized","message":"unauthorized access"}')
        await failing(writer, "401")
        with pytest.raises(StoreUnavailableError, match="answers 401: unauthorized access; check the credentials"):
            await writer.flush(timeout_s=0.05)
        server.answer = lambda _request: Reply()
    assert ids(server.stored) == numbered(0, 1)


async def test_a_server_that_is_not_there_is_named() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    writer = InfluxEventWriter(InfluxBucket(url, "market"), policy=PATIENT)
    await writer.write_event(tick())
    await failing(writer)
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
