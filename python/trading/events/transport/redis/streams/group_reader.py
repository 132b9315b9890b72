"""Reading streams as a member of a group."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from redis.exceptions import ResponseError

from trading.events.transport.pending_entries import Entry, PendingEntries
from trading.events.transport.redis.pipeline import CommandPipeline
from trading.events.transport.redis.streams.keys import Keys
from trading.events.transport.redis.streams.reader import BLOCK_S, START, StreamReader, id_key

_EMPTY_READS = 2
"""After so many reads that found nothing all that was there before has gone to some member: one may have been over."""


async def claim_entries(
    pipeline: CommandPipeline, stream: bytes, group: str, consumer: str, ids: list[bytes]
) -> tuple[list[Any], dict[bytes, int]]:
    """Claims pending entries for good. Returns them, and how often each has been delivered, this time included.

    Counting a delivery is left to this alone: what only looks at entries must not make them look like poison.
    """
    pending: list[Any] = [("XPENDING", stream, group, entry_id, entry_id, 1) for entry_id in ids]
    *told, entries = await pipeline.call_many([*pending, ("XCLAIM", stream, group, consumer, 0, *ids)])
    for reply in (*told, entries):
        if isinstance(reply, Exception):
            raise reply
    return entries, {rows[0][0]: rows[0][3] + 1 for rows in told if rows}


class GroupReader(StreamReader):
    """Reads its share of what a group is to handle: first what it had not acknowledged, then what is new."""

    def __init__(
        self,
        keys: Keys,
        *,
        start: str,
        group: str,
        consumer: str,
        pending_entries: PendingEntries,
        max_deliveries: int,
        **options: Any,
    ) -> None:
        super().__init__(keys, **options)
        self._start = start
        self._group = group
        self._consumer = consumer
        self._pending_entries = pending_entries
        self._max_deliveries = max_deliveries
        self._pending: dict[bytes, bytes] = {}
        self._from_pending: set[tuple[bytes, bytes]] = set()
        self._deliveries: dict[tuple[bytes, bytes], int] = {}
        self._claimed: deque[tuple[bytes, list[Any]]] = deque()
        self.claiming = asyncio.Lock()
        """Held while entries are claimed: two who claim the same would make it look delivered twice."""
        self._at_hand: set[tuple[bytes, bytes]] = set()
        self._client: dict[str, str] = {}
        self._is_reading = self._is_leaving = False
        self._empty_reads = 0

    async def prepare(self, pipeline: CommandPipeline) -> None:
        """Makes the group where it is missing, and begins with what is pending."""
        await self._end_last_connection(pipeline)
        for stream in self._keys.streams:
            await self._make_group(pipeline, stream)
        self._pending = dict.fromkeys(self._keys.streams, b"0-0")
        for before in (self._claimed, self._from_pending, self._at_hand, self._deliveries):
            before.clear()

    async def _end_last_connection(self, pipeline: CommandPipeline) -> None:
        """Has the server drop the connection that was lost here: a read that blocks there would take entries along."""
        last = self._client
        try:
            if last:
                await pipeline.call("CLIENT", "KILL", "ID", last["id"], "ADDR", last["addr"])
            told = (await pipeline.call("CLIENT", "INFO")).decode()
        except ResponseError:  # a user who may not; what is taken along is claimed later
            self._client = {}
        else:
            self._client = dict(field.partition("=")[::2] for field in told.split())

    async def _make_group(self, pipeline: CommandPipeline, stream: bytes) -> None:
        place = {"new": "$"}.get(self._start, self._start)
        last = self.positions.get(stream)
        if last is not None:
            # The group is gone: go on after what was read, if that is still there, or from the beginning.
            found = await pipeline.call("XRANGE", stream, last, last)
            place = last.decode() if found and self.is_the_last_read(stream, found[0]) else START
        try:
            await pipeline.call("XGROUP", "CREATE", stream, self._group, place, "MKSTREAM")
        except ResponseError as refusal:
            if not str(refusal).startswith("BUSYGROUP"):
                raise
        else:
            if last is not None:
                reason = f"the group {self._group} of {stream.decode()} was gone; it is made anew at {place}"
                self._reports.notice(reason)

    async def next_entries(self, pipeline: CommandPipeline) -> list[Any]:
        """Entries that were pending, those claimed of others, and new ones, in this order."""
        if self._is_leaving:
            await asyncio.get_running_loop().create_future()
        try:
            found = await self._next_found(pipeline)
        except ResponseError as refusal:
            if not str(refusal).startswith(("NOGROUP", "UNBLOCKED")):
                raise
            await self.prepare(pipeline)
            return []
        self._at_hand.update((stream, entry[0]) for stream, entries in found for entry in entries)
        return found

    async def _next_found(self, pipeline: CommandPipeline) -> list[Any]:
        if self._pending:
            async with self.claiming:
                return await self._next_pending(pipeline)
        if self._claimed:
            stream, entries = self._claimed.popleft()
            self.changed.set()
            known = self._from_pending | self._pending_entries.in_flight.keys()
            return [(stream, [entry for entry in entries if (stream, entry[0]) not in known])]
        self._from_pending.clear()
        command = ("XREADGROUP", "GROUP", self._group, self._consumer, "COUNT", self.entries)
        streams = self._keys.streams
        self._is_reading = True
        try:
            found = await pipeline.call(
                *command, "BLOCK", int(1000 * BLOCK_S), "STREAMS", *streams, *([">"] * len(streams)), wait_s=BLOCK_S
            )
        finally:
            self._is_reading = False
            self.changed.set()
        self._empty_reads += not found
        return found or []

    async def _next_pending(self, pipeline: CommandPipeline) -> list[Any]:
        stream, after = next(iter(self._pending.items()))
        # What is being handled now may be acknowledged when the reply comes, which says that it is pending.
        known = self.in_hand
        told = await pipeline.call("XPENDING", stream, self._group, after, "+", self.entries, self._consumer)
        if not told:
            del self._pending[stream]
            return []
        self._pending[stream] = b"(" + told[-1][0]
        unseen = [row[0] for row in told if (stream, row[0]) not in known]
        if not unseen:
            return []
        entries, deliveries = await claim_entries(pipeline, stream, self._group, self._consumer, unseen)
        self._from_pending.update((stream, entry_id) for entry_id in unseen)
        self._deliveries.update(((stream, entry_id), count) for entry_id, count in deliveries.items())
        return [(stream, entries)]

    @property
    def in_hand(self) -> set[tuple[bytes, bytes]]:
        """The entries that were read and not acknowledged."""
        return self._at_hand | self._pending_entries.in_flight.keys()

    @property
    def has_claimed(self) -> bool:
        """True if claimed entries wait to be delivered."""
        return bool(self._claimed)

    async def claims_taken(self) -> None:
        """Waits until all claimed entries have been handed on."""
        while self._claimed:
            self.changed.clear()
            await self.changed.wait()

    def add_claimed(self, stream: bytes, entries: list[Any], deliveries: dict[bytes, int]) -> None:
        """Takes entries that were claimed, but for those that have been read as pending meanwhile."""
        in_hand = self.in_hand
        unseen = [entry for entry in entries if (stream, entry[0]) not in in_hand]
        self._at_hand.update((stream, entry[0]) for entry in unseen)
        self._deliveries.update(((stream, entry[0]), deliveries.get(entry[0], 2)) for entry in unseen)
        self._claimed.append((stream, unseen))

    async def take(self, stream: bytes, entry_id: bytes, fields: Any) -> None:
        """Hands an entry on, or buries it, if it was delivered too often."""
        self._at_hand.discard((stream, entry_id))
        # A replica that has become the master may not have known that this was delivered.
        is_known = id_key(entry_id) <= id_key(self.positions.get(stream, b"0-0"))
        deliveries = self._deliveries.pop((stream, entry_id), 2 if is_known else 1)
        if deliveries <= self._max_deliveries:
            await self.hand_on(Entry(stream, entry_id, 0, is_redelivered=deliveries > 1), fields)
            return
        reason = f"the entry {entry_id.decode()} of {stream.decode()} was delivered {deliveries - 1} times, and never"
        self._reports.notice(f"{reason} acknowledged: it goes to the dead letters")
        self.note_position(stream, entry_id, fields)
        frame = fields[1] if fields and len(fields) > 1 else b""
        self._pending_entries.give_up(Entry(stream, entry_id, 0, is_redelivered=True), frame, deliveries - 1)

    async def leave(self, _unblock: Callable[[bytes], Awaitable[None]]) -> None:
        """Reads no more: what the server gave to a connection that is closed would wait until somebody claims it."""
        self._is_leaving = True
        if self._is_reading and self._client:
            await _unblock(self._client["id"].encode())
        while self._is_reading:
            self.changed.clear()
            await self.changed.wait()

    async def reach(self, ids: dict[bytes, bytes]) -> bool:
        """Waits until these entries have been read here, or by other members. See `StreamReader.reach`."""
        before = self._empty_reads
        while self.is_behind(ids) and not self._is_leaving and self._empty_reads < before + _EMPTY_READS:
            if not self._has_room():
                return False
            await self._next_change()
        return True
