import inspect

import pytest

from trading.events import InMemoryEventBus

OPTIONS = ["capacity", "overflow", "delivery", "on_gap", "name", "start"]


def test_the_signatures_of_subscribe_and_on_show_each_option_with_its_default() -> None:
    """Turned red by: `spell_out_options` not being called."""
    subscribe = inspect.signature(InMemoryEventBus.subscribe).parameters
    on = inspect.signature(InMemoryEventBus.on).parameters
    assert list(subscribe) == ["self", "event_type", "handler", "filter", *OPTIONS, "store"]
    assert list(on) == ["self", "event_type", "filter", *OPTIONS]
    for each in (subscribe, on):
        assert [each[name].default for name in OPTIONS] == [100_000, "block", "queued", None, None, "new"]


async def test_an_option_that_subscribe_does_not_take_is_named_with_those_that_it_takes() -> None:
    """Turned red by: `check_options` returning at once."""
    async with InMemoryEventBus() as bus:
        with pytest.raises(TypeError, match=r"^subscribe\(\) got .*'capcity'; it takes capacity, .*, start, store$"):
            await bus.subscribe("tick", print, capcity=5)  # type: ignore[call-overload]
        with pytest.raises(TypeError, match=r"^on\(\) got an unexpected .*'store'; it takes capacity, .*, start$"):
            bus.on("tick", store=None)  # type: ignore[call-arg]
        assert not bus.statistics().subscriptions
