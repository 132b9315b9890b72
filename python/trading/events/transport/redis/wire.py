"""Connections to a server: how they are made, and commands over one of them."""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from typing import Any

import redis
from redis.asyncio.connection import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError

from trading.events.transport.redis.connection import Command, Connection
from trading.events.transport.redis.direct_connection import DirectConnection, can_be_taken_over
from trading.events.transport.redis.location import Address, ClusterLocator, SentinelLocator, read_url
from trading.events.transport.redis.relayed_connection import RelayedConnection

_LOGGER = logging.getLogger("trading.events")

_OF_THE_SERVER = ("username", "password", "db")
"""What a URL says of the server, and not of its sentinels."""


def endpoint_of(url: str) -> str:
    """The URL without user, password and options: for logs and events."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2].partition('?')[0]}"


class Connector:
    """Makes connections to the server that a URL names, wherever that is by then.

    Raises:
        ValueError: The URL cannot be read. Its text is not repeated, as it may hold a password.
    """

    def __init__(self, url: str, *, namespace: str, client_name: str, connect_timeout_s: float) -> None:
        self.endpoint = endpoint_of(url)
        try:
            where = read_url(url)
            self._pool: Any = ConnectionPool.from_url(  # pyright: ignore[reportUnknownMemberType] - half typed by redis-py
                where.url,
                client_name=client_name,
                protocol=2,
                socket_timeout=None,
                socket_connect_timeout=connect_timeout_s,
                health_check_interval=0,
                retry=Retry(NoBackoff(), 0),
            )
        except (ValueError, TypeError, RedisError):
            raise ValueError(
                f"the server's URL {self.endpoint} cannot be read; it is redis://user:password@host:port/0, rediss://, "
                "redis+cluster://host:port,host:port or redis+sentinel://host:port,host:port/service/0"
            ) from None
        self._connect_timeout_s = connect_timeout_s
        self._is_relaying = False
        self._locator: ClusterLocator | SentinelLocator | None = None
        if where.kind == "cluster":
            self._locator = ClusterLocator(where.addresses, namespace, self._ask)
        elif where.kind == "sentinel":
            self._locator = SentinelLocator(where.addresses, where.service, self._ask)

    async def connect(self) -> Connection:
        """A new connection, authenticated.

        Raises:
            One of LOST: There is no server, or it does not answer in time.
            One of REFUSED: It does not want this user.
        """
        async with asyncio.timeout(self._connect_timeout_s):
            if self._locator is None:
                return self._taken_over(await self._opened(self._pool.make_connection()))
            opened = await self._opened(self._make(await self._locator.locate()))
        if isinstance(self._locator, SentinelLocator):
            role = await self._role_of(opened)
            if role != "master":  # it was the master until lately, and not all sentinels know
                await opened.disconnect(nowait=True)
                raise RedisConnectionError(f"{self.endpoint} is no master, but a {role}")
        return self._taken_over(opened)

    def _taken_over(self, opened: Any) -> Connection:
        if can_be_taken_over(opened):
            return DirectConnection(opened)
        if not self._is_relaying:
            self._is_relaying = True
            _LOGGER.warning("redis-py %s keeps its socket to itself, and is left to read it: slower", redis.__version__)
        return RelayedConnection(opened)

    def _make(self, address: Address, *omitted: str) -> Any:
        """A connection to somewhere else, with all that the URL says, or nearly all."""
        terms = {name: value for name, value in self._pool.connection_kwargs.items() if name not in omitted}
        return self._pool.connection_class(**terms | {"host": address[0], "port": address[1]})

    async def _opened(self, connection: Any) -> Any:
        try:
            await connection.connect()
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        return connection

    async def _ask(self, address: Address, command: tuple[str, ...]) -> Any:
        is_sentinel = isinstance(self._locator, SentinelLocator)
        async with asyncio.timeout(self._connect_timeout_s / 3):
            opened = await self._opened(self._make(address, *(_OF_THE_SERVER if is_sentinel else ())))
            try:
                return await _answer(opened, *command)
            finally:
                await opened.disconnect(nowait=True)

    async def _role_of(self, opened: Any) -> str:
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                return role_in(await _answer(opened, "HELLO"))
        except BaseException:
            await opened.disconnect(nowait=True)
            raise


def role_in(told: list[Any]) -> str:
    """What a server is, as its reply to HELLO says; ROLE would be a command for administrators."""
    return str(dict(zip(told[::2], told[1::2], strict=False)).get(b"role", b"").decode())


async def _answer(opened: Any, *command: str) -> Any:
    await opened.send_command(*command, check_health=False)
    return await opened.read_response(disable_decoding=True)


class _Replies:
    """The replies to one pipeline, as they come."""

    __slots__ = ("_count", "_replies", "due_s", "whole")

    def __init__(self, count: int, *, due_s: float) -> None:
        self._replies: list[Any] = []
        self._count = count
        self.due_s = due_s
        self.whole: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()

    def add(self, reply: object) -> bool:
        self._replies.append(reply)
        if len(self._replies) < self._count:
            return False
        if not self.whole.done():
            self.whole.set_result(self._replies)
        return True


class CommandWire:
    """Commands over one connection. Many tasks may use it at once: each gets its own replies, in order."""

    def __init__(self, connection: Connection, *, reply_timeout_s: float) -> None:
        self._connection = connection
        self._reply_timeout_s = reply_timeout_s
        self._awaited: deque[_Replies] = deque()
        self._alarm: asyncio.TimerHandle | None = None
        self.lost = connection.lost
        """Fails when the connection is lost, with the reason."""

        self.lost.add_done_callback(self._give_up)
        connection.listen(self._take)

    async def pipeline(self, commands: Sequence[Command], *, wait_s: float = 0.0) -> list[Any]:
        """Sends commands in one go. A refusal of one of them stands among the replies, as an exception.

        Args:
            commands: At least one.
            wait_s: How long the commands themselves may wait at the server.

        Raises:
            One of LOST: The connection is lost, or the replies do not come in time. The commands may have been
                carried out or not.
        """
        return await self.begin(commands, wait_s=wait_s)

    def begin(self, commands: Sequence[Command], *, wait_s: float = 0.0) -> asyncio.Future[list[Any]]:
        """Sends commands at once, and does not wait for the replies: they are the future's. All else as in `pipeline`.

        Raises:
            One of LOST: The connection is lost, and nothing was sent.
        """
        self.check()
        loop = asyncio.get_running_loop()
        replies = _Replies(len(commands), due_s=loop.time() + self._reply_timeout_s + wait_s)
        self._awaited.append(replies)
        self._connection.send(commands)
        if self._alarm is None:
            self._alarm = loop.call_at(replies.due_s, self._look_at_the_time)
        return replies.whole

    async def call(self, *command: bytes | str | int, wait_s: float = 0.0) -> Any:
        """Sends one command.

        Raises:
            ResponseError: The server refuses it.
            One of LOST: As in `pipeline`.
        """
        (reply,) = await self.pipeline([command], wait_s=wait_s)
        if isinstance(reply, Exception):
            raise reply
        return reply

    def check(self) -> None:
        """Raises why the connection was lost, if it was."""
        self._connection.check()

    def _take(self, reply: object) -> int:
        if isinstance(reply, Exception) and not isinstance(reply, ResponseError):
            raise reply
        if not self._awaited:
            raise RedisConnectionError("the server said something nobody had asked for")
        if self._awaited[0].add(reply):
            self._awaited.popleft()
        return 1

    def _look_at_the_time(self) -> None:
        """One timer for all replies: it is set anew, for the reply that is due next, when it has run out."""
        self._alarm = None
        if not self._awaited:
            return
        loop, due_s = asyncio.get_running_loop(), self._awaited[0].due_s
        if loop.time() < due_s:
            self._alarm = loop.call_at(due_s, self._look_at_the_time)
        else:
            self._connection.lose(TimeoutError("the server did not reply in time"))

    def _give_up(self, lost: asyncio.Future[None]) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        for replies in self._awaited:
            if not replies.whole.done():
                replies.whole.set_exception(lost.exception() or EOFError())
                replies.whole.exception()  # somebody may have stopped waiting
