"""What a case over a server is: one row of its table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

Pair = tuple[float, float]
"""What was measured of us in a round, and of what we stand against."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One row of the table: what is measured, against what, and between which bounds the ratio should be."""

    title: str
    measure: Callable[[str], Pair]
    """Checks and measures one round on the server at a URL, in fresh processes."""

    unit: str
    bound: float | None = None
    """The ratio, or without one the figure, is at least this; or at most, where `less_is_better`."""

    aim: float | None = None
    less_is_better: bool = False
    is_ratio: bool = True
    """Whether it stands against something."""

    rounds: int = 5

    def row(self, samples: Sequence[Pair]) -> str:
        """The row of medians; one that misses its bound is in bold."""
        ours, theirs = (median(column) for column in zip(*samples, strict=True))
        figure = ours / theirs if self.is_ratio else ours
        is_missed = self.bound is not None and (figure > self.bound if self.less_is_better else figure < self.bound)
        ratio = f"{figure:.2f}" if self.is_ratio else ""
        against = self._write(theirs) if self.is_ratio else ""
        mine = self._write(ours)
        if is_missed:
            ratio, mine = (f"**{ratio}**", mine) if self.is_ratio else (ratio, f"**{mine}**")
        return f"| {self.title} | {mine} | {against} | {ratio} | {self._bound()} | {self._limit(self.aim)} |"

    def _bound(self) -> str:
        sign = "≤" if self.less_is_better else "≥"
        return f"{sign} {self._limit(self.bound)}" if self.bound is not None else ""

    def _limit(self, limit: float | None) -> str:
        return "" if limit is None else f"{limit:g}" if self.is_ratio else self._write(limit)

    def _write(self, figure: float) -> str:
        return f"{float(f'{figure:.3g}'):,.0f}{self.unit}" if figure >= 100 else f"{figure:.3g}{self.unit}"


def table(cases: dict[str, Case], samples: dict[str, list[Pair]]) -> str:
    """The cases that were measured, as a Markdown table."""
    lines = ["| case | measured | against | ratio | bound | aim |", "|---|--:|--:|--:|--:|--:|"]
    return "\n".join(lines + [case.row(samples[name]) for name, case in cases.items() if samples.get(name)])
