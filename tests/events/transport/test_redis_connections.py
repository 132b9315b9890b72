"""Connections to a server: what becomes of replies that are cut, broken or many, whoever reads the socket."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ReadOnlyError, ResponseError

from tests.events.transport.redis_versions import keep_private_names_private
from tests.support.doubles import Recorder, ticks, until
from tests.support.server.process import Server
from tests.support.server.scripted import ScriptedServer
from trading.events import RedisEventBus
from trading.events.transport.redis.connection import LOST, TURN_COST, Connection
from trading.events.transport.redis.connector import Connector
from trading.events.transport.redis.direct_connection import DirectConnection
from trading.events.transport.redis.pipeline import CommandPipeline
from trading.events.transport.redis.relayed_connection import RelayedConnection


@pytest.fixture(params=[DirectConnection, RelayedConnection], ids=["direct", "relayed"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> type[Connection]:
    """What reads the socket: this package, or redis-py where it has no such private names as today."""
    if request.param is RelayedConnection:
        keep_private_names_private(monkeypatch)
    chosen: type[Connection] = request.param
    return chosen


@pytest.fixture
async def far_end() -> AsyncIterator[ScriptedServer]:
    server = await ScriptedServer().start()
    yield server
    await server.close()


@pytest.fixture
async def connection(kind: type[Connection], far_end: ScriptedServer) -> AsyncIterator[Connection]:
    """A connection to it, authenticated and silent."""
    connection = await Connector(far_end.url, namespace="n", client_name="c", connect_timeout_s=5.0).connect()
    assert type(connection) is kind
    far_end.is_polite = False
    far_end.received.clear()
    yield connection
    await connection.close()


def heard(connection: Connection) -> list[Any]:
    """What is handed on from now on."""
    messages: list[Any] = []

    def take(message: Any) -> int:
        messages.append(message)
        return 1

    connection.listen(take)
    return messages


async def test_a_reply_that_comes_in_pieces_is_handed_on_once_it_is_whole(
    connection: Connection, far_end: ScriptedServer
) -> None:
    """Turned red by: a parser for each piece."""
    messages = heard(connection)
    reply = b"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$6\r\nhe\r\nlo\r\n"
    for at in range(len(reply)):
        connection.send([("PING", at)])
        await until(lambda at=at: len(far_end.received) == at + 1)
        assert messages == []
        far_end.say(reply[at : at + 1])
    await until(lambda: messages)
    assert messages == [[b"message", b"c", b"he\r\nlo"]]


@pytest.mark.parametrize(
    "broken",
    [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"*-5\r\n", b"$abc\r\nabc\r\n", b":12x\r\n", b"\x00\xff\r\n"],
)
async def test_a_malformed_reply_ends_the_connection_and_nothing_after_it_is_read(
    connection: Connection, far_end: ScriptedServer, broken: bytes
) -> None:
    """Turned red by: reading on after what is no reply."""
    messages = heard(connection)
    far_end.say(b"+before\r\n" + broken + b"+after\r\n")
    await until(connection.lost.done)
    assert messages == [b"before"]
    with pytest.raises(LOST):
        connection.check()


async def test_a_connection_that_ends_within_a_reply_is_lost_without_it(
    connection: Connection, far_end: ScriptedServer
) -> None:
    """Turned red by: nobody told that the connection has ended."""
    messages = heard(connection)
    far_end.say(b"+before\r\n*2\r\n$3\r\none\r\n$3\r\ntw")
    await until(lambda: messages)
    far_end.hang_up()
    await until(connection.lost.done)
    assert messages == [b"before"]
    with pytest.raises(RedisConnectionError):
        connection.check()


async def test_a_refusal_is_handed_on_as_its_exception_and_the_connection_stands(
    connection: Connection, far_end: ScriptedServer
) -> None:
    """Turned red by: raising it, or handing it on as text."""
    messages = heard(connection)
    far_end.say(b"-READONLY You can't write\r\n-ODD thing\r\n+after\r\n")
    await until(lambda: len(messages) == 3)
    assert [type(message) for message in messages] == [ReadOnlyError, ResponseError, bytes]
    assert not connection.lost.done()


async def test_who_takes_a_message_may_end_the_connection(connection: Connection, far_end: ScriptedServer) -> None:
    """Turned red by: letting the error out, or going on."""
    taken: list[Any] = []

    def take(message: Any) -> int:
        taken.append(message)
        raise ValueError("not this")

    connection.listen(take)
    far_end.say(b"+one\r\n+two\r\n")
    await until(connection.lost.done)
    assert taken == [b"one"]
    with pytest.raises(ValueError, match="not this"):
        connection.check()


async def test_on_a_lost_connection_commands_go_nowhere(connection: Connection, far_end: ScriptedServer) -> None:
    """Turned red by: raising out of `send`, or waiting in it."""
    connection.send([("PING", "1"), ("PING", b"2")])
    await until(lambda: len(far_end.received) == 2)
    connection.lose(TimeoutError("the server did not reply in time"))
    connection.send([("PING", "3")])
    connection.lose(EOFError("another reason"))
    with pytest.raises(TimeoutError, match="in time"):
        connection.check()
    assert far_end.received == [[b"PING", b"1"], [b"PING", b"2"]]


async def test_a_command_that_was_cancelled_gives_its_reply_to_no_other(
    connection: Connection, far_end: ScriptedServer
) -> None:
    """Turned red by: forgetting that a reply to it is still to come."""
    wire = CommandPipeline(connection, reply_timeout_s=5.0)
    cancelled = asyncio.create_task(wire.call("GET", "one"))
    await until(lambda: len(far_end.received) == 1)
    cancelled.cancel()
    kept = asyncio.create_task(wire.call("GET", "two"))
    await until(lambda: len(far_end.received) == 2)
    far_end.say(b"+one\r\n+two\r\n")
    assert await kept == b"two"
    assert cancelled.cancelled()


async def test_many_replies_leave_the_loop_its_turns(connection: Connection, far_end: ScriptedServer) -> None:
    """Turned red by: handing on all that was read in one turn."""
    turns: Counter[int] = Counter()
    turn = 0

    def take(_message: Any) -> int:
        turns[turn] += 1
        return 1

    connection.listen(take)
    far_end.say(b"+x\r\n" * 10_000)
    while turns.total() < 10_000:
        turn += 1
        await asyncio.sleep(0)
    assert max(turns.values()) <= TURN_COST


@pytest.mark.usefixtures("kind")
@pytest.mark.parametrize("options", [{}, {"mode": "streams", "group": "g"}], ids=["pubsub", "group"])
async def test_a_bus_needs_nothing_that_redis_py_does_not_promise(
    server: Server, namespace: str, options: dict[str, Any], caplog: pytest.LogCaptureFixture, kind: type[Connection]
) -> None:
    """Turned red by: a connection that is read in one way only."""
    recorder = Recorder()
    async with RedisEventBus(server.url, namespace=namespace, name=namespace, **options) as bus:
        await bus.subscribe("tick", recorder)
        await bus.publish_batch(ticks(range(1_000)))
        await bus.join()
        with Redis(port=server.port) as client:
            for told in client.client_list():
                if told["name"] == namespace:
                    client.client_kill_filter(_id=told["id"])
        await until(lambda: bus.transport_statistics().reconnects >= 2)
        await bus.publish_batch(ticks(range(1_000, 2_000)))
        await bus.join()
    assert recorder.seen == list(range(2_000))
    assert caplog.text.count("keeps its socket to itself") == (kind is RelayedConnection)
