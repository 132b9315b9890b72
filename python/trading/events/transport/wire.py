"""Connections to a server: how they are made, and commands over one of them."""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from redis.asyncio.connection import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AskError,
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    ClusterDownError,
    MasterDownError,
    MovedError,
    NoPermissionError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from trading.events.transport.location import Address, ClusterLocator, SentinelLocator, read_url

_ELSEWHERE = (ReadOnlyError, MovedError, AskError, ClusterDownError, TryAgainError, MasterDownError)
LOST = (RedisConnectionError, RedisTimeoutError, BusyLoadingError, *_ELSEWHERE, OSError, TimeoutError, EOFError)
"""What tells that a connection, or the server at its end, is no use any more, and another may be."""

REFUSED = (AuthenticationError, AuthorizationError, NoPermissionError)
"""What tells that the server does not want this user; asking again is no use before somebody changes something."""

Command = Sequence[bytes | str | int]

_OF_THE_SERVER = ("username", "password", "db")
"""What a URL says of the server, and not of its sentinels."""


class Connection(Protocol):
    """What is used of redis-py's connections."""

    async def connect(self) -> None:
        """Connects and authenticates."""

    async def disconnect(self, nowait: bool = False) -> None:  # noqa: FBT001, FBT002 - redis-py's, as all here
        """Closes."""

    async def send_packed_command(self, command: Iterable[bytes], check_health: bool = True) -> None:  # noqa: FBT001, FBT002
        """Writes bytes."""

    def pack_commands(self, commands: Iterable[Command]) -> list[bytes]:
        """Commands as bytes."""
        ...

    async def read_response(self, disable_decoding: bool = False) -> Any:  # noqa: FBT001, FBT002
        """The next reply; raises it where it is a refusal."""


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
                return await self._opened(self._pool.make_connection())
            connection = await self._opened(self._make(await self._locator.locate()))
        if isinstance(self._locator, SentinelLocator):
            role = await self._role_of(connection)
            if role != "master":  # it was the master until lately, and not all sentinels know
                await connection.disconnect(nowait=True)
                raise RedisConnectionError(f"{self.endpoint} is no master, but a {role}")
        return connection

    def _make(self, address: Address, *omitted: str) -> Any:
        """A connection to somewhere else, with all that the URL says, or nearly all."""
        terms = {name: value for name, value in self._pool.connection_kwargs.items() if name not in omitted}
        return self._pool.connection_class(**terms | {"host": address[0], "port": address[1]})

    async def _opened(self, connection: Any) -> Connection:
        try:
            await connection.connect()
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        return connection  # type: ignore[no-any-return]  # redis-py's class has what the protocol names

    async def _ask(self, address: Address, command: tuple[str, ...]) -> Any:
        is_sentinel = isinstance(self._locator, SentinelLocator)
        async with asyncio.timeout(self._connect_timeout_s / 3):
            connection = await self._opened(self._make(address, *(_OF_THE_SERVER if is_sentinel else ())))
            try:
                await send(connection, command)
                return await connection.read_response(disable_decoding=True)
            finally:
                await connection.disconnect(nowait=True)

    async def _role_of(self, connection: Connection) -> str:
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                await send(connection, ("ROLE",))
                return str((await connection.read_response(disable_decoding=True))[0].decode())
        except BaseException:
            await connection.disconnect(nowait=True)
            raise


async def send(connection: Connection, *commands: Command) -> None:
    """Writes commands, without waiting for what the server says."""
    await connection.send_packed_command(connection.pack_commands(commands), check_health=False)


class _Replies:
    """The replies to one pipeline, as they come."""

    def __init__(self, count: int) -> None:
        self.replies: list[Any] = []
        self.count = count
        self.whole: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()

    def add(self, reply: object) -> bool:
        self.replies.append(reply)
        if len(self.replies) < self.count:
            return False
        if not self.whole.done():
            self.whole.set_result(self.replies)
        return True


class CommandWire:
    """Commands over one connection. Many tasks may use it at once: each gets its own replies, in order."""

    def __init__(self, connection: Connection, *, reply_timeout_s: float) -> None:
        self._connection = connection
        self._reply_timeout_s = reply_timeout_s
        self._awaited: deque[_Replies] = deque()
        self._lost: BaseException | None = None

    async def pipeline(self, commands: Sequence[Command], *, wait_s: float = 0.0) -> list[Any]:
        """Sends commands in one go. A refusal of one of them stands among the replies, as an exception.

        Args:
            commands: At least one.
            wait_s: How long the commands themselves may wait at the server.

        Raises:
            One of LOST: The connection is lost, or the replies do not come in time. The commands may have been
                carried out or not.
        """
        if self._lost is not None:
            raise RedisConnectionError("the connection is lost") from self._lost
        replies = _Replies(len(commands))
        packed = self._connection.pack_commands(commands)
        self._awaited.append(replies)
        async with asyncio.timeout(self._reply_timeout_s + wait_s):
            await self._connection.send_packed_command(packed, check_health=False)
            return await replies.whole

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

    async def read(self) -> None:
        """Reads replies until the connection is lost; what still waits for one is told.

        Raises:
            One of LOST: How the connection was lost.
        """
        try:
            while True:
                try:
                    reply: object = await self._connection.read_response(disable_decoding=True)
                except ResponseError as refusal:
                    reply = refusal
                self._take(reply)
        except BaseException as lost:
            self._lost = lost
            raise
        finally:
            for replies in self._awaited:
                if not replies.whole.done():
                    replies.whole.set_exception(RedisConnectionError("the connection was lost before the reply"))
                    replies.whole.exception()  # somebody may have stopped waiting

    def _take(self, reply: object) -> None:
        if not self._awaited:
            raise RedisConnectionError("the server said something nobody had asked for")
        if self._awaited[0].add(reply):
            self._awaited.popleft()
