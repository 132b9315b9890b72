"""InfluxEventWriter: records events in InfluxDB, or in a server that takes its line protocol."""

from collections.abc import Callable, Iterable

from trading.events.base import BaseEvent
from trading.events.persistence.influx.connection import Connection
from trading.events.persistence.influx.delivery import InfluxDelivery
from trading.events.persistence.influx.point import Point, escape_tag, make_point
from trading.events.persistence.influx.target import InfluxBucket, InfluxDatabase, InfluxTarget
from trading.events.persistence.influx.timekeeper import FIRST_MICROS, LAST_MICROS, Timekeeper
from trading.events.persistence.sending.delivery import RefusedEvent
from trading.events.persistence.sending.policy import SendingPolicy
from trading.events.persistence.sending.queued_writer import QueuedEventWriter, check_time
from trading.events.persistence.sending.sender import Sender

__all__ = ["InfluxBucket", "InfluxDatabase", "InfluxEventWriter", "InfluxTarget"]


class InfluxEventWriter(QueuedEventWriter):
    """Records events in InfluxDB 1, 2 or 3, or in another server that takes its line protocol.

        async with InfluxEventWriter(InfluxBucket("http://localhost:8086", "market", token=token)) as writer:
            await bus.subscribe("*", writer.write_event)

    `persistence.influx.point` describes the points: a measurement per event type, tags `exchange` and `symbol`, numbers
    as numbers, and beside each decimal its digits in `<name>_exact`. Times are in nanoseconds: the event's microsecond,
    and in the last three digits its ordinal among the events of its topic at that microsecond, because a server keeps
    only one of several points with equal tags and time. Where that does not suffice, the tag `_run` tells events apart:
    after a thousand at one moment, and for events that come later than younger ones of their topic. Rounded down to
    microseconds, the time is the event's own; sorted by that, `_run` and time, points are in the order of recording.
    A writer does not know what another one has written: if two write events of the same topics and times, even one
    after the other, each needs a `name` of its own, which becomes the tag `_writer`.

    `write_event` returns when the event waits to be sent, and waits itself only when `policy.capacity_bytes` do.
    A thread sends them in batches. While the server is away, slow, or does not let this writer in, they are kept and
    tried again, for ever: `flush` says what is wrong, and so does the log, once. An event that the server will never
    take, such as one with a field of another type than it knows, is found and left out: `on_refused` gets it, the log
    has it, and the next `flush` or `aclose` raises it. All others are stored. A process that dies loses what waits:
    less than `policy.age_s` while the server is there.

    A writer that is not closed tries to send what waits, for a few seconds, when it is garbage collected or the
    interpreter ends. Its methods may be called from any event loop; in a forked child they raise.

    Args:
        target: An InfluxDatabase, for InfluxDB 1, or an InfluxBucket.
        name: Distinguishes the points of several writers; by default there is no such tag.
        policy: The limits of batches; by default `SendingPolicy()`.
        timeout_s: Longest that the server may take for each step of an answer, in seconds.
        compresses: Whether requests are compressed with gzip.
        on_refused: Called from the thread that sends with events that the server refuses. It must not wait for this
            writer.

    Raises:
        ValueError: `name` is empty, or `timeout_s` not above zero.
    """

    def __init__(
        self,
        target: InfluxTarget,
        *,
        name: str | None = None,
        policy: SendingPolicy | None = None,
        timeout_s: float = 10.0,
        compresses: bool = True,
        on_refused: Callable[[list[RefusedEvent]], None] | None = None,
    ) -> None:
        if name == "":
            raise ValueError("name must not be empty; None stands for no name")
        if not timeout_s > 0:
            raise ValueError(f"timeout_s must be above zero, not {timeout_s!r}")
        self._tags = "" if name is None else f",_writer={escape_tag(name)}"
        self._keeper = Timekeeper()
        self._target = target
        endpoint = target.endpoint()
        connection = Connection(endpoint, timeout_s=timeout_s, compresses=compresses)
        delivery = InfluxDelivery(connection, name=str(endpoint))
        super().__init__(Sender(delivery, policy or SendingPolicy(), on_refused=on_refused))

    @property
    def store_id(self) -> tuple[str, InfluxTarget]:
        """The kind of store, and its target."""
        return "influx", self._target

    def _encode(self, events: Iterable[BaseEvent]) -> list[bytes]:
        points = sorted(map(_make_point, events), key=lambda point: point.micros)
        return [self._place(point) for point in points]

    def _place(self, point: Point) -> bytes:
        run, time_ns = self._keeper.place(point.series, point.micros)
        tags = f"{self._tags},_run={run}" if run else self._tags
        return f"{point.series}{tags} {point.fields} {time_ns}".encode()


def _make_point(event: BaseEvent) -> Point:
    point = make_point(event)
    check_time(event, point.micros, first=FIRST_MICROS, last=LAST_MICROS)
    return point
