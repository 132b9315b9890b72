"""Frames: what goes over the wire. A header, and a batch of encoded events.

    bytes 0..2    b"TE"
    byte  2       version, 1
    byte  3       kind: 0 events, 1 a beat
    bytes 4..12   publisher: 64 random bits, drawn anew by every bus
    bytes 12..20  sequence of the first event, per publisher and channel, from 1 on (big-endian, as all here)
    bytes 20..24  how many events
    bytes 24..    a msgpack array of events, or, in a beat, a JSON object of channels and their last sequence

Whoever can write to the server can send any bytes: nothing that is read here is trusted.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from struct import Struct
from typing import Annotated

import msgpack
from pydantic import Field, TypeAdapter

from trading.events.base import BaseEvent
from trading.events.codec import decode_batch, decode_event, encode_batch
from trading.events.errors import EventDecodeError, EventTooLargeError
from trading.events.unknown import decode_any

MAX_FRAME_BYTES = 1 << 20
"""The longest frame that is sent or read: a megabyte, far below what makes a server slow to others.

A longer one is not decoded, but has been received: redis-py and hiredis hold a reply as a whole, without a limit. The
server's `proto-max-bulk-len`, 512 MB unless set, bounds each frame in it."""

MAX_FRAME_EVENTS = 256
"""The most events in a frame: enough for its fixed cost to vanish, few enough to be handled in a millisecond."""

MAX_BEAT_CHANNELS = 1024
"""The most channels in one beat."""

_HEADER = Struct(">2sBB8sQI")
_MAGIC = b"TE"
_VERSION = 1
EVENTS, BEAT = 0, 1
_LAST_SEQUENCE = 2**63 - 1
_BEAT_BODY = TypeAdapter(
    Annotated[
        dict[str, Annotated[int, Field(strict=True, ge=0, le=_LAST_SEQUENCE)]], Field(max_length=MAX_BEAT_CHANNELS)
    ]
)


class Frame:
    """A frame whose header has been read."""

    __slots__ = ("body", "count", "publisher", "sequence")

    def __init__(self, publisher: bytes, sequence: int, count: int, body: bytes) -> None:
        self.publisher = publisher
        self.sequence = sequence
        self.count = count
        self.body = body

    def events(self) -> list[BaseEvent]:
        """Its events.

        Raises:
            EventDecodeError: The body holds none, or not as many as the header says.
        """
        events = decode_batch(self.body)
        if len(events) != self.count:
            raise EventDecodeError(f"the frame holds {len(events)} events, and says {self.count}")
        return events

    def known_events(self, first: int, *, carries_unknown: bool) -> tuple[list[BaseEvent], EventDecodeError | None]:
        """Its events from one on, without those that cannot be read, and the error of the first of these, if any.

        Args:
            first: How many are left out at the beginning.
            carries_unknown: Whether those that no class here is for are among them, as UnknownEvents.

        Raises:
            EventDecodeError: The body holds no events at all, or not as many as the header says.
        """
        try:
            return self.events()[first:], None
        except EventDecodeError as wrong:
            first_error: EventDecodeError | None = None if carries_unknown else wrong
        events: list[BaseEvent] = []
        decode = decode_any if carries_unknown else decode_event
        for encoded in split_batch(self.body, self.count)[first:]:
            try:
                events.append(decode(encoded))
            except EventDecodeError as wrong:
                first_error = first_error or wrong
        return events, first_error

    def beat(self) -> dict[bytes, int]:
        """The last sequence of each channel.

        Raises:
            EventDecodeError: The body is no map of channels to sequences.
        """
        try:
            found = _BEAT_BODY.validate_json(self.body)
        except ValueError:
            raise EventDecodeError("the beat is no map of at most 1,024 channels to sequences") from None
        return {channel.encode(errors="replace"): sequence for channel, sequence in found.items()}


def read_frame(data: object, *, kind: int = EVENTS, limit_bytes: int = MAX_FRAME_BYTES) -> Frame:
    """Reads the header of a frame.

    Raises:
        EventDecodeError: It is none, it is longer than the limit, or of another kind or version.
    """
    if not isinstance(data, bytes):
        raise EventDecodeError("the frame is no bytes")
    if not _HEADER.size <= len(data) <= limit_bytes:
        raise EventDecodeError(f"the frame has {len(data)} bytes; {_HEADER.size} to {limit_bytes} are read")
    magic, version, found_kind, publisher, sequence, count = _HEADER.unpack_from(data)
    if magic != _MAGIC or version != _VERSION or found_kind != kind:
        raise EventDecodeError(f"the frame begins with {data[:4]!r}, which is none of this kind and version")
    if not 0 < sequence <= _LAST_SEQUENCE or (kind == EVENTS and not 0 < count <= len(data)):
        raise EventDecodeError(f"the frame says that it holds {count} events from number {sequence} on")
    return Frame(publisher, sequence, count, data[_HEADER.size :])


class FrameMaker:
    """Makes the frames of one publisher, with running numbers for each channel.

    Args:
        refuse: Called with an event that cannot be sent, and why: it cannot be encoded, or is too long for a frame.
        limit_bytes: The longest frame that is made.
    """

    def __init__(self, refuse: Callable[[BaseEvent, Exception], object], *, limit_bytes: int = MAX_FRAME_BYTES) -> None:
        self.publisher = secrets.token_bytes(8)
        self._refuse = refuse
        self._limit_bytes = limit_bytes
        self._last: dict[bytes, int] = {}
        self._changed: set[bytes] = set()

    def make(self, channel: bytes, events: Sequence[BaseEvent]) -> Iterator[bytes]:
        """Frames for these events, in order."""
        for start in range(0, len(events), MAX_FRAME_EVENTS):
            yield from self._split(channel, events[start : start + MAX_FRAME_EVENTS])

    def _split(self, channel: bytes, events: Sequence[BaseEvent]) -> Iterator[bytes]:
        try:
            body = encode_batch(events)
            if _HEADER.size + len(body) <= self._limit_bytes:
                yield self._frame(channel, body, len(events))
                return
            wrong: Exception = EventTooLargeError(
                f"{events[0].topic} has {len(body)} bytes; a frame may have {self._limit_bytes}"
            )
        except Exception as failure:  # noqa: BLE001 - whatever a field of the user's own may do
            wrong = failure
        if len(events) == 1:
            self._refuse(events[0], wrong)
        else:
            middle = len(events) // 2
            yield from self._split(channel, events[:middle])
            yield from self._split(channel, events[middle:])

    def _frame(self, channel: bytes, body: bytes, count: int) -> bytes:
        sequence = self._last.get(channel, 0) + 1
        self._last[channel] = sequence + count - 1
        self._changed.add(channel)
        return _HEADER.pack(_MAGIC, _VERSION, EVENTS, self.publisher, sequence, count) + body

    @property
    def has_news(self) -> bool:
        """True if frames were made since the last beats."""
        return bool(self._changed)

    def make_beats(self) -> Iterator[bytes]:
        """Beats for all channels that had frames since the last time."""
        changed, self._changed = list(self._changed), set[bytes]()
        for start in range(0, len(changed), MAX_BEAT_CHANNELS):
            yield self._beat(
                {channel.decode(): self._last[channel] for channel in changed[start : start + MAX_BEAT_CHANNELS]}
            )

    def _beat(self, channels: dict[str, int]) -> bytes:
        return _HEADER.pack(_MAGIC, _VERSION, BEAT, self.publisher, 1, 0) + _BEAT_BODY.dump_json(channels)


def split_batch(body: bytes, count: int) -> list[bytes]:
    """The bytes of each event of a batch.

    Raises:
        EventDecodeError: It is no batch of so many.
    """
    unpacker = msgpack.Unpacker(max_buffer_size=0)
    unpacker.feed(body)
    events: list[bytes] = []
    try:
        found = unpacker.read_array_header()
        if found != count:
            raise EventDecodeError(f"the frame holds {found} events, and says {count}")
        for _ in range(count):
            start = unpacker.tell()
            unpacker.skip()
            events.append(body[start : unpacker.tell()])
    except (ValueError, TypeError, RecursionError, msgpack.UnpackException) as wrong:
        raise EventDecodeError(f"the frame holds no batch of events: {wrong or type(wrong).__name__}") from None
    if unpacker.tell() != len(body):
        raise EventDecodeError(f"{len(body) - unpacker.tell()} bytes follow the end")
    return events


def runs_by_topic(events: Iterable[BaseEvent]) -> Iterator[tuple[str, list[BaseEvent]]]:
    """Consecutive events of one topic, so that the order among topics stays."""
    topic, run = "", list[BaseEvent]()
    for event in events:
        found = event.topic
        if found != topic:
            if run:
                yield topic, run
            topic, run = found, []
        run.append(event)
    if run:
        yield topic, run
