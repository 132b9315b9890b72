"""Connections that hand on what comes as it comes."""

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
    MasterDownError,
    MovedError,
    NoPermissionError,
    ReadOnlyError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

_ELSEWHERE = (ReadOnlyError, MovedError, AskError, ClusterDownError, TryAgainError, MasterDownError)
LOST = (RedisConnectionError, RedisTimeoutError, BusyLoadingError, *_ELSEWHERE, OSError, TimeoutError, EOFError)
"""What tells that a connection, or the server at its end, is no use any more, and another may be."""

REFUSED = (AuthenticationError, AuthorizationError, NoPermissionError)
"""What tells that the server does not want this user; asking again is no use before somebody changes something."""

Command = Sequence[bytes | str | int]

_TURN_COST = 256
"""After messages of so much cost the rest of the loop has its turn."""

_NOTHING = object()

_packed: Callable[[tuple[bytes | str | int, ...]], bytes] = hiredis.pack_command  # type: ignore[assignment]  # not only of one


class Connection(asyncio.Protocol):
    """A connection that redis-py has opened, taken over from its streams: messages are handed on by a call, not a task.

    What is read is parsed, and handed on, in the turn of the loop in which it comes.

    Args:
        opened: redis-py's connection, at which nothing waits for a reply.
    """

    def __init__(self, opened: Any) -> None:
        self._opened = opened
        self._transport: asyncio.Transport = opened._writer.transport  # noqa: SLF001 - redis-py has no other way there
        self._messages = hiredis.Reader(
            protocolError=RedisConnectionError,
            replyError=opened._parser.parse_error,  # noqa: SLF001 - as above
            notEnoughData=_NOTHING,
        )
        self._take: Callable[[Any], int] = lambda _message: 1
        self._is_full = False
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Fails when the connection is lost, with the reason."""

        self._transport.set_protocol(self)

    def listen(self, take: Callable[[Any], int]) -> None:
        """Has messages handed on; a refusal comes as an exception, not raised.

        Args:
            take: Returns what the message has cost, in events. If it raises, the connection is lost for that reason.
        """
        self._take = take

    def send(self, commands: Sequence[Command]) -> None:
        """Writes commands, without waiting for what the server says. On a lost connection they go nowhere."""
        if not self._transport.is_closing():
            self._transport.write(b"".join([_packed(tuple(command)) for command in commands]))

    def data_received(self, data: bytes) -> None:
        """What asyncio calls with what it has read."""
        self._messages.feed(data)
        if not self._is_full:
            self._hand_on()

    def _hand_on(self) -> None:
        left = _TURN_COST
        while left > 0:
            try:
                message = self._messages.gets()
                if message is _NOTHING:
                    self._set_full(is_full=False)
                    return
                left -= self._take(message)
            except Exception as failure:  # noqa: BLE001 - its session raises it
                self.lose(failure)
            if self.lost.done():
                return
        self._set_full(is_full=True)
        asyncio.get_running_loop().call_soon(self._hand_on)

    def _set_full(self, *, is_full: bool) -> None:
        """While messages wait to be handed on, no more are read."""
        if is_full == self._is_full or self._transport.is_closing():
            return
        self._is_full = is_full
        if is_full:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """What asyncio calls when the connection has ended."""
        self.lose(exc or RedisConnectionError("the connection was closed by the server"))

    def lose(self, reason: BaseException) -> None:
        """Ends the connection at once, unless it has ended."""
        if not self.lost.done():
            self.lost.set_exception(reason)
            self.lost.exception()  # whoever has a session on it raises it; there may be none any more
            self._transport.abort()

    def check(self) -> None:
        """Raises why the connection was lost, if it was."""
        if self.lost.done():
            self.lost.result()

    async def close(self) -> None:
        """Ends the connection."""
        self.lose(RedisConnectionError("the connection was closed"))
        await self._opened.disconnect(nowait=True)
