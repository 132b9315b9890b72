"""Arguments and buses of the commands that use a server."""

import argparse
from datetime import datetime
from typing import Any

from trading.events.cli.arguments import UsageError, moment
from trading.events.factory import AnyEventBus, create_event_bus

_CONNECT_S = 3.0


def server_url(text: str) -> str:
    """A URL with a scheme."""
    if "://" not in text:
        raise argparse.ArgumentTypeError("it is no URL, such as redis://localhost:6379/0")
    return text


def add_server(parser: argparse.ArgumentParser) -> None:
    """Adds how events travel, and under which names."""
    group = parser.add_argument_group("the server", "A URL is redis://user:password@host:port/database, or rediss://.")
    group.add_argument("--mode", choices=("pubsub", "streams"), default="pubsub", help="default: %(default)s")
    group.add_argument(
        "--namespace", default="trading", help="what channels and keys begin with (default: %(default)s)"
    )
    group.add_argument("--group", help="streams: the group to read with")


def add_listening(parser: argparse.ArgumentParser) -> None:
    """Adds what `add_server` adds, and where to begin."""
    add_server(parser)
    parser.add_argument(
        "--start", metavar="TIME", type=_start,
        help="streams: from this ISO 8601 time on (UTC unless it names a zone), or first for all that there is "
        "(default: what comes from now on)",
    )  # fmt: skip


def _start(text: str) -> str | datetime:
    return "beginning" if text in {"first", "0"} else moment(text)


def listening_bus(url: str, args: argparse.Namespace, *, name: str) -> AnyEventBus:
    """The bus that `add_listening` describes. It also hears events that no class here is for.

    Raises:
        UsageError: The URL or the options make no sense.
    """
    if args.start is None:
        return server_bus(url, args, name=name, unknown="deliver")
    if args.mode == "pubsub":
        raise UsageError("--start needs --mode streams: publish/subscribe keeps nothing that could be heard again")
    return server_bus(url, args, name=name, unknown="deliver", start=args.start)


def server_bus(url: str, args: argparse.Namespace, **options: Any) -> AnyEventBus:
    """The bus that `add_server` describes.

    Raises:
        UsageError: The URL or the options make no sense.
    """
    try:
        return create_event_bus(
            url, mode=args.mode, namespace=args.namespace, group=args.group, connect_timeout_s=_CONNECT_S, **options
        )
    except (ValueError, TypeError, ImportError) as wrong:
        raise UsageError(str(wrong)) from None
