"""What buses over a server are told about it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportOptions:
    """How a bus uses its server."""

    name: str
    """The bus's name."""

    namespace: str
    """What stands before every channel and key."""

    connect_timeout_s: float
    """How long making a connection may take, the first one with its repeats."""

    reply_timeout_s: float
    """A server that does not answer for so long is taken for lost."""

    ping_interval_s: float
    """A connection that only listens is pinged so often, and taken for lost when nothing came for two of these."""
