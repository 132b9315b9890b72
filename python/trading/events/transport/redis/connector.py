"""Connector: makes connections to a server, wherever that is by then."""

import asyncio
import logging
import ssl
from typing import Any

import redis
from redis.asyncio.connection import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import InvalidResponse, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from trading.events.transport.redis.connection import LOST, REFUSED, Connection, UnfitUrlError
from trading.events.transport.redis.direct_connection import DirectConnection, can_be_taken_over
from trading.events.transport.redis.location import Address, ClusterLocator, SentinelLocator, read_url
from trading.events.transport.redis.relayed_connection import RelayedConnection

_LOGGER = logging.getLogger("trading.events")

_OF_THE_SERVER = ("username", "password", "db")
"""The parts of a URL that concern the server, and not its sentinels."""


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
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                if self._locator is None:
                    return self._taken_over(await self._opened(self._pool.make_connection()))
                opened = await self._opened(self._make(await self._locator.locate()))
        except TimeoutError:
            raise RedisTimeoutError(self.silence()) from None
        except Exception as failed:
            if _speaks_otherwise(failed):
                raise RedisConnectionError(f"{failed}{self._hint()}") from failed
            raise
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
        except BaseException as failed:
            await connection.disconnect(nowait=True)
            if isinstance(failed, ResponseError) and not isinstance(failed, (*LOST, *REFUSED)):
                raise UnfitUrlError(str(failed)) from failed
            raise
        return connection

    def silence(self) -> str:
        """The reason of a server that does not answer."""
        return f"no answer within {self._connect_timeout_s:g} s{self._hint()}"

    def _hint(self) -> str:
        """The way out where one side may speak TLS and the other not."""
        if self.endpoint.startswith("rediss"):
            return "; the URL asks for TLS: does the server speak it there?"
        return "; does the server expect TLS there (rediss://)?"

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
    """The role of a server by its reply to HELLO; ROLE would be a command for administrators."""
    return str(dict(zip(told[::2], told[1::2], strict=False)).get(b"role", b"").decode())


def _speaks_otherwise(failed: Exception) -> bool:
    """True for errors that come of one side speaking TLS and the other not, among other reasons."""
    is_closed = isinstance(failed, RedisConnectionError) and "closed" in str(failed)
    return is_closed or isinstance(failed, (InvalidResponse, EOFError, ssl.SSLError))


async def _answer(opened: Any, *command: str) -> Any:
    await opened.send_command(*command, check_health=False)
    return await opened.read_response(disable_decoding=True)
