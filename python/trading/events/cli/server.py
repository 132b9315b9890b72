"""Arguments and buses of the commands that use a server."""

import argparse
from typing import Any

from trading.events.cli.arguments import UsageError
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
