"""Counts of a bus, as frozen records.

`later - earlier` of two BusStatistics is what happened in between. `print` shows a table, and `to_dict` gives what JSON
takes.
"""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Self

_Times = tuple[int, int, int, int, int, Iterable[tuple[int, int]]]
_Row = tuple[str, str, str, Mapping[str, Any], int, int, int, tuple[_Times, _Times] | None]


class _Record:
    """A record whose mappings are read-only, and which can be pickled all the same."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """All that it says, as dictionaries, lists and numbers: what JSON takes."""
        return {name: _to_plain(value) for name, value in self._values().items()}

    def _values(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - each is a dataclass

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[type[Self], dict[str, Any]]]:
        return _restore, (type(self), {name: _to_mutable(value) for name, value in self._values().items()})


def _to_mutable(value: Any) -> Any:
    return value.copy() if isinstance(value, MappingProxyType) else value  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - of whatever it holds


def _to_plain(value: Any) -> Any:
    if isinstance(value, _Record):
        return value.to_dict()
    if isinstance(value, Mapping):
        return {name: _to_plain(each) for name, each in value.items()}  # pyright: ignore[reportUnknownVariableType] - as above
    return [list(each) for each in value] if isinstance(value, tuple) else value  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - as above


def _restore(cls: Callable[..., Any], values: dict[str, Any]) -> Any:
    return cls(**{name: _to_frozen(value) for name, value in values.items()})


def _to_frozen(value: Any) -> Any:
    return MappingProxyType(value) if isinstance(value, dict) else value  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] - as above


@dataclass(frozen=True, slots=True)
class Gap(_Record):
    """Events that a subscription has lost since it was last told."""

    count: int
    """Number of lost events, by whatever overflow policy."""

    topics: Mapping[str, int]
    """Numbers by topic, for the first 1,024 topics that lost any."""


@dataclass(frozen=True, slots=True)
class Durations(_Record):
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
    """The longest, in nanoseconds: exactly, but for a difference, where it is that of its bucket."""

    buckets: tuple[tuple[int, int], ...] = dataclasses.field(default=(), repr=False, compare=False)
    """The histogram: the longest duration of each bucket in use, in nanoseconds, and how many it counts."""

    def __sub__(self, earlier: "Durations") -> "Durations":
        """The distribution over the events that were timed since an earlier one of the same."""
        before = dict(earlier.buckets)
        left = [(upper_ns, count - before.get(upper_ns, 0)) for upper_ns, count in self.buckets]
        buckets = tuple((upper_ns, count) for upper_ns, count in left if count > 0)
        p50, p99, p999, longest = (min(_per_mille_ns(buckets, share), self.max_ns) for share in (500, 990, 999, 1000))
        return Durations(sum(count for _, count in buckets), p50, p99, p999, longest, buckets)


def _per_mille_ns(buckets: tuple[tuple[int, int], ...], per_mille: int) -> int:
    """The duration that so many per mille do not exceed; 0 if there are none."""
    rank = max(-(-sum(count for _, count in buckets) * per_mille // 1000), 1)
    for upper_ns, count in buckets:
        rank -= count
        if rank <= 0:
            return upper_ns
    return 0


@dataclass(frozen=True, slots=True)
class SubscriptionStatistics(_Record):
    """The counts of one subscription.

    At every moment `accepted == handled + failed + sum(dropped.values()) + waiting`.
    """

    sid: str
    """Id that `subscribe` returned; empty in the sum over ended subscriptions."""

    name: str
    """The name it was given, or else that of its handler."""

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

    def __sub__(self, earlier: "SubscriptionStatistics") -> "SubscriptionStatistics":
        """What happened since; what waits, is queued, and the high water are those of the later moment."""
        counted = ("accepted", "handled", "failed", "over_capacity", "filter_failures")
        counts: dict[str, Any] = {name: getattr(self, name) - getattr(earlier, name) for name in counted}
        dropped = {reason: count - earlier.dropped.get(reason, 0) for reason, count in self.dropped.items()}
        for name in ("latency", "handling"):
            mine, before = getattr(self, name), getattr(earlier, name)
            counts[name] = mine if mine is None or before is None else mine - before
        return dataclasses.replace(self, dropped=MappingProxyType(dropped), **counts)


@dataclass(frozen=True, slots=True)
class BusStatistics(_Record):
    """The counts of a bus."""

    published: int
    """Events accepted, each once, however many subscriptions heard it."""

    unrouted: int
    """Those of them that no subscription heard."""

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

    def __sub__(self, earlier: "BusStatistics") -> "BusStatistics":
        """What happened since an earlier moment of the same bus: counts and histograms of that time alone.

        What waits, is queued, and the high water are those of the later moment.
        """
        subscriptions = {
            sid: account - earlier.subscriptions[sid] if sid in earlier.subscriptions else account
            for sid, account in self.subscriptions.items()
        }
        retired = self.retired - earlier.retired
        for sid, account in earlier.subscriptions.items():
            if sid not in self.subscriptions:  # it has ended since, and all it ever counted is in `retired`
                retired -= account
        return dataclasses.replace(
            self,
            published=self.published - earlier.published,
            unrouted=self.unrouted - earlier.unrouted,
            abandoned=self.abandoned - earlier.abandoned,
            subscriptions=MappingProxyType(subscriptions),
            retired=retired,
        )

    def __str__(self) -> str:
        """A table of at most 80 columns: the totals, and a line for each subscription, with its 99th percentiles."""
        totals = ("published", "unrouted", "abandoned", "waiting", "publishers_waiting")
        line = "  ".join(f"{name.replace('_', ' ')} {_short(getattr(self, name))}" for name in totals)
        rows = [_row(account.name, account) for account in self.subscriptions.values()]
        if self.retired.accepted:
            rows.append(_row("(ended)", self.retired))
        return "\n".join([line, *(_aligned([_HEADER, *rows]) if rows else [])])


_WIDTH = 80
_HEADER = ("subscription", "accepted", "handled", "failed", "dropped", "waiting", "latency", "handling")


def _row(name: str, account: SubscriptionStatistics) -> tuple[str, ...]:
    counts = (account.accepted, account.handled, account.failed, sum(account.dropped.values()), account.waiting)
    times = (_p99(account.latency), _p99(account.handling))
    return ("".join(each if each.isprintable() else "?" for each in name), *map(_short, counts), *times)


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    """Lines of at most 80 columns: the first column to the left, its end kept where it is too long."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    first = min(widths[0], _WIDTH - sum(widths[1:]) - 2 * len(widths[1:]))
    return ["  ".join([_clipped(name, first), *map(str.rjust, cells, widths[1:])]) for name, *cells in rows]


def _clipped(name: str, width: int) -> str:
    return (name if len(name) <= width else f"…{name[1 - width :]}").ljust(width)


def _short(count: int) -> str:
    """A number in at most seven characters, as long as it is below 10**15."""
    for size, unit in ((10**12, "T"), (10**9, "G"), (10**6, "M")):
        if count >= size:
            return f"{count / size:.1f}{unit}"
    return f"{count:,}"


def _p99(durations: Durations | None) -> str:
    if durations is None or not durations.count:
        return "-"
    for size, unit in ((10**9, "s"), (10**6, "ms"), (10**3, "us")):
        if durations.p99_ns >= size:
            return f"{durations.p99_ns / size:.1f} {unit}"
    return f"{durations.p99_ns} ns"


def _durations(times: _Times) -> Durations:
    count, p50, p99, p999, longest, buckets = times
    return Durations(count, p50, p99, p999, longest, tuple(buckets))


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
            latency=None if times is None else _durations(times[0]),
            handling=None if times is None else _durations(times[1]),
            **counts,
        )
        for sid, name, pattern, counts, queued, waiting, high_water, times in rows
    }
    ended = SubscriptionStatistics(sid="", name="", pattern="", queued=0, high_water=0, **retired)
    return BusStatistics(**totals, subscriptions=MappingProxyType(subscriptions), retired=ended)
