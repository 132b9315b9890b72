"""The globs that a subscription sends a server: they match at least what its pattern matches."""

from collections import Counter
from collections.abc import Iterable

from trading.events import _core
from trading.events._models.event_kinds import is_of_kind
from trading.events.base import BaseEvent, event_classes
from trading.events.unknown import UnknownEvent

_WORD = str.maketrans({"\\": "\\\\", "[": "\\[", "]": "\\]", "?": "*"})
"""`?` stands for one byte on a server, here for one character; what a glob has special besides is escaped."""


def patterns_of(event_type: str | type[BaseEvent]) -> list[str]:
    """The patterns of what is subscribed to: a pattern itself, or those of a class and its subclasses now defined.

    Raises:
        PatternError: The text is no pattern.
    """
    if isinstance(event_type, str):
        return [_core.normalize_pattern(event_type)]
    if event_type in {BaseEvent, UnknownEvent}:
        return ["events.*.*.*"]
    kinds = [cls.model_fields["event_type"].default for cls in event_classes() if is_of_kind(cls, event_type)]
    return [f"events.{kind}.*.*" for kind in kinds]


def glob_of(pattern: str) -> str:
    """The glob of a whole pattern. The native matcher has the last word on what it lets through."""
    return pattern.translate(_WORD)


class SubscriptionSet:
    """The patterns of all subscriptions, and whether a topic is one of theirs."""

    _MOST_TOPICS = 1 << 16

    def __init__(self) -> None:
        self._wanted: dict[str, str | type[BaseEvent]] = {}
        self._counts: Counter[str | type[BaseEvent]] = Counter()
        self._patterns: frozenset[str] = frozenset()
        self._answers: dict[str, bool] = {}

    @property
    def patterns(self) -> frozenset[str]:
        """All patterns now wanted."""
        return self._patterns

    def add(self, sid: str, event_type: str | type[BaseEvent]) -> None:
        """Adds what a subscription hears."""
        self._wanted[sid] = event_type
        self._counts[event_type] += 1
        if self._counts[event_type] == 1:
            self.refresh()

    def remove(self, sid: str) -> None:
        """Removes what a subscription heard."""
        event_type = self._wanted.pop(sid, None)
        if event_type is None:
            return
        self._counts[event_type] -= 1
        if not self._counts[event_type]:
            del self._counts[event_type]
            self.refresh()

    def refresh(self) -> bool:
        """Looks again for subclasses of the classes that are heard. Returns whether there is something new."""
        before = self._patterns
        self._patterns = frozenset(_without_covered(p for wanted in self._counts for p in patterns_of(wanted)))
        if self._patterns != before:
            self._answers.clear()
        return not self._patterns <= before

    def covers(self, topic: str) -> bool:
        """True if any subscription may receive the topic."""
        answer = self._answers.get(topic)
        if answer is None:
            answer = any(_core.matches(pattern, topic) for pattern in self._patterns)
            if len(self._answers) >= self._MOST_TOPICS:
                self._answers.clear()
            self._answers[topic] = answer
        return answer


def _without_covered(patterns: Iterable[str]) -> set[str]:
    found = set(patterns)
    return {"events.*.*.*"} if "events.*.*.*" in found else found
