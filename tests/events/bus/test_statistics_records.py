"""Statistics as records: a table, plain data, pickles, and the difference of two moments."""

import json
import pickle
from functools import partial
from typing import Any

import pytest

from tests.support.doubles import Recorder, tick, ticks
from trading.events import BaseEvent, BusStatistics, Durations, Gap, InMemoryEventBus
from trading.events._core import Histogram


def handle(_event: BaseEvent) -> None:
    """A handler with a name."""


async def statistics_of_a_busy_bus() -> BusStatistics:
    async with InMemoryEventBus(time_one_in=1) as bus:
        await bus.subscribe("tick", handle)
        await bus.subscribe("*", Recorder(), name="a\x1b[31m" + "long.name." * 20)
        ended = await bus.subscribe("tick", handle)
        await bus.publish_batch(ticks(range(1200)))
        await bus.join()
        await bus.unsubscribe(ended)
        return bus.statistics()


async def test_printed_they_are_a_table_of_80_columns() -> None:
    """Turned red by: a name that is not clipped; cells without alignment; a raw escape character."""
    lines = str(await statistics_of_a_busy_bus()).splitlines()
    assert lines[0].startswith("published 1,200  unrouted 0")
    assert lines[1].split() == [
        *("subscription", "accepted", "handled", "failed", "dropped", "waiting", "latency", "handling")
    ]
    assert [line.split()[0] for line in lines[2:]][::2] == ["handle", "(ended)"]
    assert len({len(line) for line in lines[1:]}) == 1
    assert max(map(len, lines)) <= 80
    assert all(line.isprintable() for line in lines)


async def test_they_are_plain_data_and_pickles() -> None:
    """Turned red by: a `to_dict` that leaves a mapping proxy; no `__reduce__`."""
    found = await statistics_of_a_busy_bus()
    plain = json.loads(json.dumps(found.to_dict()))
    assert plain["published"] == 1200
    assert next(each["name"] for each in plain["subscriptions"].values()) == "handle"
    again = pickle.loads(pickle.dumps(found))
    assert again == found
    with pytest.raises(TypeError):
        again.subscriptions["x"] = found.retired
    assert pickle.loads(pickle.dumps(Gap(1, {"a": 1}))) == Gap(1, {"a": 1})


async def test_the_difference_of_two_moments_is_what_happened_between() -> None:
    """Turned red by: subtracting gauges; not taking off what ended subscriptions had counted before."""
    async with InMemoryEventBus(time_one_in=1) as bus:
        stays = await bus.subscribe("tick", handle)
        ends = await bus.subscribe("tick", handle)
        await bus.publish_batch(ticks(range(100)))
        await bus.join()
        earlier = bus.statistics()
        await bus.publish_batch(ticks(range(7)))
        await bus.join()
        await bus.unsubscribe(ends)
        bus.publish_nowait(tick(8))
        between = bus.statistics() - earlier
    assert (between.published, between.waiting) == (8, 1)
    mine = between.subscriptions[stays]
    assert (mine.accepted, mine.handled, mine.waiting, mine.high_water) == (8, 7, 1, 100)
    assert mine.latency is not None
    assert mine.latency.count == 7
    assert (between.retired.accepted, between.retired.handled) == (7, 7)


def durations(*found: int) -> Durations:
    histogram: dict[int, int] = {}
    for each in found:
        histogram[each] = histogram.get(each, 0) + 1
    native = Histogram()
    for each in found:
        native.record(each)
    return Durations(*native.summary(), tuple(sorted(histogram.items())))


def test_percentiles_of_an_interval_are_those_of_its_own_events() -> None:
    """Turned red by: taking the later percentiles as they are."""
    slow, quick = [31] * 1000, [5] * 99 + [7]
    between = durations(*slow, *quick) - durations(*slow)
    assert between == Durations(100, 5, 5, 7, 7)
    assert durations(*slow) - durations(*slow) == Durations(0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("handler", "name"),
    [
        (handle, "handle"),
        (partial(partial(handle)), "handle"),
        (Recorder(), "Recorder"),
        (Recorder().__call__, "Recorder.__call__"),
    ],
)
async def test_a_subscription_is_named_after_its_handler(handler: Any, name: str) -> None:
    """Turned red by: naming it by its id."""
    async with InMemoryEventBus() as bus:
        sid = await bus.subscribe("tick", handler)
        assert bus.statistics().subscriptions[sid].name == name
        async with bus.stream("tick"):
            assert [each.name for each in bus.statistics().subscriptions.values()][1:] == ["stream of tick"]
