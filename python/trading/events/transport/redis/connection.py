"""The interface of a connection to a server."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import hiredis
from redis.exceptions import (
    AskError,
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    ClusterDownError,
    InvalidResponse,
    MasterDownError,
    MovedError,
    NoPermissionError,
    ReadOnlyError,
    RedisError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

_ELSEWHERE = (ReadOnlyError, MovedError, AskError, ClusterDownError, TryAgainError, MasterDownError)
_BROKEN = (RedisConnectionError, RedisTimeoutError, InvalidResponse, OSError, TimeoutError, EOFError)
LOST = (*_BROKEN, BusyLoadingError, *_ELSEWHERE)
"""Errors that end a connection, after which another may work."""


class UnfitUrlError(RedisError):
    """The server does not take what the URL asks of it, such as a database that it does not have."""


REFUSED = (AuthenticationError, AuthorizationError, NoPermissionError, UnfitUrlError)
"""Errors by which the server refuses a user or a URL; trying again is of no use until somebody changes something."""

Command = Sequence[bytes | str | int]

TURN_COST = 256
"""After messages of so much cost the rest of the loop has its turn."""

_packed: Callable[[tuple[bytes | str | int, ...]], bytes] = hiredis.pack_command  # type: ignore[assignment]  # not only of one


def pack(commands: Sequence[Command]) -> bytes:
    """Commands as they go over the wire."""
    return b"".join([_packed(tuple(command)) for command in commands])


class Connection:
    """A connection that redis-py has opened: what is read from it is handed on by a call.

    How it is read and written is its subclass's affair.

    Args:
        opened: redis-py's connection, at which nothing waits for a reply.
    """

    def __init__(self, opened: Any) -> None:
        self._opened = opened
        self._take: Callable[[Any], int] = lambda _message: 1
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Fails when the connection is lost, with the reason."""

    def listen(self, take: Callable[[Any], int]) -> None:
        """Has messages handed on; a refusal comes as an exception, not raised.

        Args:
            take: Returns what the message has cost, in events. If it raises, the connection is lost for that reason.
        """
        self._take = take

    def send(self, commands: Sequence[Command]) -> None:
        """Writes commands, without waiting for what the server says. On a lost connection they go nowhere."""
        raise NotImplementedError

    def _end(self) -> None:
        """Reads and writes no more."""
        raise NotImplementedError

    def lose(self, reason: BaseException) -> None:
        """Ends the connection at once, unless it has ended."""
        if not self.lost.done():
            self.lost.set_exception(reason)
            self.lost.exception()  # whoever has a session on it raises it; there may be none any more
            self._end()

    def check(self) -> None:
        """Raises why the connection was lost, if it was."""
        if self.lost.done():
            self.lost.result()

    async def close(self) -> None:
        """Ends the connection."""
        self.lose(RedisConnectionError("the connection was closed"))
        await self._opened.disconnect(nowait=True)
