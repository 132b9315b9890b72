"""Choices of topics, by names and patterns of names."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from trading.events import _core
from trading.events.persistence.names import PartName, spell_event_type, spell_exchange, spell_symbol
from trading.events.persistence.topics import Topic

_NONE = "_"
"""The placeholder in a topic for a name that an event does not have."""


@dataclass(frozen=True, slots=True)
class _NameChoice:
    """Some names, and patterns of names."""

    names: frozenset[str]
    patterns: tuple[str, ...]
    spellings: frozenset[str]

    @classmethod
    def of(cls, several: Iterable[str], spell: Callable[[str | None], str]) -> "_NameChoice":
        chosen = frozenset(several)
        patterns = frozenset(name for name in chosen if "*" in name or "?" in name)
        names = chosen - patterns
        for pattern in patterns:
            _core.normalize_pattern(_in_symbol_place(pattern))
        spellings = frozenset(spell(None if name == _NONE else name) for name in names)
        return cls(names, tuple(sorted(patterns)), spellings)

    def has(self, name: str | None) -> bool:
        text = _NONE if name is None else name
        return text in self.names or any(
            pattern == "*" or _core.matches(_in_symbol_place(pattern), _in_symbol_place(text))
            for pattern in self.patterns
        )

    def may_have(self, spelling: str) -> bool:
        return bool(self.patterns) or spelling in self.spellings

    @property
    def has_patterns(self) -> bool:
        return bool(self.patterns) and "*" not in self.patterns


def _in_symbol_place(text: str) -> str:
    """A topic or pattern with this text as its last segment, the only one that may hold anything."""
    return f"events.any.any.{text}"


@dataclass(frozen=True, slots=True)
class TopicChoice:
    """The topics whose three names are each among some names."""

    event_types: _NameChoice
    exchanges: _NameChoice
    symbols: _NameChoice

    @classmethod
    def of(cls, event_types: Iterable[str], exchanges: Iterable[str], symbols: Iterable[str]) -> "TopicChoice":
        """The topics with one of each of these names, some of which are patterns.

        Raises:
            ValueError: One of them cannot be a pattern.
        """
        return cls(
            _NameChoice.of(event_types, lambda name: spell_event_type(name or _NONE)),
            _NameChoice.of(exchanges, spell_exchange),
            _NameChoice.of(symbols, spell_symbol),
        )

    def has(self, topic: Topic) -> bool:
        """Returns whether a topic is among them."""
        return (
            self.event_types.has(topic.event_type)
            and self.exchanges.has(topic.exchange)
            and self.symbols.has(topic.symbol)
        )

    @property
    def has_patterns(self) -> bool:
        """True if some names are patterns other than `*`."""
        return self.event_types.has_patterns or self.exchanges.has_patterns or self.symbols.has_patterns

    def may_have(self, name: PartName) -> bool:
        """Returns whether a file of this name may hold one of them."""
        return (
            self.event_types.may_have(name.event_type)
            and self.exchanges.may_have(name.exchange)
            and self.symbols.may_have(name.symbol)
        )
