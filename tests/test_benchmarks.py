"""The benchmarks stay true: what loses events is refused, and the tables say what the samples say."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks import release
from benchmarks.document import replace_between_markers
from benchmarks.peers import asyncio_queue, floor, trading_events_bus
from benchmarks.peers.engine import Engine, Handler, Running
from benchmarks.peers.measure import WrongResultError, measure, measure_waiting, time_burst
from benchmarks.peers.picture import draw
from benchmarks.peers.report import duration, limits, summarize, table


def samples(title: str, *, one_ns: list[float], ten_ns: list[float], waiting: float | None = None) -> dict[str, Any]:
    return {
        "title": title,
        "version": "1.2",
        "lacks": f"what {title} lacks",
        "waiting_bytes": waiting,
        "burst_ns": {"1": one_ns, "10": ten_ns},
        "spaced_percentiles_ns": [float(percent) for percent in range(1, 100)],
    }


RESULTS = summarize(
    {
        "slow": [
            samples("slow & sure", one_ns=[900.0, 1500.0], ten_ns=[9000.0], waiting=2000.0),
            samples("slow & sure", one_ns=[700.0], ten_ns=[9e6 - 1000], waiting=2400.0),
        ],
        "floor": [samples("floor", one_ns=[90.0, 110.0], ten_ns=[1000.0])],
    }
)


@pytest.mark.parametrize("module", [floor, asyncio_queue, trading_events_bus], ids=lambda module: module.__name__)
def test_an_engine_is_measured_with_one_handler_and_with_ten(module: Any) -> None:
    found = measure(module.ENGINE, rounds=2, scale=0.001)
    assert {handlers: len(bursts) for handlers, bursts in found["burst_ns"].items()} == {1: 2, 10: 2}
    assert len(found["spaced_percentiles_ns"]) == 99


def faulty_engine(fault: str) -> Engine:
    @asynccontextmanager
    async def start(handlers: Sequence[Handler]) -> AsyncIterator[Running]:
        waiting: list[Any] = []

        async def drain() -> None:
            events = {"lose": waiting[1:], "double": waiting + waiting[-1:], "swap": waiting[::-1]}[fault]
            for event in events:
                await handlers[0](event)
            waiting.clear()

        yield Running(publish=waiting.append, drain=drain)

    return Engine(title="faulty", start=start, lacks="", awaits_publish=False)


@pytest.mark.parametrize("fault", ["lose", "double", "swap"])
async def test_an_engine_that_loses_doubles_or_swaps_events_is_refused(fault: str) -> None:
    with pytest.raises(WrongResultError):
        await time_burst(faulty_engine(fault), handlers=1, count=10)


async def test_memory_is_measured_while_events_wait_that_are_all_handled_in_the_end() -> None:
    assert await measure_waiting(asyncio_queue.ENGINE, count=2_000) >= 0


@pytest.mark.parametrize("fault", ["lose", "double"])
async def test_an_engine_that_loses_or_doubles_events_that_wait_is_refused(fault: str) -> None:
    with pytest.raises(WrongResultError):
        await measure_waiting(faulty_engine(fault), count=1_000)


def test_a_debug_build_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release._core, "DEBUG_BUILD", True)
    with pytest.raises(SystemExit, match="make build"):
        release.refuse_debug_build()


def test_the_table_shows_medians_and_ratios_to_the_floor_the_fastest_first() -> None:
    assert table(RESULTS).splitlines()[2:] == [
        "| floor | 1.2 | 100 ns | 1.0 | 1 µs | 1.0 | 50 ns | 99 ns | n/a |",
        "| slow & sure | 1.2 | 900 ns | 9.0 | 4.5 ms | 4,504 | 50 ns | 99 ns | 220 MB |",
    ]


def test_the_footnotes_say_what_each_engine_lacks() -> None:
    assert limits(RESULTS).splitlines()[2:] == [
        "| floor | what floor lacks |",
        "| slow & sure | what slow & sure lacks |",
    ]


def test_the_picture_is_well_formed_and_has_a_bar_for_each_engine() -> None:
    picture = ElementTree.fromstring(draw(RESULTS))  # noqa: S314 - drawn here
    bars = [float(bar.attrib["width"]) for bar in picture.findall("{*}rect")]
    assert len(bars) == 2
    assert bars == sorted(bars)


@pytest.mark.parametrize(
    ("nanoseconds", "text"), [(0.4, "0 ns"), (999.4, "999 ns"), (1_000, "1 µs"), (12_340, "12.3 µs"), (2.5e6, "2.5 ms")]
)
def test_a_duration_is_written_in_the_unit_that_suits_it(nanoseconds: float, text: str) -> None:
    assert duration(nanoseconds) == text


def test_only_what_stands_between_the_markers_is_replaced() -> None:
    document = "before\n<!-- peers: begin -->\nold\n<!-- peers: end -->\nafter\n"
    expected = "before\n<!-- peers: begin -->\nnew\n<!-- peers: end -->\nafter\n"
    assert replace_between_markers(document, "new", name="peers") == expected
    with pytest.raises(ValueError, match="once"):
        replace_between_markers(document, "new", name="figures")
