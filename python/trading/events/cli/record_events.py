"""`trading-events record`: what others publish, into a store."""

import argparse
import asyncio
import signal
from pathlib import Path

from trading.events.base import BaseEvent
from trading.events.cli.arguments import DEFAULT_STORE, count
from trading.events.cli.formats import counted
from trading.events.cli.server import add_server, server_bus, server_url
from trading.events.memory_bus import InMemoryEventBus
from trading.events.persistence import ParquetEventWriter

NAME = "record"
SUMMARY = "record what is published on a server into a store"
DESCRIPTION = """\
Record every event that is published on a Redis or Valkey server, until Ctrl-C or, with --count, until so many were
recorded."""
EXAMPLES = """\
examples:
  trading-events record redis://localhost:6379 data/events
  trading-events record redis://localhost:6379 --pattern tick --mode streams --group recorder
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
    add_server(parser)


def run(args: argparse.Namespace) -> int:
    """Runs the command and returns its exit code.

    Raises:
        StoreError: The store cannot be written.
        ServerError: The server cannot be used.
        UsageError: The arguments do not go together.
    """
    recorded = asyncio.run(_record(server_bus(args.url, args, name="record"), args))
    print(f"recorded {counted(recorded, 'event')} into {args.store}")
    return 0


async def _record(bus: InMemoryEventBus, args: argparse.Namespace) -> int:
    recorded = 0
    enough = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, enough.set)
    async with ParquetEventWriter(args.store) as writer:

        async def keep(event: BaseEvent) -> None:
            nonlocal recorded
            if args.count and recorded >= args.count:
                return
            await writer.write_event(event)
            recorded += 1
            if recorded == args.count:
                enough.set()

        async with bus:
            await bus.subscribe(args.pattern, keep, name="recorder")
            print(f"recording {args.pattern} into {args.store}; Ctrl-C ends", flush=True)
            await enough.wait()
    return recorded
