"""`trading-events tail`: what others publish, as it comes."""

import argparse
import asyncio

from trading.events.base import BaseEvent
from trading.events.cli.arguments import count
from trading.events.cli.formats import printable_json
from trading.events.cli.server import add_listening, listening_bus, server_url
from trading.events.cli.signals import run_until_signal
from trading.events.factory import AnyEventBus

NAME = "tail"
SUMMARY = "show what is published on a server, as it comes"
DESCRIPTION = """\
Show events that are published on a Redis or Valkey server, one JSON object a line, until Ctrl-C or, with --count, until
so many were shown. What an event of a type that no class here is for says is shown as it came."""
EXAMPLES = """\
examples:
  trading-events tail redis://localhost:6379 tick
  trading-events tail redis://localhost:6379 "events.*.binance.BTC*" --count 10
  trading-events tail redis://localhost:6379 --mode streams --start 2024-01-01T09:30
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.add_argument("url", metavar="URL", type=server_url, help="the server")
    parser.add_argument("pattern", metavar="PATTERN", nargs="?", default="*", help="which events (default: all)")
    parser.add_argument("--count", metavar="N", type=count, default=0, help="end after so many (default: never)")
    add_listening(parser)


def run(args: argparse.Namespace) -> int:
    """Runs the command and returns its exit code.

    Raises:
        PatternError: The pattern is none.
        ServerError: The server cannot be used.
        UsageError: The arguments do not go together.
    """
    run_until_signal(_tail(listening_bus(args.url, args, name="tail"), args))
    return 0


async def _tail(bus: AnyEventBus, args: argparse.Namespace) -> None:
    shown = 0
    enough = asyncio.get_running_loop().create_future()

    def show(event: BaseEvent) -> None:
        nonlocal shown
        if enough.done():
            return
        try:
            print(printable_json(event.model_dump_json()), flush=True)
        except OSError as nobody_reads:
            enough.set_exception(nobody_reads)
            return
        shown += 1
        if shown == args.count:
            enough.set_result(None)

    async with bus:
        await bus.subscribe(args.pattern, show, name="tail")
        await enough
