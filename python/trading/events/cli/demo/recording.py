"""A session that runs through the bus, to handlers and a recorder."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path

from trading.events.base import BaseEvent
from trading.events.bus import IEventBus
from trading.events.cli.demo.bar_builder import BarBuilder
from trading.events.cli.demo.fingerprint import fingerprint
from trading.events.cli.demo.position_keeper import PositionKeeper
from trading.events.cli.progress import ProgressLine
from trading.events.memory_bus import InMemoryEventBus
from trading.events.order import OrderFilledEvent
from trading.events.persistence import ParquetEventWriter
from trading.events.statistics import BusStatistics

PACED_PER_S = 10_000
"""Events a second while latency is measured."""

_CHUNK_EVENTS = 5_000
_PACED_SHARE = 0.1
_BURST_EVENTS = 10


@dataclass
class Recording:
    """Results of a session."""

    published: int = 0
    """Events of the session itself."""

    bars: int = 0
    """Bars that the bar builder published back."""

    positions: int = 0
    """Events that the position keeper published back."""

    seconds: float = 0.0
    """Time that the part at full speed took, until every handler was done."""

    published_at_full_speed: int = 0
    """Events of the session that were published at full speed."""

    latencies_ns: list[int] = field(default_factory=list)
    """Time from publish until the last handler had the event, in the part at a steady pace."""

    fingerprints: list[tuple[datetime, str]] = field(default_factory=list)
    """Time and fingerprint of every event, in the order in which the bus accepted them."""

    statistics: BusStatistics | None = None
    """Counts of the bus."""

    @property
    def events(self) -> int:
        """Everything that was recorded."""
        return len(self.fingerprints)

    @property
    def by_type(self) -> Counter[str]:
        """Number of recorded events by event type."""
        return Counter(text.partition(" ")[0] for _, text in self.fingerprints)

    @property
    def failures(self) -> int:
        """Events that a handler failed on or that were dropped."""
        subscriptions = self.statistics.subscriptions.values() if self.statistics else ()
        return sum(one.failed + one.filter_failures + sum(one.dropped.values()) for one in subscriptions)

    def latency_us(self, share: float) -> float:
        """The latency that this share of the events did not exceed, in microseconds."""
        ordered = sorted(self.latencies_ns)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] / 1_000


class _Witness:
    """Remembers every event in the order in which the bus accepted it."""

    def __init__(self) -> None:
        self.events: list[BaseEvent] = []
        self.published_ns: dict[str, int] = {}
        self.latencies_ns: list[int] = []

    def handle(self, event: BaseEvent) -> None:
        began_ns = self.published_ns.pop(event.event_id, None)
        if began_ns is not None:
            self.latencies_ns.append(time.perf_counter_ns() - began_ns)
        self.events.append(event)

    def take(self) -> Iterator[tuple[datetime, str]]:
        """The time and the fingerprint of each event since the last call."""
        events, self.events = self.events, []
        return ((event.timestamp, fingerprint(event)) for event in events)


async def record(events: Iterable[BaseEvent], store: Path, *, prices: str, progress: ProgressLine) -> Recording:
    """Runs a session through a bus, to a bar builder, a position keeper and a recorder.

    Args:
        events: The session.
        store: Where it is recorded.
        prices: The event type from which bars are built.
        progress: Where to show how far it is.

    Raises:
        StoreError: The store cannot be written.
    """
    recording = Recording()
    witness = _Witness()
    async with ParquetEventWriter(store) as writer, InMemoryEventBus(name="demo") as bus:
        bars, positions = BarBuilder(bus), PositionKeeper(bus)
        await bus.subscribe(prices, bars.handle, name="bar builder")
        await bus.subscribe(OrderFilledEvent, positions.handle, name="position keeper")
        await bus.subscribe("*", writer.write_event, name="recorder")
        await bus.subscribe("*", witness.handle, name="witness")
        source = iter(events)
        # Events are made before the clock starts, and fingerprints after it stops.
        while chunk := list(islice(source, _CHUNK_EVENTS)):
            fast = round(len(chunk) * (1 - _PACED_SHARE))
            recording.seconds += await _publish_at_full_speed(chunk[:fast], bus)
            recording.published_at_full_speed += fast
            await _publish_at_a_pace(chunk[fast:], bus, witness)
            await bus.join()
            recording.published += len(chunk)
            recording.fingerprints.extend(witness.take())
            progress.update(recording.published)
        await bars.finish()
        await bus.join()
        recording.fingerprints.extend(witness.take())
        recording.statistics = bus.statistics()
    recording.bars, recording.positions, recording.latencies_ns = bars.count, positions.count, witness.latencies_ns
    return recording


async def _publish_at_full_speed(events: Sequence[BaseEvent], bus: InMemoryEventBus) -> float:
    """Publishes events as fast as the bus takes them; returns the seconds until all were handled."""
    began_s = time.perf_counter()
    for event in events:
        await bus.publish(event)
    await bus.join()
    return time.perf_counter() - began_s


async def _publish_at_a_pace(events: Sequence[BaseEvent], bus: IEventBus, witness: _Witness) -> None:
    began_s = time.perf_counter()
    for at, event in enumerate(events):
        if at % _BURST_EVENTS == 0:
            await asyncio.sleep(began_s + at / PACED_PER_S - time.perf_counter())
        witness.published_ns[event.event_id] = time.perf_counter_ns()
        await bus.publish(event)
