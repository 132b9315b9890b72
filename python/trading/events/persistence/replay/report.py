"""The report of a replay on its progress and timing error."""

from dataclasses import dataclass
from datetime import datetime

from trading.events.statistics import Durations


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """A replay at one moment, or at its end."""

    published: int
    """The number of published events."""

    position: datetime | None
    """Timestamp of the event that was published last; None before the first."""

    running_s: float
    """Its run time until now, in seconds, pauses included."""

    error: Durations
    """The delays of events after they were due, pauses not counted; empty if they are published as fast as possible."""
