"""`trading-events replay`: recorded events published again, with their original timing."""

import argparse
import asyncio
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from trading.events.base import BaseEvent
from trading.events.cli.arguments import EventRangeArguments, add_progress, add_range, add_store, event_range, speed
from trading.events.cli.formats import as_duration, as_time, counted
from trading.events.cli.no_match import is_narrowed, tell_of_no_match
from trading.events.cli.progress import ProgressLine
from trading.events.cli.screen import print_table
from trading.events.cli.server import add_server, server_bus, server_url
from trading.events.cli.signals import run_until_signal
from trading.events.cli.unreadable import gather_unreadable
from trading.events.errors import ReplayIntoItselfError
from trading.events.factory import AnyEventBus
from trading.events.memory_bus import InMemoryEventBus
from trading.events.persistence import EventReader, Replay
from trading.events.persistence.parquet.store.store_lock import find_writer

if TYPE_CHECKING:
    from datetime import datetime

NAME = "replay"
SUMMARY = "publish recorded events again, with their original timing"
DESCRIPTION = """\
Replay recorded events over an in-memory bus or a server, as a subscriber to all of them would see it: with their
original timing, a factor of it, or as fast as the bus takes them. Ctrl-C ends the replay; what it did until then is
said."""
EXAMPLES = """\
examples:
  trading-events replay data/events
  trading-events replay data/events --speed 60 --start 2021-01-08 --symbol BTC/USDT
  trading-events replay data/events redis://localhost:6379 --speed 10
  trading-events replay data/events --speed max --event trade --event quote
"""

_REDRAW_S = 0.1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    add_store(parser)
    parser.add_argument(
        "url", metavar="URL", type=server_url, nargs="?", help="publish on this server, and not in memory"
    )
    add_server(parser)
    parser.add_argument(
        "--speed", metavar="FACTOR", type=speed, default=1.0,
        help="1.0 is the original timing, 60 a minute in a second, max without waiting (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--into-itself", action="store_true",
        help="replay to a server although somebody records into STORE, where the events may then be twice",
    )  # fmt: skip
    add_range(parser)
    add_progress(parser)


def run(args: argparse.Namespace) -> int:
    """Runs the command and returns its exit code.

    Raises:
        StoreError: The store cannot be read, or somebody records into it.
        UsageError: The arguments do not go together.
    """
    chosen = event_range(args)
    reader = EventReader(args.store)
    if args.url is not None and not args.into_itself:
        _refuse_recorder(reader.base_path)
    # A file that cannot be read is told of when the events are read.
    with gather_unreadable() as unreadable:
        total = EventReader(args.store, on_error="warn").count(**chosen)
    if not total and not unreadable and is_narrowed(chosen):
        return tell_of_no_match(args.store, chosen)
    with ProgressLine("replay", "events", shown=args.progress) as progress:
        audience = _Audience(total, progress)
        try:
            run_until_signal(_replay(reader, _bus(args), audience, speed=args.speed, chosen=chosen))
        finally:
            progress.clear()
            audience.report()
    return 0


def _refuse_recorder(store: Path) -> None:
    """Refuses to publish where somebody may record it into the same store.

    Raises:
        ReplayIntoItselfError: Somebody has the store open for writing.
    """
    writer = find_writer(store)
    if writer is not None:
        raise ReplayIntoItselfError(
            f"{store} is being written to by process {writer}, which may record what is replayed, so that each event "
            "would be in the store twice; end it first, or say --into-itself if it hears another server or namespace"
        )


def _bus(args: argparse.Namespace) -> AnyEventBus:
    if args.url is None:
        return InMemoryEventBus(name="replay")
    return server_bus(args.url, args, name="replay", unknown="deliver")


async def _replay(
    reader: EventReader,
    bus: AnyEventBus,
    audience: "_Audience",
    *,
    speed: float | None,
    chosen: EventRangeArguments,
) -> None:
    async with bus:
        await bus.subscribe("*", audience.hear, name="audience")
        watching = asyncio.create_task(audience.watch())
        try:
            audience.replay = reader.replay(bus, speed=speed, **chosen)
            await audience.replay
        finally:
            watching.cancel()
            audience.bus = bus


class _Audience:
    """Hears a replay, and says what it has heard."""

    def __init__(self, total: int, progress: ProgressLine) -> None:
        self.bus: AnyEventBus | None = None
        self.replay: Replay | None = None
        self._total = total
        self._progress = progress
        self._began_s = time.monotonic()
        self._count = 0
        self._by_type: Counter[str] = Counter()
        self._first: datetime | None = None
        self._last: datetime | None = None

    def hear(self, event: BaseEvent) -> None:
        """The handler."""
        self._count += 1
        self._by_type[event.event_type] += 1
        self._first = self._first or event.timestamp
        self._last = event.timestamp

    async def watch(self) -> None:
        """Shows how far the replay is, until it is cancelled."""
        while True:
            self._progress.update(
                self._count,
                fraction=self._count / max(1, self._total),
                note="" if self._last is None else as_time(self._last),
            )
            await asyncio.sleep(_REDRAW_S)

    def report(self) -> None:
        """Says what was heard, by event type, how exact the timing was, and what the bus has counted."""
        took_s = time.monotonic() - self._began_s
        print(f"replayed {self._count:,} of {counted(self._total, 'event')} in {took_s:.1f} s")
        if self._first is not None and self._last is not None:
            print(f"time     {as_time(self._first)} to {as_time(self._last)}")
        if self._by_type:
            rows = [(kind, f"{n:,}") for kind, n in self._by_type.most_common()]
            print_table(("event type", "events"), rows, right=(1,))
        late = None if self.replay is None else self.replay.report().error
        if late is not None and late.count:
            print(
                f"late     half by {as_duration(late.p50_ns)}, 99 % by {as_duration(late.p99_ns)}, "
                f"none by more than {as_duration(late.max_ns)}"
            )
        if self.bus is not None:
            statistics = self.bus.statistics()
            heard = next(iter(statistics.subscriptions.values()), statistics.retired)
            print(
                f"bus      {statistics.published:,} published, {heard.handled:,} handled, {heard.failed:,} failed, "
                f"{sum(heard.dropped.values()):,} dropped"
            )
