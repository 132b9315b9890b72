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

    Tests that set the time by freezegun or time-machine pass on what Python's own clock then says:

        with time_machine.travel(noon), use_clock(lambda: datetime.now(UTC)):
            ...

    Identities of events, the journal, timeouts and statistics go by the system's clocks.

    Args:
        clock: Called for each default. What it raises, the making of the event raises.
    """
    former = _core.set_clock(clock)
    try:
        yield
    finally:
        _core.set_clock(former)
