"""RedisEventBus: one bus for many processes and machines, over a Redis or Valkey server."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from trading.events.bus import DEFAULT_CAPACITY, GapCallback, HandlerFailure, Overflow
from trading.events.transport.options import Mode, TransportOptions
from trading.events.transport.sending_bus import SendingBus
from trading.events.transport.sequences import Missed
from trading.events.transport.servers import server_of


class RedisEventBus(SendingBus):
    """An event bus over a Redis or Valkey server.

    `trading.events.bus` says what every bus promises. What this one promises less, and more, stands in the table of
    guarantees in docs/concepts/delivery.md.

        async with RedisEventBus("redis://localhost:6379/0") as bus:
            await bus.subscribe("tick", handle)
            await bus.publish(tick)

    What is published goes to the server, and from there to every bus of the namespace that hears it, this one included.

    `mode="pubsub"`: at most once. `publish` returns when the event stands in the outbox, `subscribe` when the
    server has confirmed. Events are numbered, so that what a lost connection cost is told of: as a ConnectionEvent
    with `missed_count`, and to `on_missed`. A queue that is full under `block` or `raise` drops the newest: no
    publisher can be told to wait.

    `mode="streams"`: `publish` returns when the server has the event. What it returned for is not lost by a restart
    of a server that syncs each write, nor by a failover with `min_replicas`, and is not doubled by a reply that was
    lost. Without a group each bus reads all from `start` on. The buses of a `group` share the events; one is
    acknowledged when every handler of it has ended, and delivered again, with `is_redelivered()`, only if its
    consumer died or was taken over from before that. A handler that keeps failing is tried again in place, then its
    event goes to the dead letters. A subscription whose policy drops events holds no acknowledgement back. A bus
    with a group begins to read when its first subscription stands; those that belong together are best made with
    `on`, before the bus is entered.

    ErrorEvents and ConnectionEvents of a bus are for its own subscribers, and do not travel.

    Args:
        url: `redis://user:password@host:port/database`, `rediss://` with TLS, or `unix://`. In a cluster
            `redis+cluster://user:password@host:port,host:port`, with any of its nodes, behind sentinels
            `redis+sentinel://user:password@host:port,host:port/service/database`; also with `rediss+`.
        mode: How events travel.
        namespace: What all channels and keys begin with: buses hear those of their own namespace.
        name: Shown in logs and as the `component` of events.
        on_error: As in InMemoryEventBus.
        on_missed: Called with a Missed for every gap in what others have published.
        time_one_in: As in InMemoryEventBus.
        slow_handler_s: As in InMemoryEventBus.
        outbox_capacity: How many events may wait for the server.
        outbox_overflow: What a full outbox does with one more, as a subscription does; in streams `block` or `raise`.
        on_outbox_gap: Called with a Gap when the outbox has dropped events.
        close_timeout_s: As in InMemoryEventBus.
        strict_topics: As in InMemoryEventBus.
        options: The rest of TransportOptions, by name.

    Raises:
        ValueError: The URL cannot be read, or an option makes no sense.
    """

    def __init__(
        self,
        url: str,
        *,
        mode: Mode = "pubsub",
        namespace: str = "trading",
        group: str | None = None,
        start: str | datetime = "new",
        name: str = "event-bus",
        on_error: Callable[[HandlerFailure], object] | None = None,
        on_missed: Callable[[Missed], object] | None = None,
        time_one_in: int = 64,
        slow_handler_s: float | None = None,
        outbox_capacity: int = DEFAULT_CAPACITY,
        outbox_overflow: Overflow = "block",
        on_outbox_gap: GapCallback | None = None,
        close_timeout_s: float | None = None,
        strict_topics: bool = False,
        **options: Any,
    ) -> None:
        if mode == "streams" and outbox_overflow not in {"block", "raise"}:
            raise ValueError(f"outbox_overflow is {outbox_overflow!r}; in streams it is 'block' or 'raise'")
        chosen = TransportOptions(mode=mode, namespace=namespace, group=group, start=start, **options)
        super().__init__(
            server_of(url, chosen, name=name),
            chosen,
            name=name,
            on_error=on_error,
            on_missed=on_missed,
            time_one_in=time_one_in,
            slow_handler_s=slow_handler_s,
            outbox_capacity=outbox_capacity,
            outbox_overflow=outbox_overflow,
            on_outbox_gap=on_outbox_gap,
            close_timeout_s=close_timeout_s,
            strict_topics=strict_topics,
        )
