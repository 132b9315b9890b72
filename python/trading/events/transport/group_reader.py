"""Reading streams as a member of a group."""

from collections import deque
from collections.abc import Callable
from typing import Any

from redis.exceptions import ResponseError

from trading.events.transport.stream_keys import Keys
from trading.events.transport.stream_reader import BLOCK_S, ENTRIES, START, StreamReader
from trading.events.transport.wire import CommandWire


class GroupReader(StreamReader):
    """Reads its share of what a group is to handle: first what it had not acknowledged, then what is new."""

    def __init__(
        self,
        keys: Keys,
        *,
        start: str,
        group: str,
        consumer: str,
        in_flight: Callable[[bytes, bytes], bool],
        **options: Any,
    ) -> None:
        super().__init__(keys, **options)
        self._start = start
        self._group = group
        self._consumer = consumer
        self._in_flight = in_flight
        self._pending: dict[bytes, bytes] = {}
        self._from_pending: set[tuple[bytes, bytes]] = set()
        self._redelivered: set[tuple[bytes, bytes]] = set()
        self.claimed: deque[tuple[bytes, list[Any]]] = deque()

    async def prepare(self, wire: CommandWire) -> None:
        """Makes the group where it is missing, and begins with what is pending."""
        for stream in self._keys.streams:
            await self._make_group(wire, stream)
        self._pending = dict.fromkeys(self._keys.streams, b"0-0")
        self._from_pending.clear()
        self.claimed.clear()

    async def _make_group(self, wire: CommandWire, stream: bytes) -> None:
        place = {"new": "$"}.get(self._start, self._start)
        last = self.positions.get(stream)
        if (
            last is not None
        ):  # the group is gone: go on after what was read, if that is still there, or from the beginning
            place = last.decode() if await wire.call("XRANGE", stream, last, last) else START
        try:
            await wire.call("XGROUP", "CREATE", stream, self._group, place, "MKSTREAM")
        except ResponseError as refusal:
            if not str(refusal).startswith("BUSYGROUP"):
                raise
        else:
            if last is not None:
                reason = f"the group {self._group} of {stream.decode()} was gone; it is made anew at {place}"
                self._reports.notice(reason)

    async def next_entries(self, wire: CommandWire) -> list[Any]:
        """What was pending, what was claimed of others, what is new: in this order."""
        if self._pending:
            return await self._next_pending(wire)
        if self.claimed:
            stream, entries = self.claimed.popleft()
            entries = [entry for entry in entries if self._is_new(stream, entry[0])]
            self._redelivered.update((stream, entry[0]) for entry in entries)
            return [(stream, entries)]
        command = ("XREADGROUP", "GROUP", self._group, self._consumer, "COUNT", ENTRIES)
        streams = self._keys.streams
        try:
            found = await wire.call(
                *command, "BLOCK", int(1000 * BLOCK_S), "STREAMS", *streams, *([">"] * len(streams)), wait_s=BLOCK_S
            )
        except ResponseError as refusal:
            if not str(refusal).startswith(("NOGROUP", "UNBLOCKED")):
                raise
            await self.prepare(wire)
            return []
        return found or []

    def _is_new(self, stream: bytes, entry_id: bytes) -> bool:
        """Whether an entry is not being handled; one may be claimed while it is read as pending."""
        return not self._in_flight(stream, entry_id) and (stream, entry_id) not in self._from_pending

    async def _next_pending(self, wire: CommandWire) -> list[Any]:
        stream, after = next(iter(self._pending.items()))
        found = await wire.call(
            "XREADGROUP", "GROUP", self._group, self._consumer, "COUNT", ENTRIES, "STREAMS", stream, after
        )
        entries: list[Any] = found[0][1] if found else []
        if not entries:
            del self._pending[stream]
            return []
        self._pending[stream] = entries[-1][0]
        unseen = [entry for entry in entries if self._is_new(stream, entry[0])]
        self._from_pending.update((stream, entry[0]) for entry in unseen)
        self._redelivered.update((stream, entry[0]) for entry in unseen)
        return [(stream, unseen)]

    def is_redelivered(self, _stream: bytes, _entry_id: bytes) -> bool:
        """Whether the entry was delivered to some consumer before."""
        if (_stream, _entry_id) in self._redelivered:
            self._redelivered.discard((_stream, _entry_id))
            return True
        return False
