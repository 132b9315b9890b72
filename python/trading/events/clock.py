"""The clock that default timestamps come from."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime

from trading.events import _core

Clock = Callable[[], datetime]
"""Says what time it is. A naive datetime is taken as UTC."""


@contextmanager
def use_clock(clock: Clock) -> Generator[None, None, None]:
    """Has events take their default times from a clock, in the whole process, until the block is left.

    A test that sets the time by freezegun or time-machine lets events take it from Python's own clock:

        with time_machine.travel(noon), use_clock(lambda: datetime.now(UTC)):
            ...

    Event ids, the journal, timeouts and statistics go by the system's clocks.

    Args:
        clock: Called for each default. What it raises, the making of the event raises.
    """
    former = _core.set_clock(clock)
    try:
        yield
    finally:
        _core.set_clock(former)
