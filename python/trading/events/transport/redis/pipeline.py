"""Pipelines: commands over one connection, each with its own reply."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from trading.events.transport.redis.connection import Command, Connection


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


class CommandPipeline:
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

    async def call_many(self, commands: Sequence[Command], *, wait_s: float = 0.0) -> list[Any]:
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
        (reply,) = await self.call_many([command], wait_s=wait_s)
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
