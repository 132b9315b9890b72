"""Transports over a Redis or Valkey server. Nothing else imports redis-py."""

from importlib.util import find_spec


def _has_redis() -> bool:
    try:
        return find_spec("redis.asyncio") is not None
    except (ImportError, ValueError):
        return False


if not _has_redis():
    raise ImportError("a bus over a server needs the package redis: pip install 'trading-events[redis]'", name="redis")
