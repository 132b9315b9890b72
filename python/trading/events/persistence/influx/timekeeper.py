"""Times of points: no two events of a topic may have the same, since a server would keep only the last of them."""

from trading.events.errors import UnstorableEventError

FIRST_NS = -(2**63) + 2
LAST_NS = 2**63 - 2
"""The first and the last nanosecond since 1970 that a server knows, in the years 1677 and 2262."""

FIRST_MICROS = -(-FIRST_NS // 1_000)
LAST_MICROS = (LAST_NS - 999) // 1_000

MOST_RUNS = 1_000
"""Most runs of one topic. Each is a series to the server, and many series make it slow."""

_PER_MICROSECOND = 1_000


class Timekeeper:
    """Gives each event a nanosecond of its microsecond, and a run if these are used up, or unknown.

    The first event of a topic at a moment gets its first nanosecond, the next one the second, and so on. So the moment
    can be read back, rounded down to microseconds, and ties are in the order of recording.

    The used nanoseconds are remembered for the newest moment only. An event that is older than that is in
    another run, with a newest moment of its own: the first one that it is not too old for. Events that come in order of
    time are all in run 0; those that come late by so much that they pass n others, in one of the first n + 1.
    """

    def __init__(self) -> None:
        self._runs: dict[str, list[tuple[int, int]]] = {}

    def place(self, topic: str, micros: int) -> tuple[int, int]:
        """The run and the time in nanoseconds of the next event of a topic at a moment.

        Raises:
            UnstorableEventError: The topic has too many runs.
        """
        runs = self._runs.setdefault(topic, [])
        for run, (newest, used) in enumerate(runs):
            if newest < micros:
                runs[run] = (micros, 1)
                return run, micros * _PER_MICROSECOND
            if newest == micros and used < _PER_MICROSECOND:
                runs[run] = (micros, used + 1)
                return run, micros * _PER_MICROSECOND + used
        if len(runs) == MOST_RUNS:
            raise UnstorableEventError(
                f"events of {topic} come in a wild order: one is older than others that were older than others, "
                f"{MOST_RUNS} times over; write them in order of time, or several in one batch"
            )
        runs.append((micros, 1))
        return len(runs) - 1, micros * _PER_MICROSECOND
