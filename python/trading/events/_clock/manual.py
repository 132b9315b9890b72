"""The clock of tests."""

import asyncio
from datetime import datetime

from trading.events._clock.base import after, check_moment, check_seconds
from trading.events._clock.stepped import TURNS, SteppedClock


class ManualClock(SteppedClock):
    """A clock for tests: its time stands still until it is advanced.

        clock = ManualClock(datetime(2024, 1, 1, 9, 30, tzinfo=UTC))
        strategy = Strategy(bus, clock)
        await clock.advance(30)

    Args:
        moment: The time that it says first.

    Raises:
        ValueError: The moment is naive.
    """

    def __init__(self, moment: datetime) -> None:
        super().__init__(check_moment(moment))

    async def advance(self, seconds: float) -> None:
        """Lets so many seconds pass, as `advance_to` does.

        Raises:
            ValueError: It is negative, or not finite.
        """
        await self.advance_to(after(self.now(), check_seconds(seconds)))

    async def advance_to(self, moment: datetime) -> None:
        """Lets the time pass until a moment: calls each timer and ends each sleep that is due, in order.

        After each, and before the first, the event loop goes round a hundred times, so that what was set off is done
        before the next; a handler that waits for a socket or a thread is not waited for.

        Raises:
            ValueError: The moment is naive, or before `now`.
        """
        self._check_loop()
        moment = check_moment(moment)
        if moment < self.now():
            raise ValueError(f"a clock is not set back: it is {self.now()}, and {moment} is over")
        await _let_run()
        while self.next_due(moment) is not None:
            self.call_next()
            await _let_run()
        self._moment = max(moment, self.now())

    @property
    def has_timers(self) -> bool:
        """True while anybody sleeps on it or a timer waits to be called."""
        return self.next_due() is not None

    def __repr__(self) -> str:
        return f"<ManualClock: {self.now()}>"


async def _let_run() -> None:
    for _ in range(TURNS):
        await asyncio.sleep(0)
