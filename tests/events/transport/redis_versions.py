"""redis-py as it is, and as another release of it may be."""

from typing import Any

import pytest
from redis.asyncio.connection import ConnectionPool


class PublicConnection:
    """redis-py's connection, without a name that it may change without notice."""

    def __init__(self, connection: Any) -> None:
        self.public = connection

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.public, name)


def keep_private_names_private(patch: pytest.MonkeyPatch) -> None:
    """Makes redis-py one that has none of the private names that a direct connection needs."""
    make: Any = ConnectionPool.make_connection
    patch.setattr(ConnectionPool, "make_connection", lambda pool: PublicConnection(make(pool)))
