"""InfluxEventWriter where the server refuses events: they are named, and all others stored."""

import pickle

import pytest

from tests.events.persistence.influx.writing import ids, numbered, refuse, writer_to
from tests.support.recording import tick, ticks
from tests.support.stores.scripted import Reply, ScriptedServer
from trading.events.errors import RefusedEventsError, StoreClosedError
from trading.events.persistence import RefusedEvent


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
