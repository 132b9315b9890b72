"""`trading-events record`: what others publish, into a store."""

import argparse
import asyncio
import sys
from collections import Counter
from pathlib import Path

from trading.events.base import BaseEvent
from trading.events.cli.arguments import DEFAULT_STORE, count
from trading.events.cli.formats import counted
from trading.events.cli.server import add_listening, listening_bus, server_url
from trading.events.cli.signals import run_until_signal
from trading.events.factory import AnyEventBus
from trading.events.persistence import ParquetEventWriter
from trading.events.unknown import UnknownEvent

NAME = "record"
SUMMARY = "record what is published on a server into a store"
DESCRIPTION = """\
Record every event that is published on a Redis or Valkey server, until Ctrl-C or, with --count, until so many were
recorded. Events of types that no class here is for are recorded as they came; whoever has their class reads them."""
EXAMPLES = """\
examples:
  trading-events record redis://localhost:6379 data/events
  trading-events record redis://localhost:6379 --pattern tick --mode streams --group recorder
  trading-events record redis://localhost:6379 --mode streams --start first --import my_strategy.events
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.add_argument("url", metavar="URL", type=server_url, help="the server")
    parser.add_argument(
        "store", metavar="STORE", type=Path, nargs="?", default=DEFAULT_STORE,
        help="folder of the store (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--pattern", default="*", help="which events, such as tick or events.*.binance (default: all)")
    parser.add_argument("--count", metavar="N", type=count, default=0, help="end after so many (default: never)")
    add_listening(parser)


def run(args: argparse.Namespace) -> int:
    """Runs the command and returns its exit code.

    Raises:
        StoreError: The store cannot be written.
        ServerError: The server cannot be used.
        UsageError: The arguments do not go together.
    """
    recording = _Recording(args)
    try:
        run_until_signal(recording.run(listening_bus(args.url, args, name="record")))
    finally:
        if recording.has_begun:
            print(f"recorded {counted(recording.count, 'event')} into {args.store}")
            recording.tell_of_unknown()
    return 0


class _Recording:
    """Events on their way into a store, and how many have come so far."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.has_begun = False
        self.count = 0
        self._unknown = Counter[str]()
        self._args = args
        self._enough = asyncio.Event()

    async def run(self, bus: AnyEventBus) -> None:
        """Records until there are enough, or the user ends it; what has come by then is in the store."""
        async with ParquetEventWriter(self._args.store) as writer:

            async def keep(event: BaseEvent) -> None:
                if not self._enough.is_set():
                    await writer.write_event(event)
                    self.count += 1
                    if isinstance(event, UnknownEvent):
                        self._unknown[event.event_type] += 1
                    if self.count == self._args.count:
                        self._enough.set()

            async with bus:
                await bus.subscribe(self._args.pattern, keep, name="recorder")
                self.has_begun = True
                print(f"recording {self._args.pattern} into {self._args.store}; Ctrl-C ends", flush=True)
                await self._enough.wait()

    def tell_of_unknown(self) -> None:
        """Says which events no class here is for."""
        if self._unknown:
            types = ", ".join(f"{event_type} ({count:,})" for event_type, count in self._unknown.most_common())
            total = counted(self._unknown.total(), "event")
            print(
                f"trading-events: {total} of types that no class here is for, recorded as they came: {types}; "
                f"--import the module that defines them to read them",
                file=sys.stderr,
            )
