"""Counts of a bus, as frozen records."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

_Times = tuple[int, int, int, int, int]
_Row = tuple[str, str, str, Mapping[str, Any], int, int, int, tuple[_Times, _Times] | None]


@dataclass(frozen=True, slots=True)
class Gap:
    """Events that a subscription has lost since it was last told."""

    count: int
    """Number of lost events, by whatever overflow policy."""

    topics: Mapping[str, int]
    """Numbers by topic, for the first 1,024 topics that lost any."""


@dataclass(frozen=True, slots=True)
class Durations:
    """Distribution of a duration over the events that were timed. Read from a histogram: at most 3.2 % too high."""

    count: int
    """Number of events that were timed; the rest is 0 if this is."""

    p50_ns: int
    """Half took no longer, in nanoseconds."""

    p99_ns: int
    """99 % took no longer, in nanoseconds."""

    p999_ns: int
    """99.9 % took no longer, in nanoseconds."""

    max_ns: int
    """The longest, exactly, in nanoseconds."""


@dataclass(frozen=True, slots=True)
class SubscriptionStatistics:
    """The counts of one subscription.

    At every moment `accepted == handled + failed + sum(dropped.values()) + waiting`.
    """

    sid: str
    """Id that `subscribe` returned; empty in the sum over ended subscriptions."""

    name: str
    """The name it was given, or else its sid."""

    pattern: str
    """Events that it hears: a pattern with its shorthands written out, or the name of a class."""

    accepted: int
    """Events whose publisher was told that they are accepted."""

    handled: int
    """Events whose handler has returned."""

    failed: int
    """Events whose handler has raised."""

    dropped: Mapping[str, int]
    """Events that were never handled, by reason: `drop_oldest`, `drop_newest`, `conflate`, `unsubscribed`, `closed`
    (they waited when `aclose` ran out of time), `cancelled` (their handler's task was)."""

    waiting: int
    """Events accepted and not ended: those in the queue, and the one in its handler."""

    queued: int
    """Events in the queue; this is what `capacity` bounds."""

    high_water: int
    """The most events that were ever in the queue at once."""

    over_capacity: int
    """Events that handlers' own publishes have put into the queue beyond its capacity."""

    filter_failures: int
    """Events on which the filter has raised; they were not accepted here."""

    latency: Durations | None = None
    """From acceptance to the handler's first line, of one in `time_one_in` events; None if none are timed."""

    handling: Durations | None = None
    """From the handler's first line to its last, suspensions included, of the same events."""


@dataclass(frozen=True, slots=True)
class BusStatistics:
    """The counts of a bus."""

    published: int
    """Events accepted, each once, however many subscriptions heard it."""

    unrouted: int
    """The published events that no subscription received."""

    abandoned: int
    """Publishes that would have had to wait and were dropped without being awaited; they have reached nobody."""

    waiting: int
    """Events accepted and not ended, once for each subscription they wait for."""

    publishers_waiting: int
    """Publishers that wait for room now."""

    subscriptions: Mapping[str, SubscriptionStatistics]
    """The subscriptions that stand, by sid."""

    retired: SubscriptionStatistics
    """The sum over the subscriptions that have ended."""


def statistics_of(totals: Mapping[str, int], retired: Mapping[str, Any], rows: Iterable[_Row]) -> BusStatistics:
    """Native counts of a bus as records: its totals, the sum over ended subscriptions, each that stands."""
    subscriptions = {
        sid: SubscriptionStatistics(
            sid=sid,
            name=name,
            pattern=pattern,
            waiting=waiting,
            queued=queued,
            high_water=high_water,
            latency=None if times is None else Durations(*times[0]),
            handling=None if times is None else Durations(*times[1]),
            **counts,
        )
        for sid, name, pattern, counts, queued, waiting, high_water, times in rows
    }
    ended = SubscriptionStatistics(sid="", name="", pattern="", queued=0, high_water=0, **retired)
    return BusStatistics(**totals, subscriptions=MappingProxyType(subscriptions), retired=ended)
