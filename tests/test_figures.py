"""The figures stay true: every case runs, a side that loses events is refused, and the table says what is missed."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from benchmarks.figures.case import Case, Plan
from benchmarks.figures.cases import CASES
from benchmarks.figures.comparison import MakeHandler, Run, Side, WrongResultError, check, compare
from benchmarks.figures.fairness import LoopWatch
from benchmarks.figures.publishing import bare
from benchmarks.figures.report import table
from benchmarks.ticks import make_ticks, with_own_names

EVENTS = make_ticks(20)


def faulty(fault: str) -> Any:
    @asynccontextmanager
    async def start(make_handler: MakeHandler, events: Sequence[Any]) -> AsyncIterator[Run]:
        handler = make_handler()
        heard = {"lose": events[1:], "double": [*events, events[-1]], "swap": events[::-1]}[fault]

        async def run() -> None:
            for event in heard:
                await handler(event)

        yield run

    return start


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_every_case_works(case: Case) -> None:
    reason = case.what_is_missing()
    if reason:
        pytest.skip(reason)
    figures = await case.measure(case.plan(quick=True))
    assert len(figures) == 1
    assert figures[0] >= 0


@pytest.mark.parametrize("fault", ["lose", "double", "swap"])
async def test_a_side_that_loses_doubles_or_swaps_events_is_refused(fault: str) -> None:
    with pytest.raises(WrongResultError):
        await check(Side(faulty(fault), EVENTS))


async def test_a_side_that_brings_events_to_too_few_handlers_is_refused() -> None:
    with pytest.raises(WrongResultError):
        await check(Side(bare, EVENTS, deliveries=2))


async def test_a_comparison_has_one_figure_a_round() -> None:
    figures = await compare(Side(bare, EVENTS), Side(bare, EVENTS), Plan(rounds=4))
    assert len(figures) == 4


async def test_the_loop_watch_counts_turns_and_keeps_the_longest() -> None:
    watch = LoopWatch()
    watch.start()
    watch.stop()
    assert watch.turns == 1
    assert watch.longest_ns > 0


def test_own_names_are_equal_and_other_objects() -> None:
    renamed = with_own_names(EVENTS)
    assert [tick.topic for tick in renamed] == [tick.topic for tick in EVENTS]
    assert len({id(tick.symbol) for tick in renamed}) == len({id(tick.exchange) for tick in renamed}) == len(EVENTS)


async def nothing(_: Plan) -> list[float]:
    return []


def test_the_table_shows_medians_and_marks_what_misses_its_bound() -> None:
    cases = (
        Case("met", "met", nothing, bound=1.5, aim=1.2),
        Case("missed", "missed", nothing, bound=1 / 8, aim=1 / 15),
        Case("least", "at least", nothing, bound=0.9, aim=1.0, more_is_better=True),
        Case("open", "open", nothing, bound_in_words="bounded", unit="MB"),
        Case("left_out", "left out", nothing),
    )
    samples = {"met": [1.0, 9.0, 1.25], "missed": [0.2], "least": [0.8, 0.8], "open": [79.51]}
    assert table(cases, samples).splitlines()[2:] == [
        "| met | 1.25 | 1.5 | 1.2 |",
        "| missed | **0.2** | 0.125 | 0.0667 |",
        "| at least | **0.8** | 0.9 | 1 |",
        "| open | 79.5 MB | bounded |  |",
    ]
