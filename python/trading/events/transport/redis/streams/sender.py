"""The sending half of streams: frames are appended by a script that knows what each publisher has appended before."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from redis.exceptions import NoScriptError, ResponseError

from trading.events.base import BaseEvent
from trading.events.errors import ServerError
from trading.events.transport.frame import FrameMaker, read_frame
from trading.events.transport.outbox import Outbox
from trading.events.transport.redis.connection import Command, Connection
from trading.events.transport.redis.pipeline import CommandPipeline
from trading.events.transport.redis.streams.hard_limit import HardLimit
from trading.events.transport.redis.streams.keys import APPEND, Keys, digest_of, publisher_key
from trading.events.transport.reports import Reports
from trading.events.transport.sequences import Missed

_REMEMBERED_MS = 24 * 3600 * 1000
"""The time that a server remembers a silent publisher: longer than any outage after which one goes on."""

_DIGEST = digest_of(APPEND)


def _given_up() -> ServerError:
    return ServerError("the bus was closed before the server had confirmed the event")


class _Append:
    """Frames for one stream, numbered, on their way."""

    def __init__(self, stream: bytes, publisher: bytes, frames: list[bytes]) -> None:
        self.stream = stream
        heads = [read_frame(frame) for frame in frames]
        self.sequence = heads[0].sequence
        self.pairs = [part for head, frame in zip(heads, frames, strict=True) for part in (head.count, frame)]
        self._publisher = publisher
        self.is_forced = False

    def command(self, limit: int) -> Command:
        key = publisher_key(self.stream, self._publisher)
        return (
            "EVALSHA",
            _DIGEST,
            2,
            self.stream,
            key,
            self.sequence,
            _REMEMBERED_MS,
            int(self.is_forced),
            limit,
            *self.pairs,
        )


class StreamSender:
    """Takes events out of the outbox and appends them. What was not confirmed is sent again: the script knows repeats.

    Args:
        outbox: Where the events are.
        frames: Makes the frames.
        keys: Names the streams.
        reports: Told of what the server has lost.
        reply_timeout_s: A server that says nothing for so long is taken for lost.
        min_replicas: How many replicas must have an event before its publish returns.
        hard_limit: What the streams are held to.
        ready: Awaited before anything is sent.
    """

    def __init__(
        self,
        outbox: Outbox,
        frames: FrameMaker,
        keys: Keys,
        *,
        reports: Reports,
        reply_timeout_s: float,
        min_replicas: int,
        hard_limit: HardLimit,
        ready: Callable[[], Awaitable[None]],
    ) -> None:
        self._outbox = outbox
        self._frames = frames
        self._keys = keys
        self._reports = reports
        self._reply_timeout_s = reply_timeout_s
        self._min_replicas = min_replicas
        self._hard_limit = hard_limit
        self._ready = ready
        self._unconfirmed: list[_Append] = []
        self._unconfirmed_events = 0
        self._waiters: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._is_given_up = False
        self.last_ids: dict[bytes, bytes] = {}

    async def session(self, connection: Connection, stands: Callable[[], None]) -> None:
        """Sends until the connection is lost."""
        pipeline = CommandPipeline(connection, reply_timeout_s=self._reply_timeout_s)
        pipeline.lost.add_done_callback(lambda _: self._outbox.wake())
        await pipeline.call("SCRIPT", "LOAD", APPEND)
        stands()
        await self._ready()
        while True:
            while not self._unconfirmed:
                await self._next(pipeline)
            await self._send(pipeline)

    async def _next(self, pipeline: CommandPipeline) -> None:
        events = self._outbox.take()
        while not events:
            pipeline.check()
            await self._outbox.wait()
            events = self._outbox.take()
        self._unconfirmed_events = len(events)
        self._unconfirmed = list(self._appends(events))
        if not self._unconfirmed:
            self._confirm()

    def _appends(self, events: list[BaseEvent]) -> Iterator[_Append]:
        by_stream: dict[bytes, list[BaseEvent]] = {}
        for event in events:
            by_stream.setdefault(self._keys.stream_of(event), []).append(event)
        for stream, run in by_stream.items():
            frames = list(self._frames.make(stream, run))
            if frames:
                yield _Append(stream, self._frames.publisher, frames)

    async def _send(self, pipeline: CommandPipeline) -> None:
        commands = [append.command(self._hard_limit.entries) for append in self._unconfirmed]
        waiting_s = 0.0
        if self._min_replicas:
            waiting_s = self._reply_timeout_s
            commands.append(("WAIT", self._min_replicas, int(1000 * waiting_s)))
        replies = await pipeline.call_many(commands, wait_s=waiting_s)
        for append, reply in zip(self._unconfirmed, replies, strict=False):
            if not self._is_appended(append, reply):
                if isinstance(reply, NoScriptError):
                    await pipeline.call("SCRIPT", "LOAD", APPEND)
                return
        if self._min_replicas and (isinstance(replies[-1], Exception) or replies[-1] < self._min_replicas):
            raise TimeoutError(f"fewer than {self._min_replicas} replicas have the events: {replies[-1]}")
        self._confirm()

    def _is_appended(self, append: _Append, reply: Any) -> bool:
        """Takes in a reply. Whatever is not appended is sent again."""
        if isinstance(reply, NoScriptError):
            return False
        if isinstance(reply, ResponseError) and str(reply).startswith("SEQUENCEGAP"):
            self._tell_lost(append, int(str(reply).split()[1]))
            append.is_forced = True
            return False
        if isinstance(reply, Exception):
            raise reply
        entry_id, last, beyond = reply
        self._hard_limit.removed(append.stream, beyond)
        if last == -1 and append.sequence > 1 and entry_id:
            self._tell_lost(append, -1)
        if entry_id:
            self.last_ids[append.stream] = entry_id
        return True

    def _tell_lost(self, append: _Append, last: int) -> None:
        """The server does not have what it had confirmed: it was flushed, or is a replica that had not got so far."""
        channel, publisher = append.stream.decode(), self._frames.publisher.hex()
        if last >= 0:
            self._reports.missed(Missed(append.sequence - 1 - last, publisher, channel))
        else:
            self._reports.notice(f"the server has forgotten what this bus had appended to {channel}")

    def _confirm(self) -> None:
        self._outbox.settled += self._unconfirmed_events
        self._unconfirmed, self._unconfirmed_events = [], 0
        while self._waiters and self._waiters[0][0] <= self._outbox.settled:
            _, waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)

    @property
    def is_idle(self) -> bool:
        """True if the server has all that was collected."""
        return self._outbox.settled == self._outbox.collected

    async def confirmed(self, count: int) -> None:
        """Waits until the server has so many of all events that the outbox ever took."""
        if self._outbox.settled < count:
            if self._is_given_up:
                raise _given_up()
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append((count, waiter))
            await waiter

    async def flush(self) -> None:
        """Waits until the server has all that was collected."""
        await self.confirmed(self._outbox.collected)

    def give_up(self) -> None:
        """The bus is closed: those who still wait are told, and those who come later."""
        self._is_given_up = True
        while self._waiters:
            _, waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_exception(_given_up())
                waiter.exception()
