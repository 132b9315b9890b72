"""The sending half of publish/subscribe: each run of events of one topic is a frame on the channel of that topic."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from redis.exceptions import ReadOnlyError, ResponseError

from trading.events.transport.frame import FrameMaker, runs_by_topic
from trading.events.transport.outbox import Outbox
from trading.events.transport.redis.connection import LOST, Command, Connection
from trading.events.transport.redis.connector import role_in
from trading.events.transport.redis.pipeline import CommandPipeline

_LOGGER = logging.getLogger("trading.events")

BEAT_INTERVAL_S = 1.0
"""After so long at the latest, others are told how far the numbers of a channel have come."""

_MOST_CHANNELS = 1 << 16
"""The number of channel names that are remembered."""


class PubSubSender:
    """Takes events out of the outbox and publishes them. What was not confirmed is sent again: others know repeats.

    Args:
        outbox: Where the events are.
        frames: Makes the frames.
        namespace: Stands before every channel.
        reply_timeout_s: A server that says nothing for so long is taken for lost.
        ready: Awaited before anything is sent.
        prepare: Awaited with topics before the first events of them are sent.
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
        self._replies: asyncio.Future[list[Any]] | None = None
        self._channels: dict[str, bytes] = {}
        self._new_topics: set[str] = set()
        self._beat: asyncio.TimerHandle | None = None
        self._changed = asyncio.Event()
        self._was_master = False
        self.refused_frames = 0

    async def session(self, connection: Connection, stands: Callable[[], None]) -> None:
        """Sends until the connection is lost."""
        pipeline = CommandPipeline(connection, reply_timeout_s=self._reply_timeout_s)
        pipeline.lost.add_done_callback(lambda _: self._outbox.wake())
        await self._look_at_role(pipeline)
        stands()
        await self._ready()
        self._replies = None
        self._outbox.send_few_with(partial(self._send_at_once, pipeline))
        try:
            while True:
                await self._next(pipeline)
                if self._unconfirmed:
                    await self._send(pipeline)
        finally:
            self._outbox.send_few_with(None)

    def _send_at_once(self, pipeline: CommandPipeline) -> None:
        if self._unconfirmed or pipeline.lost.done():
            return
        self._take()
        if self._unconfirmed and not self._new_topics:
            self._replies = pipeline.begin(self._unconfirmed)

    async def _next(self, pipeline: CommandPipeline) -> None:
        while not self._unconfirmed:
            pipeline.check()
            self._take()
            if self._unconfirmed:
                return
            if self._beat is None and self._frames.has_news:
                await self._look_at_role(pipeline)
                if not self._unconfirmed:
                    self._unconfirmed = [("PUBLISH", self.control, beat) for beat in self._frames.make_beats()]
                return
            await self._outbox.wait()

    async def _look_at_role(self, pipeline: CommandPipeline) -> None:
        """Leaves a master that has become a replica: what is published there does not reach those at the new one.

        Who has begun at a replica stays there.
        """
        try:
            role = role_in(await pipeline.call("HELLO"))
        except ResponseError:  # something that does not know it stands before the server
            return
        if self._was_master and role != "master":
            raise ReadOnlyError(f"the server is no master any more, but a {role}")
        self._was_master = role == "master"

    def _take(self) -> None:
        """Makes commands of what is in the outbox."""
        events = self._outbox.take()
        for topic, run in runs_by_topic(events):
            channel = self._channel_of(topic)
            self._unconfirmed.extend([("PUBLISH", channel, frame) for frame in self._frames.make(channel, run)])
        self._unconfirmed_events = len(events)
        if not self._unconfirmed:
            self._confirm()
        elif self._beat is None:
            self._beat = asyncio.get_running_loop().call_later(BEAT_INTERVAL_S, self._end_of_interval)

    def _channel_of(self, topic: str) -> bytes:
        channel = self._channels.get(topic)
        if channel is None:
            if len(self._channels) >= _MOST_CHANNELS:
                self._channels.clear()
            self._new_topics.add(topic)
            channel = self._channels[topic] = f"{self._namespace}:{topic}".encode()
        return channel

    def _end_of_interval(self) -> None:
        self._beat = None
        self._outbox.wake()

    @property
    def control(self) -> bytes:
        """The channel of beats."""
        return f"{self._namespace}!beats".encode()

    async def _send(self, pipeline: CommandPipeline) -> None:
        if self._new_topics:
            topics, self._new_topics = self._new_topics, set()
            await self._prepare(topics)
        replies, self._replies = self._replies or pipeline.begin(self._unconfirmed), None
        for reply in await replies:
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
        """True if the server has all that was collected."""
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
