"""From samples to the table of figures."""

from collections.abc import Mapping, Sequence
from statistics import median

from benchmarks.figures.case import Case


def table(cases: Sequence[Case], samples: Mapping[str, Sequence[float]]) -> str:
    """The cases that were measured, as a Markdown table of medians; one that misses its bound says so."""
    lines = ["| case | measured | at most | aim |", "|---|--:|--:|--:|"]
    lines += [_row(case, median(samples[case.name])) for case in cases if samples.get(case.name)]
    return "\n".join(lines)


def _row(case: Case, figure: float) -> str:
    measured = f"**{_write(figure, case)}**" if case.misses(figure) else _write(figure, case)
    bound = case.bound_in_words if case.bound is None else _write(case.bound, case)
    aim = "" if case.aim is None else _write(case.aim, case)
    return f"| {case.title} | {measured} | {bound} | {aim} |"


def _write(figure: float, case: Case) -> str:
    text = f"{figure:.0f}" if figure >= 100 or case.unit == "turns" else f"{figure:.3g}"
    return f"{text} {case.unit}".rstrip()
