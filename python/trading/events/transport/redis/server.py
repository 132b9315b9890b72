"""RedisServer: a Redis or Valkey server that events can travel over."""

from trading.events.transport.base import BusSide, Transport
from trading.events.transport.options import TransportOptions
from trading.events.transport.redis.connection import REFUSED
from trading.events.transport.redis.connector import Connector
from trading.events.transport.redis.pubsub.transport import PubSubTransport
from trading.events.transport.redis.streams.transport import StreamTransport


class RedisServer:
    """A Redis or Valkey server, cluster, or set of servers behind sentinels.

    Args:
        url: Address, as RedisEventBus takes it.
        options: Options of the bus, its mode among them.
        name: Name of the bus, which the server shows for its connections.

    Raises:
        ValueError: The URL cannot be read, or `shards` is above 1 in a cluster.
    """

    refusals: tuple[type[Exception], ...] = REFUSED

    def __init__(self, url: str, options: TransportOptions, *, name: str) -> None:
        if options.shards > 1 and "+cluster:" in url:
            raise ValueError(f"shards is {options.shards}; in a cluster it is 1: a namespace lives on one node")
        self._options = options
        self._connector = Connector(
            url,
            namespace=options.namespace,
            client_name=name.replace(" ", "-"),
            connect_timeout_s=options.connect_timeout_s,
        )

    @property
    def endpoint(self) -> str:
        """The URL without user, password and options."""
        return self._connector.endpoint

    def transport(self, bus: BusSide) -> Transport:
        """Makes the transport that the options name."""
        make = PubSubTransport if self._options.mode == "pubsub" else StreamTransport
        return make(self._connector, self._options, bus)
