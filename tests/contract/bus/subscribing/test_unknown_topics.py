"""A pattern that names an event type which no class has: who asks for it is told, since it hears nothing."""

import warnings
from collections.abc import Awaitable, Callable
from typing import Any, Literal

import pytest

from tests.support.doubles import Bus, Recorder
from trading.events import BaseEvent
from trading.events.errors import UnknownTopicError, UnknownTopicWarning

MISTYPED = {
    "trades": "trade",
    "Tick": "tick",
    "events.tik.binance.*": "tick",
    "heart_beat": "heartbeat",
    "events": "'*'",
}
"""Patterns that hear nothing, and what the message names in their place."""

FREE = ["tick", "tick*", "*", "order_?illed", "events.tick.nowhere.*", "events.*.*.NOTHING", "events.trad*.x.y"]


async def in_subscribe(bus: Bus, pattern: str) -> None:
    await bus.subscribe(pattern, Recorder())


async def in_on(bus: Bus, pattern: str) -> None:
    bus.on(pattern)(Recorder())


async def in_stream(bus: Bus, pattern: str) -> None:
    async with bus.stream(pattern):
        pass


WAYS: list[Callable[[Bus, str], Awaitable[None]]] = [in_subscribe, in_on, in_stream]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("pattern", MISTYPED)
async def test_an_event_type_of_no_class_is_warned_of_where_it_stands(bus: Bus, way: Any, pattern: str) -> None:
    """Turned red by: no `check_event_type` in `_add`; a fixed `stacklevel`."""
    with pytest.warns(UnknownTopicWarning, match=f"{pattern!r} hears nothing") as told:
        await way(bus, pattern)
    assert [each.filename for each in told] == [__file__]
    assert MISTYPED[pattern] in str(told[0].message)


async def test_it_is_warned_of_once_a_place(bus: Bus) -> None:
    """Turned red by: a text that differs from subscription to subscription."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("default")
        for _ in range(3):
            await in_subscribe(bus, "trades")
    assert len(told) == 1


@pytest.mark.parametrize("pattern", FREE)
async def test_wildcards_exchanges_and_symbols_are_free(make_bus: Any, pattern: str) -> None:
    """Turned red by: comparing the whole pattern; passing over the wildcard `?`."""
    await in_subscribe(await make_bus(strict_topics=True), pattern)


@pytest.mark.parametrize("way", WAYS)
async def test_strict_topics_refuses_it_and_nothing_stands(make_bus: Any, way: Any) -> None:
    """Turned red by: warning in spite of `strict_topics`; checking once the subscription stands."""
    bus = await make_bus(strict_topics=True)
    with pytest.raises(UnknownTopicError, match="did you mean trade"):
        await way(bus, "trades")
    assert not bus.statistics().subscriptions


async def test_a_class_that_is_defined_later_is_heard(bus: Bus) -> None:
    """Turned red by: dropping a subscription that is warned of."""
    recorder = Recorder()
    with pytest.warns(UnknownTopicWarning):
        await bus.subscribe("defined_later", recorder)

    from trading.events import base  # noqa: PLC0415 - taken back below

    class DefinedLaterEvent(BaseEvent):
        event_type: Literal["defined_later"] = "defined_later"

    try:
        await bus.publish(DefinedLaterEvent(event_id="7"))
        await bus.join()
    finally:
        base._CLASSES.pop("defined_later")
    assert recorder.seen == [7]
