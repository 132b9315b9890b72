"""The reading half of streams: whole shards are read, in order, and matched here."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from redis.exceptions import ReadOnlyError, ResponseError

from trading.events.base import BaseEvent
from trading.events.errors import EventDecodeError
from trading.events.transport.frame import Frame, read_frame
from trading.events.transport.pending_entries import Entry
from trading.events.transport.redis.connection import LOST, Command, Connection
from trading.events.transport.redis.pipeline import CommandPipeline
from trading.events.transport.redis.streams.keys import Keys
from trading.events.transport.reports import Reports
from trading.events.transport.sequences import Missed, Sequences

_MARK_BYTES = 24

START = "0-0"
"""Before the first entry of a stream."""

BLOCK_S = 1.0
"""The time that a read waits at the server."""

ENTRIES = 64
"""The number of entries that are read at once; fewer after a lost connection, which a long reply may have caused."""


def start_id(start: str | datetime) -> str:
    """The id after which is read: that of an entry, `beginning`, or a time. `new` stays as it is.

    Raises:
        ValueError: It is none of these.
    """
    if isinstance(start, datetime):
        moment = start if start.tzinfo else start.replace(tzinfo=UTC)
        return f"{max(0, int(moment.timestamp() * 1000) - 1)}-{2**64 - 1}"
    if start == "beginning":
        return START
    ms, dash, number = start.partition("-")
    if start != "new" and not (ms.isdecimal() and dash and number.isdecimal()):
        raise ValueError(
            f"start is {start!r}; it is 'new', 'beginning', an entry's id such as 1700000000000-0, or a time"
        )
    return start


def _frame_of(fields: object) -> Frame:
    """The frame of an entry.

    Raises:
        EventDecodeError: It has none.
    """
    match fields:
        case [b"f", bytes(data)]:
            return read_frame(data)
        case None:
            raise EventDecodeError("the entry was removed before it was handled")
        case _:
            raise EventDecodeError("the entry is none of a bus")


def _mark_of(fields: Any) -> bytes:
    """The mark that tells entries of one id apart: the first bytes, which hold the publisher and sequence."""
    return b"".join(bytes(part[:_MARK_BYTES]) for part in (fields or ())[:2])


def id_key(entry_id: bytes | str) -> tuple[int, int]:
    """Ids in the order of their entries."""
    text = entry_id.decode() if isinstance(entry_id, bytes) else entry_id
    ms, _, number = text.partition("-")
    return int(ms), int(number or 0)


class StreamReader:
    """Reads entries and hands their events on; how it asks for them is its subclass's affair.

    Args:
        keys: Names the streams.
        reports: Told of gaps and of entries that cannot be read.
        deliver: Hands the events of an entry on; waits for room.
        publisher: This bus itself.
        hears_itself: Whether its own entries are handed on.
        carries_unknown: Whether events that no class here is for are handed on, as UnknownEvents.
        may_read: Waits until something is heard and there is room for more.
        has_room: Whether there is room for more, and nothing waits for room in a queue.
        reply_timeout_s: A server that says nothing for so long is taken for lost.
    """

    def __init__(
        self,
        keys: Keys,
        *,
        reports: Reports,
        deliver: Callable[[Entry, list[BaseEvent]], Awaitable[None]],
        publisher: bytes,
        hears_itself: bool,
        carries_unknown: bool,
        may_read: Callable[[], Awaitable[None]],
        has_room: Callable[[], bool],
        reply_timeout_s: float,
    ) -> None:
        self._keys = keys
        self._reports = reports
        self._deliver = deliver
        self._publisher = publisher
        self._hears_itself = hears_itself
        self._carries_unknown = carries_unknown
        self.only: bytes | None = None
        """The one publisher whose entries are handed on; None for all."""
        self.heard_of_others = 0
        self._may_read = may_read
        self._has_room = has_room
        self._reply_timeout_s = reply_timeout_s
        self.positions: dict[bytes, bytes] = {}
        self._marks: dict[bytes, bytes] = {}
        self.is_delivering = False
        self.changed = asyncio.Event()
        self.entries = ENTRIES

    async def session(self, connection: Connection, stands: Callable[[], None]) -> None:
        """Reads until the connection is lost."""
        pipeline = CommandPipeline(connection, reply_timeout_s=self._reply_timeout_s)
        try:
            await self.prepare(pipeline)
            stands()
            while True:
                if not self._has_room():
                    self.changed.set()
                await self._may_read()
                for stream, entries in await self.next_entries(pipeline):
                    for entry_id, fields in entries:
                        await self.take(stream, entry_id, fields)
                self.entries = min(ENTRIES, 2 * self.entries)
        except LOST:
            self.entries = max(1, self.entries // 4)
            raise

    async def prepare(self, pipeline: CommandPipeline) -> None:
        """Finds out where to begin."""
        raise NotImplementedError

    async def next_entries(self, pipeline: CommandPipeline) -> list[Any]:
        """The next entries of each stream; waits a while for new ones."""
        raise NotImplementedError

    def note(self, _publisher: bytes, _stream: bytes, *, sequence: int, count: int) -> int:  # noqa: ARG002 - a hook
        """Notes what has come. Returns how many of these events had come before."""
        return 0

    async def take(self, stream: bytes, entry_id: bytes, fields: Any) -> None:
        """Takes in one entry."""
        await self.hand_on(Entry(stream, entry_id, 0, is_redelivered=False), fields)

    async def hand_on(self, entry: Entry, fields: Any) -> None:
        """Hands the events of an entry on; waits for room."""
        stream, entry_id = entry.stream, entry.id
        events: list[BaseEvent] = []
        try:
            frame = _frame_of(fields)
            is_own = frame.publisher == self._publisher
            if (self._hears_itself or not is_own) and self.only in {None, frame.publisher}:
                repeated = self.note(frame.publisher, stream, sequence=frame.sequence, count=frame.count)
                events, wrong = frame.known_events(repeated, carries_unknown=self._carries_unknown)
                self.heard_of_others += not is_own
                if wrong is not None:
                    raise wrong
        except EventDecodeError as wrong:
            self._reports.undecodable(f"{stream.decode()} {entry_id.decode()}", wrong)
        entry.count = len(events)
        self.is_delivering = True
        self.note_position(stream, entry_id, fields)
        try:
            await self._deliver(entry, events)
        finally:
            self.is_delivering = False
            self.changed.set()

    def note_position(self, stream: bytes, entry_id: bytes, fields: Any) -> None:
        """Notes that reading has come to an entry."""
        if id_key(entry_id) >= id_key(self.positions.get(stream, b"0-0")):
            self.positions[stream], self._marks[stream] = entry_id, _mark_of(fields)
        self.changed.set()

    def is_the_last_read(self, stream: bytes, entry: Any) -> bool:
        """True if an entry is the one that reading has reached, and no later one that was given the same id.

        A stream that was removed and made anew within a millisecond gives an id out again.
        """
        entry_id, fields = entry
        return entry_id == self.positions[stream] and self._marks.get(stream, b"") in {b"", _mark_of(fields)}

    async def leave(self, _unblock: Callable[[bytes], Awaitable[None]]) -> None:
        """Reads no more, where what is read and not handled would be missed by others."""

    async def delivered(self) -> None:
        """Waits until what has been read has been handed on."""
        while self.is_delivering:
            self.changed.clear()
            await self.changed.wait()

    async def reach(self, ids: dict[bytes, bytes]) -> bool:
        """Waits until these entries have been read, and are handed on or wait for room.

        Returns:
            Whether they have been read: they are not where one before them waits for room.
        """
        while self.is_behind(ids):
            if not self._has_room():
                return False
            await self._next_change()
        return True

    async def _next_change(self) -> None:
        if self.is_delivering:  # whether it waits for room shows within a turn of the loop
            await asyncio.sleep(0)
        else:
            self.changed.clear()
            await self.changed.wait()

    def is_behind(self, ids: dict[bytes, bytes]) -> bool:
        """True if any of these entries has not been reached."""
        return any(id_key(self.positions.get(stream, b"0-0")) < id_key(last) for stream, last in ids.items())


class PlainReader(StreamReader):
    """Reads all there is from a place on, for one bus alone; goes on where it was after a lost connection."""

    def __init__(self, keys: Keys, *, start: str, **options: Any) -> None:
        super().__init__(keys, **options)
        self._start = start
        self._sequences = Sequences()

    async def prepare(self, pipeline: CommandPipeline) -> None:
        """Finds the ends of the streams, the first time."""
        for stream in self._keys.streams:
            if stream not in self.positions:
                place = self._start.encode()
                if self._start == "new":
                    last = await pipeline.call("XREVRANGE", stream, "+", "-", "COUNT", 1)
                    place = START.encode()
                    if last:
                        place, self._marks[stream] = last[0][0], _mark_of(last[0][1])
                self.positions[stream] = place

    async def next_entries(self, pipeline: CommandPipeline) -> list[Any]:
        """Entries after those that were read last."""
        streams = self._keys.streams
        places = [self.positions[stream] for stream in streams]
        read: Command = ("XREAD", "COUNT", self.entries, "BLOCK", int(1000 * BLOCK_S), "STREAMS", *streams, *places)
        try:
            found = await pipeline.call(*read, wait_s=BLOCK_S)
        except ResponseError as refusal:
            if str(refusal).startswith("UNBLOCKED"):
                raise ReadOnlyError(f"the server is no master any more: {refusal}") from None
            raise
        if found is None:
            await self._look_for_flush(pipeline)
        return found or []

    async def _look_for_flush(self, pipeline: CommandPipeline) -> None:
        """A stream whose last entry is before what was read, or in its place, has been removed and made anew."""
        for stream in self._keys.streams:
            last = await pipeline.call("XREVRANGE", stream, "+", "-", "COUNT", 1)
            if not last or self.is_the_last_read(stream, last[0]):
                continue
            if id_key(last[0][0]) <= id_key(self.positions[stream]):
                self._reports.notice(
                    f"the stream {stream.decode()} was removed and made anew; it is read from its beginning"
                )
                self.positions[stream] = START.encode()

    def note(self, _publisher: bytes, _stream: bytes, *, sequence: int, count: int) -> int:
        """Notes what has come, and tells of what is missing."""
        repeated, missed = self._sequences.note(_publisher, _stream, sequence=sequence, count=count)
        if missed:
            self._reports.missed(Missed(missed, _publisher.hex(), _stream.decode()))
        return repeated
