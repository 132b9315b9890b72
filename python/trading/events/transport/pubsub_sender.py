"""The sending half of publish/subscribe: each run of events of one topic is a frame on the channel of that topic."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from trading.events.base import BaseEvent
from trading.events.transport.connection import LOST, Command, Connection
from trading.events.transport.frame import FrameMaker, runs_by_topic
from trading.events.transport.outbox import Outbox
from trading.events.transport.wire import CommandWire

_LOGGER = logging.getLogger("trading.events")

BEAT_INTERVAL_S = 1.0
"""After so long at the latest, others are told how far the numbers of a channel have come."""


class PubSubSender:
    """Takes events out of the outbox and publishes them. What was not confirmed is sent again: others know repeats.

    Args:
        outbox: Where the events are.
        frames: Makes the frames.
        namespace: Stands before every channel.
        reply_timeout_s: A server that says nothing for so long is taken for lost.
        ready: Awaited before anything is sent.
        prepare: Awaited with the topics of a batch before it is sent.
    """

    def __init__(
        self,
        outbox: Outbox,
        frames: FrameMaker,
        *,
        namespace: str,
        reply_timeout_s: float,
        ready: Callable[[], Awaitable[None]],
        prepare: Callable[[set[str]], Awaitable[None]],
    ) -> None:
        self._outbox = outbox
        self._frames = frames
        self._namespace = namespace
        self._reply_timeout_s = reply_timeout_s
        self._ready = ready
        self._prepare = prepare
        self._unconfirmed: list[Command] = []
        self._unconfirmed_events = 0
        self._beat: asyncio.TimerHandle | None = None
        self._changed = asyncio.Event()
        self.refused_frames = 0

    async def session(self, connection: Connection, stands: Callable[[], None]) -> None:
        """Sends until the connection is lost."""
        wire = CommandWire(connection, reply_timeout_s=self._reply_timeout_s)
        wire.lost.add_done_callback(lambda _: self._outbox.wake())
        await wire.call("PING")
        stands()
        await self._ready()
        while True:
            await self._next(wire)
            if self._unconfirmed:
                await self._send(wire)

    async def _next(self, wire: CommandWire) -> None:
        if self._unconfirmed:
            return
        events = self._outbox.take()
        while not events:
            wire.check()
            if self._beat is None and self._frames.has_news:
                self._unconfirmed = [("PUBLISH", self.control, beat) for beat in self._frames.make_beats()]
                return
            await self._outbox.wait()
            events = self._outbox.take()
        self._unconfirmed = await self._commands(events)
        self._unconfirmed_events = len(events)
        if not self._unconfirmed:
            self._confirm()

    async def _commands(self, events: list[BaseEvent]) -> list[Command]:
        commands: list[Command] = []
        topics: set[str] = set()
        for topic, run in runs_by_topic(events):
            topics.add(topic)
            channel = f"{self._namespace}:{topic}".encode()
            commands.extend(("PUBLISH", channel, frame) for frame in self._frames.make(channel, run))
        await self._prepare(topics)
        if self._beat is None:
            self._beat = asyncio.get_running_loop().call_later(BEAT_INTERVAL_S, self._end_of_interval)
        return commands

    def _end_of_interval(self) -> None:
        self._beat = None
        self._outbox.wake()

    @property
    def control(self) -> bytes:
        """The channel of beats."""
        return f"{self._namespace}!beats".encode()

    async def _send(self, wire: CommandWire) -> None:
        for reply in await wire.pipeline(self._unconfirmed):
            if isinstance(reply, LOST):
                raise reply
            if isinstance(reply, Exception):
                self.refused_frames += 1
                _LOGGER.error("the server refused a frame: %s", reply)
        self._confirm()

    def _confirm(self) -> None:
        self._outbox.settled += self._unconfirmed_events
        self._unconfirmed, self._unconfirmed_events = [], 0
        self._changed.set()

    @property
    def is_idle(self) -> bool:
        """Whether the server has all that was collected."""
        return self._outbox.settled == self._outbox.collected

    async def flush(self) -> None:
        """Waits until the server has all that was collected."""
        while not self.is_idle:
            self._changed.clear()
            await self._changed.wait()

    def close(self) -> None:
        """Lets its timer go."""
        if self._beat is not None:
            self._beat.cancel()
