"""Connections whose socket is read without redis-py."""

import asyncio
from collections.abc import Sequence
from typing import Any

import hiredis
from redis.exceptions import ConnectionError as RedisConnectionError

from trading.events.transport.redis.connection import TURN_COST, Command, Connection, pack

_NOTHING = object()


def can_be_taken_over(opened: Any) -> bool:
    """True if a connection keeps its socket, and its parser of errors, where all releases so far do.

    Neither is a part of what redis-py promises.
    """
    transport = getattr(getattr(opened, "_writer", None), "transport", None)
    parser = getattr(opened, "_parser", None)
    return hasattr(transport, "set_protocol") and callable(getattr(parser, "parse_error", None))


class DirectConnection(Connection, asyncio.Protocol):
    """A connection taken over from redis-py's streams: messages are handed on by a call, not a task.

    What is read is parsed, and handed on, in the turn of the loop in which it comes.

    Args:
        opened: redis-py's connection, of which `can_be_taken_over` is true.
    """

    def __init__(self, opened: Any) -> None:
        super().__init__(opened)
        self._transport: asyncio.Transport = opened._writer.transport  # noqa: SLF001 - redis-py has no other way there
        self._messages = hiredis.Reader(
            protocolError=RedisConnectionError,
            replyError=opened._parser.parse_error,  # noqa: SLF001 - as above
            notEnoughData=_NOTHING,
        )
        self._is_full = False
        self._transport.set_protocol(self)

    def send(self, commands: Sequence[Command]) -> None:
        """Writes commands at once."""
        if not self._transport.is_closing():
            self._transport.write(pack(commands))

    def data_received(self, data: bytes) -> None:
        """Called by asyncio with the bytes it has read."""
        self._messages.feed(data)
        if not self._is_full:
            self._hand_on()

    def _hand_on(self) -> None:
        left = TURN_COST
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
        """Called by asyncio when the connection has ended."""
        self.lose(exc or RedisConnectionError("the connection was closed by the server"))

    def _end(self) -> None:
        self._transport.abort()
