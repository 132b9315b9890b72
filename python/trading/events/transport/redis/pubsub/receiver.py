"""The receiving half of publish/subscribe: one connection, however many subscriptions."""

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

from trading.events import _core
from trading.events.base import BaseEvent
from trading.events.errors import EventDecodeError
from trading.events.transport.frame import BEAT, read_frame
from trading.events.transport.redis.connection import REFUSED, Connection
from trading.events.transport.sequences import Missed, Sequences
from trading.events.transport.subscriptions import SubscriptionSet, glob_of


class PubSubReceiver:
    """Subscribes to what is wanted, reads frames, and hands their events on, each once.

    Args:
        subscriptions: What is wanted.
        deliver: Takes the events of a frame, and does not wait.
        tell_missed: Told of every gap.
        tell_undecodable: Told of every frame that cannot be read.
        own: A publisher whose frames are left alone.
        carries_unknown: Whether events that no class here is for are handed on, as UnknownEvents.
        namespace: Stands before every channel.
        ping_interval_s: A connection on which nothing comes for two of these is taken for lost.
    """

    def __init__(
        self,
        subscriptions: SubscriptionSet,
        deliver: Callable[[list[BaseEvent]], object],
        *,
        tell_missed: Callable[[Missed], object],
        tell_undecodable: Callable[[str, Exception], object],
        own: bytes | None,
        carries_unknown: bool,
        namespace: str,
        ping_interval_s: float,
    ) -> None:
        self._subscriptions = subscriptions
        self._deliver = deliver
        self._tell_missed = tell_missed
        self._tell_undecodable = tell_undecodable
        self._own = own
        self._carries_unknown = carries_unknown
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
        self.only: bytes | None = None
        """The one publisher whose frames are handed on; None for all."""

    async def session(self, connection: Connection, stands: Callable[[], None]) -> None:
        """Hears until the connection is lost."""
        self._confirmed.clear()
        self._asked = self._subscriptions.patterns
        wanted = {self._control, *map(self._glob, self._asked)}
        connection.listen(self._receive)
        connection.lost.add_done_callback(self._note_lost)
        connection.send([("SUBSCRIBE", self._control), *(("PSUBSCRIBE", self._glob(p)) for p in self._asked)])
        connection.send([("PING", token) for token in self._pongs])
        self._connection = connection
        try:
            async with asyncio.timeout(2 * self._ping_interval_s):
                while not wanted <= self._confirmed:
                    await self._next_change()
                    connection.check()
            self._refusal = None
            stands()
            await self._watch(connection)
        finally:
            self._connection = None

    def _note_lost(self, lost: asyncio.Future[None]) -> None:
        reason = lost.exception()
        if isinstance(reason, REFUSED):
            self._refusal = reason
        self._changed.set()

    async def _watch(self, connection: Connection) -> None:
        """Pings for as long as something comes."""
        while True:
            self._heard = False
            connection.send([("PING", b"0")])
            await asyncio.wait([connection.lost], timeout=self._ping_interval_s)
            connection.check()
            if not self._heard:
                raise TimeoutError(f"nothing came for {self._ping_interval_s} s")
            if self._subscriptions.refresh():
                self._ask()

    def _receive(self, message: Any) -> int:
        """Takes in one message. Returns the cost, in events."""
        self._heard = True
        match message:
            case [b"pmessage", _, bytes(channel), data] if channel.startswith(self._prefix):
                return self._receive_frame(channel, data)
            case [b"message", _, data]:
                return self._receive_beat(data)
            case Exception():
                raise message
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
            if frame.publisher == self._own or self.only not in {None, frame.publisher}:
                return 1
            repeated, missed = self._sequences.note(
                frame.publisher, channel, sequence=frame.sequence, count=frame.count
            )
            topic = channel[len(self._prefix) :].decode(errors="replace")
            is_wanted = self._subscriptions.covers(topic)
            if missed and is_wanted:
                self._tell_missed(Missed(missed, frame.publisher.hex(), channel.decode(errors="replace")))
            self.repeated += repeated
            if repeated < frame.count and is_wanted:
                events, wrong = frame.known_events(repeated, carries_unknown=self._carries_unknown)
                if wrong is not None:
                    self._tell_undecodable(channel.decode(errors="replace"), wrong)
                self._deliver(events)
        except EventDecodeError as wrong:
            self._tell_undecodable(channel.decode(errors="replace"), wrong)
            return 1
        return frame.count

    def _receive_beat(self, data: object) -> int:
        try:
            frame = read_frame(data, kind=BEAT)
            if frame.publisher == self._own or self.only not in {None, frame.publisher}:
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
        if self._subscriptions.covers(channel[len(self._prefix) :].decode(errors="replace")):
            missed = self._sequences.note_last(publisher, channel, last)
            if missed:
                self._tell_missed(Missed(missed, publisher.hex(), channel.decode(errors="replace")))

    def _glob(self, pattern: str) -> bytes:
        return glob_of(self._prefix.decode() + pattern).encode()

    @property
    def is_subscribed(self) -> bool:
        """True if the server has confirmed all that is wanted now, and nothing else."""
        wanted = self._subscriptions.patterns
        return wanted == self._asked and all(self._glob(pattern) in self._confirmed for pattern in wanted)

    async def wait_subscribed(self) -> None:
        """Waits until the server has confirmed all that is wanted now.

        Raises:
            One of REFUSED: It does not let this user hear that.
        """
        self._refusal = None
        wanted = self._ask()
        while not {self._glob(pattern) for pattern in wanted & self._subscriptions.patterns} <= self._confirmed:
            if self._refusal is not None:
                raise self._refusal
            await self._next_change()

    def _ask(self) -> frozenset[str]:
        """Asks for what is wanted now, and no more for what is not; where no connection stands, the next one does."""
        wanted = self._subscriptions.patterns
        before, self._asked = self._asked, wanted
        if new := wanted - before:
            # What was not heard until now was not missed.
            self._sequences.forget(lambda channel: not self._is_heard(channel, before))
        if self._connection is not None and wanted != before:
            self._confirmed.difference_update(map(self._glob, before - wanted))
            self._connection.send([("PSUBSCRIBE", self._glob(pattern)) for pattern in new])
            self._connection.send([("PUNSUBSCRIBE", self._glob(pattern)) for pattern in before - wanted])
        return wanted

    async def _next_change(self) -> None:
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
            self._connection.send([("PING", token)])
        try:
            await pong
        finally:
            self._pongs.pop(token, None)
