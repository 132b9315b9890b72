"""Streams: what the server has confirmed is delivered, once its reader is there."""

import asyncio
import os
import socket
from typing import Any

from trading.events.transport.base import BusSide
from trading.events.transport.frame import FrameMaker
from trading.events.transport.options import TransportOptions
from trading.events.transport.pending_entries import PendingEntries
from trading.events.transport.redis.connector import Connector
from trading.events.transport.redis.reconnecting import ReconnectingConnection
from trading.events.transport.redis.streams.group_maintenance import GroupMaintenance
from trading.events.transport.redis.streams.group_reader import GroupReader
from trading.events.transport.redis.streams.hard_limit import HardLimit
from trading.events.transport.redis.streams.keys import Keys
from trading.events.transport.redis.streams.reader import PlainReader, StreamReader, start_id
from trading.events.transport.redis.streams.sender import StreamSender


class StreamTransport:
    """Sender, reader, and for a group its maintenance, each with its own connection."""

    def __init__(self, connector: Connector, options: TransportOptions, bus: BusSide) -> None:
        self._is_heard = bus.is_heard
        self._connector = connector
        self._options = options
        self._reports = reports = bus.reports
        self._name = bus.name
        self._connections: list[ReconnectingConnection] = []
        keys = Keys(options.namespace, options.shards)
        frames = FrameMaker(reports.refused)
        self._publisher = frames.publisher
        self._hard_limit = HardLimit(options.max_stream_entries, every_s=options.trim_interval_s, reports=reports)
        self._sender = StreamSender(
            bus.outbox,
            frames,
            keys,
            reports=reports,
            reply_timeout_s=options.reply_timeout_s,
            min_replicas=options.min_replicas,
            hard_limit=self._hard_limit,
            ready=self._be_heard,
        )
        pending_entries = PendingEntries(
            max_attempts=options.max_attempts,
            retry_delay_s=options.retry_delay_s,
            bury=lambda letter: self._maintenance.bury(letter) if self._maintenance else None,
            changed=self._entry_ended,
        )
        self.pending_entries = None if options.group is None else pending_entries
        self.room = asyncio.Event()
        self._maintenance: GroupMaintenance | None = None
        common: dict[str, Any] = {
            "start": start_id(options.start),
            "reports": reports,
            "deliver": bus.deliver_entry,
            "publisher": frames.publisher,
            "hears_itself": bus.hears_itself,
            "carries_unknown": options.unknown == "deliver",
            "may_read": bus.may_read,
            "has_room": bus.has_room,
            "reply_timeout_s": options.reply_timeout_s,
        }
        self._reader: StreamReader
        if options.group is None:
            self._reader = PlainReader(keys, **common)
        else:
            consumer = options.consumer or f"{socket.gethostname()}-{os.getpid()}-{os.urandom(4).hex()}"
            reader = GroupReader(
                keys,
                group=options.group,
                consumer=consumer,
                pending_entries=pending_entries,
                max_deliveries=options.max_deliveries,
                **common,
            )
            self._reader = reader
            self._maintenance = GroupMaintenance(
                keys,
                group=options.group,
                consumer=consumer,
                pending_entries=pending_entries,
                reader=reader,
                reports=reports,
                claim_idle_s=options.claim_idle_s,
                trim_interval_s=options.trim_interval_s,
                hard_limit=self._hard_limit,
                reply_timeout_s=options.reply_timeout_s,
            )

    def _entry_ended(self) -> None:
        self.room.set()
        if self._maintenance is not None:
            self._maintenance.settled.clear()
            self._maintenance.wake()

    async def _be_heard(self) -> None:
        """Before the first event goes out, it is heard here, if anybody here is to hear it."""
        if self._is_heard():
            await self._connections[1].connected()

    def start(self) -> None:
        """Starts connecting, in the running loop."""
        sessions = {"sending": self._sender.session, "receiving": self._reader.session}
        if self._maintenance is not None:
            sessions["keeping"] = self._maintenance.session
        for role, session in sessions.items():
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
        """True if the connections stand: whole shards are read, whichever of their topics are subscribed to."""
        return self.is_up

    async def wait_subscribed(self) -> None:
        """Nothing: whole shards are read, whatever is heard of them."""

    async def confirmed(self, count: int) -> None:
        """Waits until the server has so many of all events that the outbox ever took."""
        await self._sender.confirmed(count)

    async def flush(self, *, is_heard: bool) -> bool:
        """Waits until the server has what was collected, and what of it comes back here has been handed on.

        Returns:
            Whether it has: not while there is no room here.
        """
        await self._sender.flush()
        return not is_heard or await self._reader.reach(self._sender.last_ids)

    @property
    def is_delivering(self) -> bool:
        """True while something that was read is still being delivered."""
        return self._reader.is_delivering

    async def delivered(self) -> None:
        """Waits until what has been read has been handed on."""
        await self._reader.delivered()

    def hear_only_itself(self) -> None:
        """Hands on no more of what others have published: without a group, every bus reads it for itself."""
        if self._maintenance is None:
            self._reader.only = self._publisher

    @property
    def heard_of_others(self) -> int:
        """The number of entries of other publishers that were delivered."""
        return self._reader.heard_of_others

    async def leave(self) -> None:
        """Reads no more of what other members of the group may read."""
        if self._maintenance is not None:
            await self._reader.leave(self._maintenance.unblock)

    async def acknowledge(self) -> None:
        """Waits until all that has ended is acknowledged."""
        while self._maintenance is not None and not self._maintenance.is_idle:
            self._maintenance.settled.clear()
            self._maintenance.wake()
            await self._maintenance.settled.wait()

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
        """Streams hold no repeats."""
        return 0

    async def close(self) -> None:
        """Ends the connections."""
        for connection in self._connections:
            await connection.close()
        self._hard_limit.close()
        self._sender.give_up()
