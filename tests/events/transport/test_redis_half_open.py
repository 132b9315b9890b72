"""How soon each connection notices that its line is dead, in virtual time: the settings say so to the second."""

import asyncio
from typing import Any

import pytest
from redis.asyncio.connection import ConnectionPool

from tests.events.transport.silent_line import Line
from tests.support.doubles import Recorder, tick
from tests.support.virtual_time import run_in_virtual_time
from trading.events import ConnectionEvent, RedisEventBus

STREAMS = {"mode": "streams"}
GROUP = {"mode": "streams", "group": "g"}
SHORT = {"ping_interval_s": 0.5, "reply_timeout_s": 0.2, "claim_idle_s": 0.9}

moments = pytest.mark.parametrize("dead_after_s", [0.0, 0.7, 3.3, 4.999, 12.0])


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Line:
    line = Line()
    monkeypatch.setattr(ConnectionPool, "make_connection", lambda _pool: line.make_connection())
    return line


def noticed_s(
    line: Line, dead_after_s: float, *awaited: str, publishes_after_s: float | None = None, **options: Any
) -> Any:
    """How long after the line is dead each connection is told to be lost, within an hour or until the awaited are."""
    found: dict[str, float] = {}

    async def main() -> None:
        loop = asyncio.get_running_loop()
        bus = RedisEventBus("redis://far", **options)
        await bus.__aenter__()
        died_s = 0.0

        def note(event: ConnectionEvent) -> None:
            if event.status == "disconnected":
                found.setdefault(str(event.metadata["role"]), round(loop.time() - died_s, 6))

        await bus.subscribe(ConnectionEvent, note)
        await bus.subscribe("tick", Recorder())
        await asyncio.sleep(dead_after_s)
        line.is_dead, died_s = True, loop.time()
        if publishes_after_s is not None:
            await asyncio.sleep(publishes_after_s)
            publishing = asyncio.ensure_future(bus.publish_batch([tick(1)]))
        for _ in range(3600):
            await asyncio.sleep(1)
            if awaited and found.keys() >= set(awaited):
                break
        await bus.aclose(timeout_s=0)
        if publishes_after_s is not None:
            await asyncio.wait([publishing])
            publishing.exception()

    run_in_virtual_time(main())
    return found


@moments
def test_in_pubsub_what_only_listens_notices_within_two_pings(line: Line, dead_after_s: float) -> None:
    """Turned red by: no pings; a connection that is given up only after three."""
    assert 5.0 <= noticed_s(line, dead_after_s, "receiving")["receiving"] <= 10.0


@moments
def test_a_reader_of_a_stream_notices_a_second_after_a_reply_is_due(line: Line, dead_after_s: float) -> None:
    """Turned red by: reads that block for longer, or for ever."""
    assert 5.0 <= noticed_s(line, dead_after_s, "receiving", **STREAMS)["receiving"] <= 6.0


@moments
def test_a_group_notices_by_its_reads_and_by_its_claims(line: Line, dead_after_s: float) -> None:
    """Turned red by: a keeper that says nothing while nothing is to be acknowledged."""
    found = noticed_s(line, dead_after_s, "receiving", "keeping", **GROUP)
    assert 5.0 <= found["receiving"] <= 6.0
    assert 5.0 <= found["keeping"] <= 15.0


@pytest.mark.parametrize(
    ("options", "replies_due_s"), [({}, 5.0), (STREAMS, 5.0), (STREAMS | {"min_replicas": 1}, 10.0)]
)
def test_what_only_sends_notices_by_its_next_event(line: Line, options: dict[str, Any], replies_due_s: float) -> None:
    """Turned red by: a sender that waits for its reply for ever."""
    assert noticed_s(line, 1.0, "sending", publishes_after_s=100.0, **options)["sending"] == 100.0 + replies_due_s
    line.is_dead = False
    assert "sending" not in noticed_s(line, 1.0, **options)


@moments
def test_shorter_settings_notice_sooner(line: Line, dead_after_s: float) -> None:
    """Turned red by: a time that stands in the code and in no setting."""
    assert 0.5 <= noticed_s(line, dead_after_s, "receiving", **SHORT)["receiving"] <= 1.0
    line.is_dead = False
    found = noticed_s(line, dead_after_s, "receiving", "keeping", **GROUP, **SHORT)
    assert 0.2 <= found["receiving"] <= 1.2
    assert 0.2 <= found["keeping"] <= 0.5
