"""Clocks: one interface for live trading, replays and tests, and what default timestamps come from."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime

from trading.events import _core
from trading.events._clock.base import Clock, Timer
from trading.events._clock.live import LiveClock
from trading.events._clock.manual import ManualClock

__all__ = ["Clock", "LiveClock", "ManualClock", "Timer", "use_clock"]


@contextmanager
def use_clock(clock: Clock | Callable[[], datetime]) -> Generator[None, None, None]:
    """Has events take their default times from a clock, in the whole process, until the block is left.

    In a back-test, events then bear the time of the replay:

        with use_clock(replay.clock):
            await replay

    A test that sets the time by freezegun or time-machine lets events take it from Python's own clock:

        with time_machine.travel(noon), use_clock(lambda: datetime.now(UTC)):
            ...

    Event ids, the journal, timeouts and statistics go by the system's clocks.

    Args:
        clock: Called for each default: a `Clock`, or a function that says what time it is (naive means UTC). What it
            raises, the making of the event raises.
    """
    former = _core.set_clock(clock)
    try:
        yield
    finally:
        _core.set_clock(former)
