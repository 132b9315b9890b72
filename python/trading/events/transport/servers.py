"""Servers by their URLs. The folder of a transport, and its client library, is imported when a bus first needs it."""

from trading.events.transport.base import Server
from trading.events.transport.options import TransportOptions


def server_of(url: str, options: TransportOptions, *, name: str) -> Server:
    """The server that a URL names.

    Args:
        url: Address, as the bus takes it.
        options: Options of the bus.
        name: Name of the bus.

    Raises:
        ImportError: The extra with the client library is not installed.
        ValueError: The URL cannot be read, or an option does not fit the server.
    """
    from trading.events.transport.redis.server import RedisServer  # noqa: PLC0415 - needs the extra `redis`

    return RedisServer(url, options, name=name)
