"""The receiving half of publish/subscribe: one connection, however many subscriptions."""

import asyncio
import itertools
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from trading.events import _core
from trading.events.base import BaseEvent
from trading.events.errors import EventDecodeError
from trading.events.transport.frame import BEAT, read_frame
from trading.events.transport.link import end_tasks, start_task
from trading.events.transport.sequences import Missed, Sequences
from trading.events.transport.topic_globs import Interests, glob_of
from trading.events.transport.wire import LOST, REFUSED, Connection, send

_LOGGER = logging.getLogger("trading.events")

_TURN_EVENTS = 256
"""After so many events the rest of the loop has its turn."""


class PubSubReceiver:
    """Subscribes to what is wanted, reads frames, and hands their events on, each once.

    Args:
        interests: What is wanted.
        deliver: Takes the events of a frame, and does not wait.
        tell_missed: Told of every gap.
        tell_undecodable: Told of every frame that cannot be read.
        own: A publisher whose frames are left alone.
        namespace: Stands before every channel.
        ping_interval_s: A connection on which nothing comes for two of these is taken for lost.
    """

    def __init__(
        self,
        interests: Interests,
        deliver: Callable[[list[BaseEvent]], object],
        *,
        tell_missed: Callable[[Missed], object],
        tell_undecodable: Callable[[str, Exception], object],
        own: bytes | None,
        namespace: str,
        ping_interval_s: float,
    ) -> None:
        self._interests = interests
        self._deliver = deliver
        self._tell_missed = tell_missed
        self._tell_undecodable = tell_undecodable
        self._own = own
        self._prefix = f"{namespace}:".encode()
        self._control = f"{namespace}!beats".encode()
        self._ping_interval_s = ping_interval_s
        self._sequences = Sequences()
        self._connection: Connection | None = None
        self._asked: frozenset[str] = frozenset()
        self._confirmed: set[bytes] = set()
        self._pongs: dict[bytes, asyncio.Future[None]] = {}
        self._tokens = itertools.count(1)
        self._changed = asyncio.Event()
        self._refusal: Exception | None = None
        self._heard = False
        self.repeated = 0

    async def session(self, connection: Connection, stands: Callable[[], None]) -> None:
        """Reads until the connection is lost."""
        self._confirmed.clear()
        self._asked = self._interests.patterns
        wanted = {self._control, *map(self._glob, self._asked)}
        await send(connection, ("SUBSCRIBE", self._control), *(("PSUBSCRIBE", self._glob(p)) for p in self._asked))
        if self._pongs:
            await send(connection, *(("PING", token) for token in self._pongs))
        self._connection = connection
        watching: asyncio.Task[None] | None = None
        try:
            async with asyncio.timeout(2 * self._ping_interval_s) as limit:
                while not wanted <= self._confirmed:
                    self._receive(await connection.read_response(disable_decoding=True))
                limit.reschedule(None)
                self._refusal = None
                stands()
                watching = start_task(self._watch(connection, limit), "trading-events pings")
                await self._read(connection)
        except REFUSED as refusal:
            self._refusal = refusal
            self._changed.set()
            raise
        finally:
            self._connection = None
            if watching is not None:
                await end_tasks(watching)

    async def _read(self, connection: Connection) -> None:
        count = 0
        while True:
            count += self._receive(await connection.read_response(disable_decoding=True))
            if count >= _TURN_EVENTS:
                count = 0
                await asyncio.sleep(0)

    async def _watch(self, connection: Connection, limit: asyncio.Timeout) -> None:
        while True:
            self._heard = False
            with suppress(*LOST):
                await send(connection, ("PING", b"0"))
            await asyncio.sleep(self._ping_interval_s)
            if not self._heard:
                limit.reschedule(asyncio.get_running_loop().time())
                return
            if self._interests.refresh():
                await self.settle()

    def _receive(self, message: Any) -> int:
        """Takes in one message. Returns the cost, in events."""
        self._heard = True
        match message:
            case [b"pmessage", _, bytes(channel), data] if channel.startswith(self._prefix):
                return self._receive_frame(channel, data)
            case [b"message", _, data]:
                return self._receive_beat(data)
            case [b"psubscribe" | b"subscribe", bytes(glob), _]:
                self._confirmed.add(glob)
                self._changed.set()
            case [b"pong", bytes(token)]:
                pong = self._pongs.pop(token, None)
                if pong is not None and not pong.done():
                    pong.set_result(None)
            case _:
                pass
        return 1

    def _receive_frame(self, channel: bytes, data: object) -> int:
        try:
            frame = read_frame(data)
            if frame.publisher == self._own:
                return 1
            repeated, missed = self._sequences.note(
                frame.publisher, channel, sequence=frame.sequence, count=frame.count
            )
            topic = channel[len(self._prefix) :].decode(errors="replace")
            is_wanted = self._interests.covers(topic)
            if missed and is_wanted:
                self._tell_missed(Missed(missed, frame.publisher.hex(), channel.decode(errors="replace")))
            self.repeated += repeated
            if repeated < frame.count and is_wanted:
                self._deliver(frame.events()[repeated:])
        except EventDecodeError as wrong:
            self._tell_undecodable(channel.decode(errors="replace"), wrong)
            return 1
        return frame.count

    def _receive_beat(self, data: object) -> int:
        try:
            frame = read_frame(data, kind=BEAT)
            if frame.publisher == self._own:
                return 1
            channels = frame.beat()
            for channel, last in channels.items():
                if channel.startswith(self._prefix):
                    self._note_beat(frame.publisher, channel, last)
        except EventDecodeError as wrong:
            self._tell_undecodable(self._control.decode(), wrong)
            return 1
        return len(channels)

    def _note_beat(self, publisher: bytes, channel: bytes, last: int) -> None:
        if self._interests.covers(channel[len(self._prefix) :].decode(errors="replace")):
            missed = self._sequences.note_last(publisher, channel, last)
            if missed:
                self._tell_missed(Missed(missed, publisher.hex(), channel.decode(errors="replace")))

    def _glob(self, pattern: str) -> bytes:
        return glob_of(self._prefix.decode() + pattern).encode()

    @property
    def is_settled(self) -> bool:
        """Whether the server has confirmed all that is wanted now, and nothing else."""
        wanted = self._interests.patterns
        return wanted == self._asked and all(self._glob(pattern) in self._confirmed for pattern in wanted)

    async def settle(self) -> None:
        """Waits until the server has confirmed all that is wanted now.

        Raises:
            One of REFUSED: It does not let this user hear that.
        """
        self._refusal = None
        wanted = self._interests.patterns
        before, self._asked = self._asked, wanted
        if new := wanted - before:
            # What was not heard until now was not missed.
            self._sequences.forget(lambda channel: not self._is_heard(channel, before))
        if self._connection is not None and wanted != before:
            self._confirmed.difference_update(map(self._glob, before - wanted))
            with suppress(*LOST):  # the next session asks for everything
                await send(
                    self._connection,
                    *(("PSUBSCRIBE", self._glob(pattern)) for pattern in new),
                    *(("PUNSUBSCRIBE", self._glob(pattern)) for pattern in before - wanted),
                )
        while not {self._glob(pattern) for pattern in wanted & self._interests.patterns} <= self._confirmed:
            if self._refusal is not None:
                raise self._refusal
            self._changed.clear()
            await self._changed.wait()

    def _is_heard(self, channel: bytes, patterns: frozenset[str]) -> bool:
        topic = channel[len(self._prefix) :].decode(errors="replace")
        return any(_core.matches(pattern, topic) for pattern in patterns)

    async def roundtrip(self) -> None:
        """Waits until all that the server has for this connection by now has been received."""
        token = b"%d" % next(self._tokens)
        pong = self._pongs[token] = asyncio.get_running_loop().create_future()
        if self._connection is not None:
            with suppress(*LOST):
                await send(self._connection, ("PING", token))
        try:
            await pong
        finally:
            self._pongs.pop(token, None)
