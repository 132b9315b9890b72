"""A cluster, and servers behind sentinels."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import sleep
from typing import Any

from redis import Redis

from tests.support.server.process import Server, free_port

_LAST_PORT = 55_000
"""A node's second port, for the other nodes, is 10,000 above its first."""


def ask(server: Server, *command: str | int) -> Any:
    """Sends a command."""
    with Redis(port=server.port) as client:
        return client.execute_command(*command)


def wait_until(condition: Callable[[], object]) -> None:
    """Waits for other processes, of whose state nobody tells; a test that waits too long is ended by its hang guard."""
    while not condition():
        sleep(0.02)


class Watched:
    """A master and its replica, and three sentinels that watch them."""

    def __init__(self, folder: Path) -> None:
        self.master = Server(folder / "master")
        self.replica = Server(folder / "replica", replicaof=f"127.0.0.1 {self.master.port}")
        self.sentinels = [Server(folder / f"sentinel-{number}") for number in range(3)]

    def start(self) -> "Watched":
        self.master.start()
        self.replica.start()
        wait_until(lambda: ask(self.replica, "ROLE")[3] == b"connected")
        for sentinel in self.sentinels:
            sentinel.folder.mkdir(parents=True)
            path = sentinel.folder / "sentinel.conf"
            path.write_text(
                f"sentinel monitor service 127.0.0.1 {self.master.port} 2\n"
                "sentinel down-after-milliseconds service 500\nsentinel failover-timeout service 3000\n"
            )
            sentinel.files = [str(path), "--sentinel"]
            sentinel.start()
        wait_until(lambda: all(self._knows_all(sentinel) for sentinel in self.sentinels))
        return self

    def _knows_all(self, sentinel: Server) -> bool:
        told = ask(sentinel, "SENTINEL", "MASTER", "service")
        known = told if isinstance(told, dict) else dict(zip(told[::2], told[1::2], strict=True))
        return int(known[b"num-other-sentinels"]) == 2 and int(known[b"num-slaves"]) == 1

    @property
    def url(self) -> str:
        return "redis+sentinel://" + ",".join(f"127.0.0.1:{node.port}" for node in self.sentinels) + "/service/0"

    def kill(self) -> None:
        for node in (self.master, self.replica, *self.sentinels):
            node.kill()


_MASTERS = 3


class Cluster:
    """Three masters, each with a replica, or with none."""

    def __init__(self, folder: Path, *, replicas: int = 1, appendonly: str = "yes") -> None:
        options = {"cluster-enabled": "yes", "cluster-node-timeout": "1000", "appendonly": appendonly}
        self._replicas = replicas
        self.nodes = [Server(folder / f"node-{number}", **options) for number in range(_MASTERS * (1 + replicas))]
        for node in self.nodes:
            while node.port > _LAST_PORT:
                node.port = free_port()

    def start(self) -> "Cluster":
        for node in self.nodes:
            node.start()
        masters, replicas = self.nodes[:_MASTERS], self.nodes[_MASTERS:]
        for number, master in enumerate(masters):
            ask(master, "CLUSTER", "ADDSLOTSRANGE", number * 5462, min(16383, number * 5462 + 5461))
        wait_until(self._have_met)
        for master, replica in zip(masters * self._replicas, replicas, strict=True):
            name = ask(master, "CLUSTER", "MYID").decode()
            wait_until(partial(self._follows, replica, name))
        wait_until(lambda: all(b"cluster_state:ok" in ask(node, "CLUSTER", "INFO") for node in self.nodes))
        wait_until(
            lambda: all(ask(master, "INFO", "replication")["connected_slaves"] == self._replicas for master in masters)
        )
        return self

    def _have_met(self) -> bool:
        """Introduces those to the first whom it does not know: it forgets an introduction that is not answered soon."""
        known = self._known_to(self.nodes[0])
        for node in self.nodes:
            if ask(node, "CLUSTER", "MYID") not in known:
                ask(self.nodes[0], "CLUSTER", "MEET", "127.0.0.1", node.port)
        return all(len(self._known_to(node)) == len(self.nodes) for node in self.nodes)

    def _known_to(self, node: Server) -> set[bytes]:
        rows = [row.split() for row in ask(node, "CLUSTER", "NODES").splitlines()]
        return {row[0] for row in rows if b"handshake" not in row[2]}

    def _follows(self, replica: Server, name: str) -> bool:
        try:
            ask(replica, "CLUSTER", "REPLICATE", name)
        except Exception:  # noqa: BLE001 - it has not heard of the master yet
            return False
        return True

    @property
    def url(self) -> str:
        return "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes[:4])

    def master_of(self, namespace: str) -> Server:
        """The node that a namespace lives on now."""
        for node in self.nodes:
            if node.is_running and ask(node, "ROLE")[0] == b"master":
                slot = ask(node, "CLUSTER", "KEYSLOT", f"{{{namespace}:0}}")
                for first, last, master, *_ in ask(node, "CLUSTER", "SLOTS"):
                    if first <= slot <= last and master[1] == node.port:
                        return node
        raise LookupError(namespace)

    def kill(self) -> None:
        for node in self.nodes:
            node.kill()
