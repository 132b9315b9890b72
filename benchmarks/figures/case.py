"""What a case is: one row of the table of figures."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Plan:
    """How much is measured in one process."""

    rounds: int
    """How many figures are taken."""

    scale: float = 1.0
    """The part of the full size."""

    def size(self, full: int) -> int:
        """What stands for this many."""
        return max(20, int(full * self.scale))


@dataclass(frozen=True)
class Case:
    """One row of the table: what is measured, and between which bounds it should be."""

    name: str
    title: str
    measure: Callable[[Plan], Coroutine[Any, Any, list[float]]]
    """Checks, then returns one figure a round."""

    bound: float | None = None
    """At most this; or at least, where `more_is_better`."""

    bound_in_words: str = ""
    """Stands where there is no bound in numbers."""

    aim: float | None = None
    unit: str = ""
    """Behind the figures; empty for a ratio."""

    more_is_better: bool = False
    rounds: int = 15
    """How many figures a process takes; fewer where one takes long."""

    cycles: int | None = None
    """How many processes at most measure it; fewer where one takes very long."""

    what_is_missing: Callable[[], str | None] = lambda: None
    """Says why the case cannot be measured here, if it cannot."""

    def plan(self, *, quick: bool) -> Plan:
        """All of it, or as little as shows that the case works."""
        return Plan(rounds=1, scale=0.002) if quick else Plan(rounds=self.rounds)

    def misses(self, figure: float) -> bool:
        """Whether a figure is on the wrong side of the bound."""
        if self.bound is None:
            return False
        return figure < self.bound if self.more_is_better else figure > self.bound
