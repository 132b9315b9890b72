"""Locations of servers: an address, a cluster, or what sentinels say.

A namespace lives on one node of a cluster, the master of its keys' slot: a bus asks for that master each time it
connects, and so follows a failover, as it follows the sentinels'. Many namespaces spread over the nodes.
"""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

from redis.crc import key_slot
from redis.exceptions import AuthenticationError, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError

Address = tuple[str, int]
Ask = Callable[[Address, tuple[str, ...]], Awaitable[Any]]
"""Asks the server at an address something. Raises a RedisError, an OSError or a TimeoutError where it does not tell."""

_PORTS = {"cluster": 6379, "sentinel": 26379}
_MOST_ADDRESSES = 64


@dataclass(frozen=True, slots=True)
class ServerUrl:
    """The location of a server by its URL."""

    kind: Literal["server", "cluster", "sentinel"]
    url: str
    """For one server, the first that is named, as redis-py reads it."""

    addresses: tuple[Address, ...]
    """Nodes of the cluster, or sentinels."""

    service: str
    """The name of the server at its sentinels."""


def read_url(url: str) -> ServerUrl:
    """Reads what redis-py does not: `redis+cluster://host:port,host:port` and `redis+sentinel://host:port/service`.

    Raises:
        ValueError: An address or the service is missing.
    """
    scheme, _, rest = url.partition("://")
    plain, _, kind = scheme.partition("+")
    if kind not in {"cluster", "sentinel"}:
        return ServerUrl("server", url, (), "")
    netloc, slash, path = rest.partition("/")
    netloc, question, query = netloc.partition("?") if not slash else (netloc, "", "")
    user, at, hosts = netloc.rpartition("@")
    addresses = tuple(_address_of(host, _PORTS[kind]) for host in hosts.split(","))
    service = ""
    if kind == "sentinel":
        service, _, path = path.partition("/")
        if not service:
            raise ValueError("no service")
    first = ":".join(map(str, addresses[0]))
    return ServerUrl(
        "cluster" if kind == "cluster" else "sentinel",
        f"{plain}://{user}{at}{first}{slash}{path}{question}{query}",
        addresses,
        service,
    )


def _address_of(text: str, port: int) -> Address:
    host, colon, number = text.rpartition(":")
    if not colon:
        host, number = text, str(port)
    if not host or not number.isdecimal():
        raise ValueError("no address")
    return host, int(number)


class ClusterLocator:
    """Finds the master of a namespace's slot.

    Args:
        addresses: Some nodes of the cluster; others are learnt.
        namespace: Whose node is looked for.
        ask: How nodes are asked.
    """

    def __init__(self, addresses: tuple[Address, ...], namespace: str, ask: Ask) -> None:
        self._addresses = set(addresses)
        self._slot = key_slot(f"{{{namespace}:0}}".encode())
        self._ask = ask

    async def locate(self) -> Address:
        """Its current address, by the answer of any node.

        Raises:
            redis.exceptions.ConnectionError: No node says so.
        """
        reason: Exception | None = None
        # In no fixed order: one that is cut off from the others may answer, wrongly, again and again.
        for address in random.sample(sorted(self._addresses), len(self._addresses)):
            try:
                ranges = await self._ask(address, ("CLUSTER", "SLOTS"))
            except AuthenticationError:  # a ConnectionError to redis-py; no other node will let this user in
                raise
            except (RedisError, OSError, TimeoutError) as silent:
                reason = silent
                continue
            found = None
            for first, last, *nodes in ranges:
                known = [(node[0].decode() or address[0], int(node[1])) for node in nodes]
                if len(self._addresses) < _MOST_ADDRESSES:
                    self._addresses.update(known)
                if first <= self._slot <= last:
                    found = known[0]
            if found is not None:
                return found
        raise RedisConnectionError(f"no node of the cluster says which one has the namespace{_because(reason)}")


class SentinelLocator:
    """Finds the master that sentinels watch.

    Args:
        addresses: The sentinels.
        service: What they call it.
        ask: How they are asked.
    """

    def __init__(self, addresses: tuple[Address, ...], service: str, ask: Ask) -> None:
        self._addresses = addresses
        self._service = service
        self._ask = ask

    async def locate(self) -> Address:
        """Its current address, by the answer of any sentinel.

        Raises:
            redis.exceptions.ConnectionError: No sentinel says so.
        """
        reason: Exception | None = None
        for address in random.sample(self._addresses, len(self._addresses)):
            try:
                found = await self._ask(address, ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._service))
            except (RedisError, OSError, TimeoutError) as silent:
                reason = silent
                continue
            if found is not None:
                return found[0].decode(), int(found[1])
        raise RedisConnectionError(f"no sentinel knows the service {self._service}{_because(reason)}")


def _because(reason: Exception | None) -> str:
    return "" if reason is None else f": {str(reason) or 'no answer in time'}"
