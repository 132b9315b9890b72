"""Selections of recorded events: by a range of time, by event types, exchanges and symbols, and by a filter."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, Literal, TypedDict, get_args

from trading.events import _core
from trading.events._codec.micros import to_micros
from trading.events._models.event_kinds import is_of_kind
from trading.events.base import BaseEvent, event_class, event_classes
from trading.events.errors import HandlerTypeError
from trading.events.persistence.names import PartName
from trading.events.persistence.topic_choice import TopicChoice
from trading.events.persistence.topics import Topic
from trading.events.unknown import UnknownEvent

EventTypes = str | type[BaseEvent] | Iterable[str | type[BaseEvent]]
"""Event types by pattern or class, one or several. A class stands for all its subclasses too."""

Names = str | Iterable[str]
"""One name, in which `*` and `?` are wildcards, or several."""

OnInvalid = Literal["raise", "skip"]
"""The handling of stored events that their class refuses: raise after all others have been read, or leave them out."""

OnUnknown = Literal["raise", "mapping"]
"""The handling of events of types that no class here is for: raise after all others are read, or give mappings."""

_EPOCH = date(1970, 1, 1)
_DAY_MICROS = 86_400_000_000


class TypeCriterion(TypedDict, total=False):
    """The criterion that type checkers take the class of the answer from."""

    event_type: EventTypes | None
    """A pattern as `subscribe` takes it, an event class, or several."""


class OtherCriteria(TypedDict, total=False):
    """The criteria beside the event type. A criterion that is left out, or None, selects all."""

    exchange: Names | None
    """An exchange, or several; `*` and `?` are wildcards."""

    symbol: Names | None
    """A symbol, or several; `*` and `?` are wildcards."""

    filter: Callable[[Any], object] | None
    """Any filter that `subscribe` takes."""

    invalid: OnInvalid
    """The handling of events that their class refuses as it is here, because a constraint was tightened, say. `raise`,
    the default: a StoredEventError names them, after all others have been given. `skip`: they are left out, and their
    number is logged."""

    unknown: OnUnknown
    """The handling of events of types that no class here is for. `raise`, the default: an UnknownEventTypeError names
    the type, after all others have been given. `mapping`: each is an UnknownEvent, a mapping of its fields."""


class Criteria(TypeCriterion, OtherCriteria, total=False):
    """The criteria by which a reader's methods select events. A criterion that is left out, or None, selects all."""


def day_span(day: date) -> tuple[int, int]:
    """First and last microsecond of a day, since 1970."""
    start = (day - _EPOCH).days * _DAY_MICROS
    return start, start + _DAY_MICROS - 1


@dataclass(frozen=True, slots=True)
class Selection:
    """A selection of recorded events; `select` makes it.

    Attributes:
        start: First moment, in microseconds since 1970, or None for no limit.
        end: First moment that is too late, or None for no limit.
        filter: The filter that events must pass.
        invalid: The handling of events that their class refuses.
        unknown: The handling of events that no class here is for.
        fields: The fields that a table needs, besides the timestamp; None for all. A reader may give more.
    """

    start: int | None
    end: int | None
    filter: Callable[[Any], object] | None
    invalid: OnInvalid
    unknown: OnUnknown
    _either: tuple[TopicChoice, ...]
    _all: tuple[TopicChoice, ...]
    fields: frozenset[str] | None = None

    def since(self, moment: datetime | None) -> "Selection":
        """The selection, restricted to times from a moment on."""
        start = _micros("since", moment)
        return self if start is None or start < (self.start or start) else replace(self, start=start)

    @property
    def has_patterns(self) -> bool:
        """True if a file's name alone does not decide whether it is selected."""
        return any(topics.has_patterns for topics in (*self._either, *self._all))

    def known_classes(self) -> list[type[BaseEvent]]:
        """The classes of the event types that are selected by their whole names; BaseEvent if there are none."""
        names = frozenset[str]().union(*(topics.event_types.names for topics in self._either))
        return [cls for cls in map(event_class, sorted(names)) if cls is not None] or [BaseEvent]

    def possible_classes(self) -> list[type[BaseEvent]]:
        """The classes whose events may be selected."""
        return [cls for cls in event_classes() if self.wants_event_type(cls.model_fields["event_type"].default)]

    def overlaps(self, first: int, last: int) -> bool:
        """Returns whether a moment from `first` to `last` may be in the range."""
        return (self.start is None or last >= self.start) and (self.end is None or first < self.end)

    def covers(self, first: int, last: int) -> bool:
        """Returns whether every moment from `first` to `last` is in the range."""
        return (self.start is None or first >= self.start) and (self.end is None or last < self.end)

    def wants_file(self, name: PartName | None) -> bool:
        """Returns whether a file of this name may hold selected events. One whose name cannot be parsed may."""
        return name is None or (
            all(topics.may_have(name) for topics in self._all) and any(topics.may_have(name) for topics in self._either)
        )

    def wants_topic(self, topic: Topic) -> bool:
        """Returns whether events of this topic may be selected, the filter aside, which `decide` evaluates."""
        return all(topics.has(topic) for topics in self._all) and any(topics.has(topic) for topics in self._either)

    def wants_event_type(self, event_type: str) -> bool:
        """Returns whether events of this type may be selected, with any exchange and symbol."""
        return all(topics.event_types.has(event_type) for topics in self._all) and any(
            topics.event_types.has(event_type) for topics in self._either
        )

    def decide(self, topic: Topic, first: int, last: int) -> bool | None:
        """Returns whether the filter passes all events of a topic from a first to a last moment, or none.

        Args:
            topic: The topic.
            first: Least timestamp, in microseconds since 1970.
            last: Greatest timestamp.

        Returns:
            None if the filter must be evaluated for each event.
        """
        if self.filter is None:
            return True
        if not isinstance(self.filter, _core.Filter):
            return None
        cls = event_class(topic.event_type)
        return self.filter.decide(topic.event_type, cls, topic.exchange, topic.symbol, (first, last))

    def passes(self, event: BaseEvent) -> bool:
        """Returns whether the filter passes an event."""
        return self.filter is None or bool(self.filter(event))

    def keep(self, events: Sequence[BaseEvent]) -> Sequence[BaseEvent]:
        """The events that the filter passes. Range and topics are not checked."""
        return events if self.filter is None else list(filter(self.filter, events))


def select(
    start: datetime | None,
    end: datetime | None,
    *,
    event_type: EventTypes | None = None,
    exchange: Names | None = None,
    symbol: Names | None = None,
    filter: Callable[[Any], object] | None = None,  # noqa: A002 - as in subscribe
    invalid: OnInvalid = "raise",
    unknown: OnUnknown = "raise",
) -> Selection:
    """Makes a selection of the arguments of a reader's methods.

    Raises:
        TypeError: An argument is of another type.
        ValueError: A text cannot be an event type or a pattern.
    """
    if filter is not None and not callable(filter):
        raise HandlerTypeError(f"{filter!r} is no filter: it cannot be called")
    if invalid not in get_args(OnInvalid):
        raise ValueError(f"invalid must be 'raise' or 'skip', not {invalid!r}")
    if unknown not in get_args(OnUnknown):
        raise ValueError(f"unknown must be 'raise' or 'mapping', not {unknown!r}")
    first, behind = None, None
    all_topics = [TopicChoice.of("*", _names("exchange", exchange), _names("symbol", symbol))]
    if isinstance(filter, _core.Filter):
        first, behind = filter.time_bounds_us
        all_topics.append(TopicChoice.of(*("*" if names is None else names for names in filter.name_bounds)))
    return Selection(
        max((moment for moment in (_micros("start", start), first) if moment is not None), default=None),
        min((moment for moment in (_micros("end", end), behind) if moment is not None), default=None),
        filter,
        invalid,
        unknown,
        _either("*" if event_type is None else event_type),
        tuple(all_topics),
    )


def _micros(name: str, moment: datetime | None) -> int | None:
    if moment is None:
        return None
    if not isinstance(moment, datetime):
        way_out = "; a class goes by name: event_type=" if isinstance(moment, type) else ""
        raise TypeError(f"{name} must be a datetime, not {moment!r}{way_out and way_out + moment.__name__}")
    return to_micros(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _names(what: str, names: Names | None) -> list[str]:
    if names is None:
        return ["*"]
    several = [names] if isinstance(names, str) or not isinstance(names, Iterable) else list(names)
    for name in several:
        if not isinstance(name, str):
            raise TypeError(f"{what} must be a text, or several, not {name!r}")
    return several


def _either(event_types: EventTypes) -> tuple[TopicChoice, ...]:
    """The topics of event types, classes and patterns."""
    several = (
        list(event_types) if isinstance(event_types, Iterable) and not isinstance(event_types, str) else [event_types]
    )
    alone: set[str] = set()
    either: list[TopicChoice] = []
    for each in several:
        if isinstance(each, str):
            _, name, exchange, symbol = _core.normalize_pattern(each).split(".", 3)
            if "*" not in name and "?" not in name:
                _core.check_event_type(name)
            if exchange == symbol == "*":
                alone.add(name)
            else:
                either.append(TopicChoice.of([name], [exchange], [symbol]))
        elif isinstance(each, type) and issubclass(each, UnknownEvent):
            raise TypeError("UnknownEvent has no event types of its own: name those that are wanted")
        elif isinstance(each, type) and issubclass(each, BaseEvent):
            alone |= _types_of(each)
        else:
            raise TypeError(f"event_type must be a text or an event class, or several, not {each!r}")
    return (TopicChoice.of(alone, "*", "*"), *either)


def _types_of(cls: type[BaseEvent]) -> set[str]:
    if cls is BaseEvent:
        return {"*"}
    return {each.model_fields["event_type"].default for each in event_classes() if is_of_kind(each, cls)}
