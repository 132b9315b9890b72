"""Options of buses over a server."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Mode = Literal["pubsub", "streams"]
"""`pubsub`: at most once, every gap told of. `streams`: what `publish` has returned for is kept until it is handled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportOptions:
    """Options of a bus over a server, checked when they are made.

    Raises:
        ValueError: A value makes no sense; the message names it.
    """

    mode: Mode = "pubsub"
    """How events travel."""

    namespace: str = "trading"
    """What all channels and keys begin with: buses hear those of their own namespace."""

    connect_timeout_s: float = 5.0
    """How long making a connection may take; how long the first may take with its repeats."""

    reply_timeout_s: float = 5.0
    """A server that does not answer for so long is taken for lost. What reads a stream notices a dead line after this
    and a second more; what only sends, so long after its next event, or twice as long with `min_replicas`."""

    ping_interval_s: float = 5.0
    """In pub/sub, how often a connection that only listens is pinged: it is lost when nothing came for one to two of
    these."""

    shards: int = 1
    """Streams: over how many keys events are spread, by exchange and symbol. The same for all buses of a namespace."""

    group: str | None = None
    """Streams: buses of one group share the events, and go on where they stopped. None: each hears all."""

    consumer: str | None = None
    """Streams: this member's name in its group, by default a new one. Who keeps a name gets its own pending events."""

    start: str | datetime = "new"
    """Streams: where to begin without a group, or with a new one: `new`, `beginning`, an entry's id, or a time."""

    unknown: Literal["skip", "deliver"] = "skip"
    """What to do with events of types that no class here is for: `skip`, which is counted and reported, or `deliver`
    them to the subscriptions whose patterns they match, as UnknownEvents, such as a recorder stores as they are."""

    min_replicas: int = 0
    """Streams: how many replicas must have an event before its publish returns."""

    max_in_flight: int = 10_000
    """Streams: how many events may be read and not handled; the rest stays at the server. Some 20 MB of ticks. Without
    a group an event counts once for each subscription that has it."""

    max_attempts: int = 3
    """Streams with a group: how often a failing handler is tried before the event goes to the dead letters."""

    retry_delay_s: float = 0.1
    """Streams with a group: the pause before the second try; it doubles each time, up to 10 s."""

    max_deliveries: int = 16
    """Streams with a group: how often an entry is given to members that do not live to acknowledge it. One more, and
    all its events go to the dead letters, handled or not: something in it may end whoever handles it."""

    claim_idle_s: float = 30.0
    """Streams with a group: what a member has not acknowledged or refreshed for so long, another one takes over. It
    looks for that three times as often, and so notices a dead line after a third of this and `reply_timeout_s`."""

    trim_interval_s: float = 60.0
    """Streams with a group: how often what every group has acknowledged is removed."""

    max_stream_entries: int = 0
    """Streams: a hard limit for each shard, 0 for none. With each append, a bus that has it removes the oldest entries
    beyond it, acknowledged or not; with a group also every `trim_interval_s`. What a group may not have acknowledged is
    reported. An entry holds the events that were published together."""

    def __post_init__(self) -> None:
        if self.mode not in {"pubsub", "streams"}:
            raise ValueError(f"mode is {self.mode!r}; it is 'pubsub' or 'streams'")
        if not self.namespace or any(letter in "{}*?[]\\ " for letter in self.namespace):
            raise ValueError(f"namespace is {self.namespace!r}; it is not empty, without spaces, braces and wildcards")
        if self.unknown not in {"skip", "deliver"}:
            raise ValueError(f"unknown is {self.unknown!r}; it is 'skip' or 'deliver'")
        if self.mode == "pubsub" and self.group is not None:
            raise ValueError(f"group is {self.group!r}; only streams know groups: mode='streams'")
        for name in ("min_replicas", "max_stream_entries", "retry_delay_s"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 0")
        for name in ("shards", "max_in_flight", "max_attempts", "max_deliveries"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")
        for name in ("connect_timeout_s", "reply_timeout_s", "ping_interval_s", "claim_idle_s", "trim_interval_s"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be above 0")
