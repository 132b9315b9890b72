"""What only some buses have that names an event type: a history, a hybrid bus's patterns, settings."""

import pytest

from trading.events import InMemoryEventBus, create_event_bus
from trading.events.errors import UnknownTopicError, UnknownTopicWarning
from trading.events.hybrid_bus import HybridEventBus
from trading.events.settings import EventBusSettings

URL = "redis://localhost:1"


def test_a_query_of_the_history_is_told_too() -> None:
    """Turned red by: a history that does not ask."""
    with pytest.warns(UnknownTopicWarning, match="did you mean trade"):
        assert InMemoryEventBus(history=10).history.query("trades") == []
    with pytest.raises(UnknownTopicError):
        InMemoryEventBus(history=10, strict_topics=True).history.query("trades")


@pytest.mark.parametrize("option", ["forward", "receive"])
def test_what_a_hybrid_bus_sends_and_hears_is_told_too(option: str) -> None:
    """Turned red by: `receive` without a check."""
    with pytest.warns(UnknownTopicWarning, match="did you mean trade"):
        HybridEventBus(URL, **{option: "trades"})  # type: ignore[arg-type]
    with pytest.raises(UnknownTopicError):
        HybridEventBus(URL, strict_topics=True, **{option: "trades"})  # type: ignore[arg-type]


@pytest.mark.parametrize("scheme", ["memory://", URL, f"hybrid+{URL}"])
def test_settings_make_any_bus_strict(scheme: str) -> None:
    """Turned red by: a setting that one of the buses does not take."""
    variables = {"TRADING_EVENTS_URL": scheme, "TRADING_EVENTS_STRICT_TOPICS": "1"}
    bus = create_event_bus(EventBusSettings.from_environment(variables))
    with pytest.raises(UnknownTopicError):
        bus.on("trades")(print)
