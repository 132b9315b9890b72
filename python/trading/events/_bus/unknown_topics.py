"""Patterns that hear nothing, because no event class has the event type that they name."""

import sys
import warnings
from typing import TYPE_CHECKING

from trading.events import _core
from trading.events._models.suggestion import suggest
from trading.events.base import BaseEvent, event_class, event_classes
from trading.events.errors import UnknownTopicError, UnknownTopicWarning

if TYPE_CHECKING:
    from types import FrameType

_BETWEEN = ("trading.events.", "asyncio.", "contextlib.")
"""Modules whose frames stand between a user's line and this one."""


def check_event_type(pattern: str | type[BaseEvent], *, is_strict: bool) -> None:
    """Warns, at the caller's line, of a pattern that names an event type which no class has; or refuses it.

    A remote bus decodes events by their classes too. A class that is defined later is heard all the same.

    Raises:
        PatternError: The text is no pattern.
        UnknownTopicError: No class has the event type, and `is_strict`.
    """
    if not isinstance(pattern, str):
        return
    event_type = _core.normalize_pattern(pattern).split(".", 2)[1]
    if "*" in event_type or "?" in event_type or event_class(event_type) is not None:
        return
    hint = suggest(event_type, (each.model_fields["event_type"].default for each in event_classes()))
    way_out = hint or "; import the module that defines it first, or subscribe to the class; '*' stands for all"
    told = f"the pattern {pattern!r} hears nothing: no event class has the event type {event_type!r} so far{way_out}"
    if is_strict:
        raise UnknownTopicError(told)
    warnings.warn(told, UnknownTopicWarning, stacklevel=_level_of_caller())


def _level_of_caller() -> int:
    """The `stacklevel` of the nearest frame outside of this package, as seen from who calls this."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - the way to a caller
    level = 1
    while frame is not None and f"{frame.f_globals.get('__name__')}.".startswith(_BETWEEN):
        frame, level = frame.f_back, level + 1
    return level
