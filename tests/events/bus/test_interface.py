"""IEventBus: one annotation that fits every bus, and a bus of four methods is one."""

from collections.abc import Iterable
from typing import Any

import pytest

import trading.events
from tests.support.doubles import Recorder, tick
from trading.events import BaseEvent, IEventBus, InMemoryEventBus


class SmallBus(IEventBus):
    """The least that a bus has to have."""

    async def publish(self, event: BaseEvent) -> None: ...
    async def subscribe(self, event_type: Any, handler: Any, filter: Any = None) -> str:  # noqa: A002 - as the interface
        return "sid"

    async def unsubscribe(self, subscription_id: str) -> None: ...
    async def publish_batch(self, events: Iterable[BaseEvent]) -> None: ...


async def use_all(bus: IEventBus) -> int:
    """What a program does that knows its bus by the interface alone."""
    await bus.subscribe("tick", Recorder())
    bus.publish_nowait(tick(1))
    await bus.join()
    published = bus.statistics().published
    await bus.aclose(timeout_s=1)
    return published


async def test_one_annotation_fits_every_bus() -> None:
    """Turned red by: a declaration that comes before the bus's own method."""
    assert await use_all(InMemoryEventBus()) == 1


async def test_a_bus_of_four_methods_is_one_and_says_what_it_has_not() -> None:
    """Turned red by: making the others abstract."""
    bus = SmallBus()
    await bus.publish(tick(1))
    for call in (bus.join, bus.aclose):
        with pytest.raises(NotImplementedError, match=f"SmallBus has no {call.__name__}"):
            await call()
    with pytest.raises(NotImplementedError, match="SmallBus has no statistics"):
        bus.statistics()
    with pytest.raises(NotImplementedError, match="SmallBus has no publish_nowait"):
        bus.publish_nowait(tick(1))


@pytest.mark.parametrize(
    "name", ["Side", "Liquidity", "PositionSide", "BarInterval", "Start", "utc_now", "__version__"]
)
def test_the_types_of_fields_and_options_are_public(name: str) -> None:
    """Turned red by: a name that is not imported."""
    assert hasattr(trading.events, name)
