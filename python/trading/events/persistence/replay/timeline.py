"""The timeline by which the events of a recording are due again."""

import math
from datetime import datetime


def check_speed(speed: float | None) -> None:
    """Checks a speed.

    Raises:
        ValueError: It is not above zero, or not finite.
    """
    if speed is not None and not (speed > 0 and math.isfinite(speed)):
        raise ValueError(f"speed must be above zero, or None for as fast as possible, not {speed!r}")


class Timeline:
    """Maps the timestamps of a recording to a clock. The first event is due at once.

    All due times are computed from the first, so waiting a little too long for one event delays no later one.
    """

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._first: datetime | None = None
        self._start_s = 0.0

    def due(self, timestamp: datetime, now_s: float) -> float:
        """The time at which an event is due, on the clock that says `now_s`, in seconds."""
        if self._first is None:
            self._first, self._start_s = timestamp, now_s
        return self._start_s + (timestamp - self._first).total_seconds() / self._speed

    def restart(self) -> None:
        """Makes the next event due at once."""
        self._first = None

    def delay(self, by_s: float) -> None:
        """Makes all later events due so many seconds later."""
        self._start_s += by_s
