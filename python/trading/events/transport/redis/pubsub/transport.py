"""Publish/subscribe: at most once, with every gap told of."""

import asyncio
from contextlib import suppress

from trading.events.transport.base import BusSide
from trading.events.transport.frame import FrameMaker
from trading.events.transport.options import TransportOptions
from trading.events.transport.redis.connection import REFUSED
from trading.events.transport.redis.connector import Connector
from trading.events.transport.redis.pubsub.receiver import PubSubReceiver
from trading.events.transport.redis.pubsub.sender import PubSubSender
from trading.events.transport.redis.reconnecting import ReconnectingConnection


class PubSubTransport:
    """Both halves of publish/subscribe, each with its own connection."""

    pending_entries = None

    def __init__(self, connector: Connector, options: TransportOptions, bus: BusSide) -> None:
        self.room = asyncio.Event()
        self._is_heard = bus.is_heard
        self._connector = connector
        self._options = options
        self._subscriptions = bus.subscriptions
        self._reports = bus.reports
        self._name = bus.name
        self._kinds: set[str] = set()
        frames = FrameMaker(bus.reports.refused)
        self._publisher = frames.publisher
        self._sender = PubSubSender(
            bus.outbox,
            frames,
            namespace=options.namespace,
            reply_timeout_s=options.reply_timeout_s,
            ready=self._be_heard,
            prepare=self._hear_new_kinds,
        )
        self._receiver = PubSubReceiver(
            bus.subscriptions,
            bus.deliver,
            tell_missed=bus.reports.missed,
            tell_undecodable=bus.reports.undecodable,
            own=None if bus.hears_itself else frames.publisher,
            carries_unknown=options.unknown == "deliver",
            namespace=options.namespace,
            ping_interval_s=options.ping_interval_s,
        )
        self._connections: list[ReconnectingConnection] = []

    async def _hear_new_kinds(self, topics: set[str]) -> None:
        """Before the first event of a kind goes out, classes of that kind defined since are asked for."""
        kinds = {topic.split(".", 2)[1] for topic in topics}
        if not kinds <= self._kinds:
            self._kinds |= kinds
            if self._subscriptions.refresh():
                with suppress(*REFUSED):  # what may not be heard here goes out all the same
                    await self._receiver.wait_subscribed()

    async def _be_heard(self) -> None:
        """Before the first event goes out, it is heard here, if anybody here is to hear it."""
        if self._is_heard():
            await self._connections[1].connected()

    def start(self) -> None:
        """Starts connecting, in the running loop."""
        sessions = (("sending", self._sender.session), ("receiving", self._receiver.session))
        for role, session in sessions:
            announce = self._reports.announce(role)
            name = f"{self._name} {role}"
            self._connections.append(ReconnectingConnection(self._connector, session, announce=announce, name=name))

    async def wait_connected(self) -> None:
        """Waits for the first connections. Raises what ReconnectingConnection.wait_connected does."""
        for connection in self._connections:
            await connection.wait_connected(self._options.connect_timeout_s)

    @property
    def is_up(self) -> bool:
        """True while the connections stand."""
        return all(connection.is_up for connection in self._connections)

    @property
    def is_subscribed(self) -> bool:
        """True if the connections stand, and the server has confirmed all that is wanted now."""
        return self.is_up and self._receiver.is_subscribed

    async def wait_subscribed(self) -> None:
        """Waits until the server has confirmed all that is wanted now."""
        await self._receiver.wait_subscribed()

    async def flush(self, *, is_heard: bool) -> bool:
        """Waits until the server has what was collected, and what of it comes back here has been handed on.

        Returns:
            True: handing on does not wait.
        """
        await self._sender.flush()
        if is_heard:
            await self._receiver.roundtrip()
        return True

    async def confirmed(self, count: int) -> None:
        """Nothing: what the outbox has taken is published."""

    @property
    def is_delivering(self) -> bool:
        """Never: handing on does not wait."""
        return False

    async def delivered(self) -> None:
        """Nothing: handing on does not wait."""

    def hear_only_itself(self) -> None:
        """Hands on no more of what others have published."""
        self._receiver.only = self._publisher

    @property
    def heard_of_others(self) -> int:
        """Nothing that matters: a bus that works off hears only itself."""
        return 0

    async def leave(self) -> None:
        """Nothing: what comes is taken from nobody."""

    async def acknowledge(self) -> None:
        """Nothing: publish/subscribe knows no acknowledgement."""

    @property
    def is_idle(self) -> bool:
        """True if the server has all that was collected."""
        return self._sender.is_idle

    @property
    def reconnects(self) -> int:
        """The number of reconnections."""
        return sum(connection.reconnects for connection in self._connections)

    @property
    def repeated(self) -> int:
        """Events that came a second time and were left out."""
        return self._receiver.repeated

    async def close(self) -> None:
        """Ends both connections."""
        self._sender.close()
        for connection in self._connections:
            await connection.close()
