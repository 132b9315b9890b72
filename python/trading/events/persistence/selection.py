"""Which recorded events are meant: a range of time, and some event types, exchanges and symbols."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from trading.events import _core
from trading.events.base import BaseEvent, event_classes
from trading.events.persistence.columns import to_micros
from trading.events.persistence.layout import PartName, spell_event_type, spell_exchange, spell_symbol
from trading.events.persistence.stored_schema import FileTopic

EventTypes = str | type[BaseEvent] | Iterable[str | type[BaseEvent]]
"""Event types by name or class, one or several. A class stands for all its subclasses too."""

Names = str | Iterable[str]
"""One name, or several."""

_EPOCH = date(1970, 1, 1)
_DAY_MICROS = 86_400_000_000


def day_span(day: date) -> tuple[int, int]:
    """First and last microsecond of a day, since 1970."""
    start = (day - _EPOCH).days * _DAY_MICROS
    return start, start + _DAY_MICROS - 1


@dataclass(frozen=True, slots=True)
class _Choice:
    """Some names; None stands for all."""

    names: frozenset[str] | None
    spellings: frozenset[str] | None

    def has(self, name: str | None) -> bool:
        return self.names is None or name in self.names

    def has_spelling(self, spelling: str) -> bool:
        return self.spellings is None or spelling in self.spellings


@dataclass(frozen=True, slots=True)
class Selection:
    """What a reader is asked for; `select` makes it.

    Attributes:
        start: First moment, in microseconds since 1970, or None for all that was ever.
        end: First moment that is too late, or None for all that will ever be.
    """

    start: int | None
    end: int | None
    event_types: _Choice
    exchanges: _Choice
    symbols: _Choice

    def overlaps(self, first: int, last: int) -> bool:
        """Whether a moment from `first` to `last` may be in the range."""
        return (self.start is None or last >= self.start) and (self.end is None or first < self.end)

    def covers(self, first: int, last: int) -> bool:
        """Whether every moment from `first` to `last` is in the range."""
        return (self.start is None or first >= self.start) and (self.end is None or last < self.end)

    def wants_file(self, name: PartName | None) -> bool:
        """Whether a file of this name may hold such events. One with a strange name may, until it is opened."""
        return name is None or (
            self.event_types.has_spelling(name.event_type)
            and self.exchanges.has_spelling(name.exchange)
            and self.symbols.has_spelling(name.symbol)
        )

    def wants_topic(self, topic: FileTopic) -> bool:
        """Whether events of this topic are meant."""
        return (
            self.event_types.has(topic.event_type)
            and self.exchanges.has(topic.exchange)
            and self.symbols.has(topic.symbol)
        )


def select(
    start: datetime | None,
    end: datetime | None,
    *,
    event_type: EventTypes | None,
    exchange: Names | None,
    symbol: Names | None,
) -> Selection:
    """A selection, from what a reader's methods take.

    Raises:
        TypeError: An argument is of another type.
        ValueError: A text cannot be an event type.
    """
    return Selection(
        _micros("start", start),
        _micros("end", end),
        _choose(None if event_type is None else _event_types(event_type), spell_event_type),
        _choose(None if exchange is None else _names("exchange", exchange), spell_exchange),
        _choose(None if symbol is None else _names("symbol", symbol), spell_symbol),
    )


def _choose(names: frozenset[str] | None, spell: Callable[[str], str]) -> _Choice:
    return _Choice(names, None if names is None else frozenset(map(spell, names)))


def _micros(name: str, moment: datetime | None) -> int | None:
    if moment is None:
        return None
    if not isinstance(moment, datetime):
        raise TypeError(f"{name} must be a datetime, not {moment!r}")
    return to_micros(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _names(what: str, names: Names) -> frozenset[str]:
    several = [names] if isinstance(names, str) or not isinstance(names, Iterable) else list(names)
    for name in several:
        if not isinstance(name, str):
            raise TypeError(f"{what} must be a text, or several, not {name!r}")
    return frozenset(several)


def _event_types(event_types: EventTypes) -> frozenset[str] | None:
    several = (
        list(event_types) if isinstance(event_types, Iterable) and not isinstance(event_types, str) else [event_types]
    )
    if BaseEvent in several:
        return None
    found: set[str] = set()
    for each in several:
        if isinstance(each, str):
            found.add(_core.check_event_type(each))
        elif isinstance(each, type) and issubclass(each, BaseEvent):
            found.update(cls.model_fields["event_type"].default for cls in event_classes() if issubclass(cls, each))
        else:
            raise TypeError(f"event_type must be a text or an event class, or several, not {each!r}")
    return frozenset(found)
