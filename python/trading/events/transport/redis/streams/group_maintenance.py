"""The duties of a group's member beside reading: acknowledge, bury, claim what dead members left, trim."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from redis.exceptions import ResponseError

from trading.events.transport.frame import FrameMaker
from trading.events.transport.pending_entries import DeadLetter, Entry, PendingEntries
from trading.events.transport.redis.connection import LOST, Command, Connection
from trading.events.transport.redis.pipeline import CommandPipeline
from trading.events.transport.redis.streams.group_reader import GroupReader, claim_entries
from trading.events.transport.redis.streams.hard_limit import HardLimit
from trading.events.transport.redis.streams.keys import TRIM, Keys, dead_letter_key
from trading.events.transport.reports import Reports
from trading.events.transport.tasks import end_tasks, start_task

_BATCH = 1024
_CLAIM_ENTRIES = 64
_REASON_BYTES = 4096
_ROUNDS = 3
"""The rounds of refreshing and claiming entries in the time after which an entry may be claimed."""


class GroupMaintenance:
    """Keeps a group in order, over a connection of its own.

    Args:
        keys: Names the streams.
        group: The group.
        consumer: This member of it.
        pending_entries: What is being handled.
        reader: Takes what was claimed.
        claim_idle_s: An entry that nobody has acknowledged or refreshed for so long is claimed.
        trim_interval_s: How often what all groups have acknowledged is removed.
        hard_limit: The hard limit, which is told what is lost to it.
        reply_timeout_s: A server that says nothing for so long is taken for lost.
    """

    def __init__(
        self,
        keys: Keys,
        *,
        group: str,
        consumer: str,
        pending_entries: PendingEntries,
        reader: GroupReader,
        reports: Reports,
        claim_idle_s: float,
        trim_interval_s: float,
        hard_limit: HardLimit,
        reply_timeout_s: float,
    ) -> None:
        self._keys = keys
        self._group = group
        self._consumer = consumer
        self._pending = pending_entries
        self._reader = reader
        self._claim_idle_s = claim_idle_s
        self._trim_interval_s = trim_interval_s
        self._hard_limit = hard_limit
        self._reply_timeout_s = reply_timeout_s
        self._frames = FrameMaker(reports.refused)
        self._dead: deque[DeadLetter] = deque()
        self._awaited = asyncio.Event()
        self._pipeline: CommandPipeline | None = None
        self._cursors: dict[bytes, bytes] = {}
        self.settled = asyncio.Event()

    def wake(self) -> None:
        """Something has ended."""
        self._awaited.set()

    def bury(self, letter: DeadLetter) -> None:
        """Has an event put among the dead letters before its entry is acknowledged."""
        self._dead.append(letter)

    @property
    def is_idle(self) -> bool:
        """True if all that has ended is acknowledged."""
        return not self._pending.ended and not self._dead

    async def session(self, connection: Connection, stands: Callable[[], None]) -> None:
        """Keeps the group until the connection is lost."""
        pipeline = CommandPipeline(connection, reply_timeout_s=self._reply_timeout_s)
        pipeline.lost.add_done_callback(lambda _: self.wake())
        rounds: list[asyncio.Task[None]] = []
        try:
            await pipeline.call("PING")
            self._pipeline = pipeline
            stands()
            rounds.append(start_task(self._claim_for_ever(pipeline), "trading-events claims"))
            rounds.append(start_task(self._trim_for_ever(pipeline), "trading-events trims"))
            while True:
                await self._acknowledge(pipeline)
                pipeline.check()
                for task in rounds:
                    if task.done():
                        task.result()
                await self._awaited.wait()
                self._awaited.clear()
        finally:
            self._pipeline = None
            await end_tasks(*rounds)

    async def _acknowledge(self, pipeline: CommandPipeline) -> None:
        while self._pending.ended or self._dead:
            letters = list(self._dead)
            entries = [self._pending.ended[at] for at in range(min(_BATCH, len(self._pending.ended)))]
            commands = [*map(self._letter, letters), *self._acknowledgements(entries)]
            for reply in await pipeline.call_many(commands):
                if isinstance(reply, ResponseError) and not str(reply).startswith("NOGROUP"):
                    raise reply
            for _ in letters:
                self._dead.popleft()
            for entry in entries:
                self._pending.ended.popleft()
                self._pending.acknowledged(entry)
        self.settled.set()

    def _acknowledgements(self, entries: list[Entry]) -> list[Command]:
        by_stream: dict[bytes, list[bytes]] = {}
        for entry in entries:
            by_stream.setdefault(entry.stream, []).append(entry.id)
        return [("XACK", stream, self._group, *ids) for stream, ids in by_stream.items()]

    def _letter(self, letter: DeadLetter) -> Command:
        stream = letter.entry.stream
        content = letter.content
        frame = content if isinstance(content, bytes) else b"".join(self._frames.make(stream, [content]))
        reason = letter.reason.encode()[:_REASON_BYTES]
        return (
            "XADD", dead_letter_key(stream, self._group), "*", "f", frame, "entry", letter.entry.id,
            "subscription", letter.subscription, "attempts", letter.attempts, "reason", reason,
        )  # fmt: skip

    async def _claim_for_ever(self, pipeline: CommandPipeline) -> None:
        try:
            while True:
                await self._refresh(pipeline)
                async with self._reader.claiming:
                    found = [await self._claim(pipeline, stream) for stream in self._keys.streams]
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._claim_idle_s / _ROUNDS):
                        await (self._reader.claims_taken() if any(found) else asyncio.Event().wait())
        finally:
            self.wake()

    async def _refresh(self, pipeline: CommandPipeline) -> None:
        """Tells the server that what is being handled here is, so that nobody claims it."""
        by_stream: dict[bytes, list[bytes]] = {}
        for stream, entry_id in self._reader.in_hand:
            by_stream.setdefault(stream, []).append(entry_id)
        for stream, ids in by_stream.items():
            for at in range(0, len(ids), _BATCH):
                part = ids[at : at + _BATCH]
                await self._unless_gone(
                    pipeline.call("XCLAIM", stream, self._group, self._consumer, 0, *part, "JUSTID")
                )

    async def _claim(self, pipeline: CommandPipeline, stream: bytes) -> bool:
        """Claims some of what nobody has refreshed. Returns whether there may be more."""
        if self._reader.has_claimed:
            return True
        idle_ms = int(1000 * self._claim_idle_s)
        cursor = self._cursors.get(stream, b"0-0")
        found = await self._unless_gone(
            pipeline.call(
                *("XAUTOCLAIM", stream, self._group, self._consumer, idle_ms, cursor),
                *("COUNT", _CLAIM_ENTRIES, "JUSTID"),
            )
        )
        if found is None:
            return False
        self._cursors[stream] = found[0]
        in_hand = self._reader.in_hand
        unseen = [entry_id for entry_id in found[1] if (stream, entry_id) not in in_hand]
        if not unseen:
            return False
        claimed = await self._unless_gone(claim_entries(pipeline, stream, self._group, self._consumer, unseen))
        if claimed is not None:
            self._reader.add_claimed(stream, *claimed)
        return claimed is not None

    async def unblock(self, client: bytes) -> None:
        """Has the server end a read that blocks; where that cannot be, it ends by itself before long."""
        with suppress(*LOST, ResponseError):
            if self._pipeline is not None:
                await self._pipeline.call("CLIENT", "UNBLOCK", client)

    async def _trim_for_ever(self, pipeline: CommandPipeline) -> None:
        try:
            while True:
                await asyncio.sleep(self._trim_interval_s)
                for stream in self._keys.streams:
                    await self.trim(pipeline, stream)
        finally:
            self.wake()

    async def trim(self, pipeline: CommandPipeline, stream: bytes) -> None:
        """Removes what every group has acknowledged, and what is beyond the hard limit."""
        beyond, is_done = 0, False
        while not is_done:
            counts = await self._unless_gone(pipeline.call("EVAL", TRIM, 1, stream, self._hard_limit.entries))
            is_done = counts is None or not any(counts)
            beyond += 0 if counts is None else counts[1]
        self._hard_limit.removed(stream, beyond)

    async def _unless_gone(self, call: Any) -> Any:
        """The reply, or None where the group or its stream is gone: the reader makes them anew."""
        try:
            return await call
        except ResponseError as refusal:
            if "NOGROUP" in str(refusal) or "no such key" in str(refusal).lower():
                return None
            raise
