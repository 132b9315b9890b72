"""The report of a replay on its progress and timing error, and its clock."""

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


class ReplayClock:
    """The clock of a replay: `clock()` is the timestamp of the event that is being published, or was last.

    Code that calls `utc_now` in a live system calls this clock in a replay, and gets the same times each time. The
    replay runs ahead of handlers that have events waiting; in `lockstep` each event is handled before the next, so that
    the clock says, in its handlers, the event's own time.
    """

    __slots__ = ("_moment",)

    def __init__(self) -> None:
        self._moment: datetime | None = None

    def set(self, moment: datetime) -> None:
        """Sets the time; the replay calls it."""
        self._moment = moment

    def __call__(self) -> datetime:
        """The time, aware and in UTC.

        Raises:
            LookupError: No event has been published yet.
        """
        if self._moment is None:
            raise LookupError("the replay has not begun, so there is no time in it yet")
        return self._moment
