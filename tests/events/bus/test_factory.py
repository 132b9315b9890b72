"""A bus by its URL, and settings from the environment."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from trading.events import EventBusSettings, HybridEventBus, InMemoryEventBus, RedisEventBus, create_event_bus
from trading.events.errors import UnknownSettingWarning
from trading.events.transport.options import TransportOptions


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("memory://", InMemoryEventBus),
        ("redis://localhost:6379/0", RedisEventBus),
        ("rediss://user:secret@localhost", RedisEventBus),
        ("unix:///run/redis.sock", RedisEventBus),
        ("redis+cluster://:secret@one:7000,two:7001", RedisEventBus),
        ("rediss+sentinel://one,two/service/0", RedisEventBus),
        ("hybrid+redis+cluster://one", HybridEventBus),
        ("hybrid+redis://localhost", HybridEventBus),
        ("hybrid+rediss://localhost", HybridEventBus),
    ],
)
def test_the_scheme_says_which_bus_it_is(url: str, kind: type) -> None:
    """Turned red by: a scheme that is left out of `_maker`."""
    assert type(create_event_bus(url, name="x")) is kind


@pytest.mark.parametrize(
    "url", ["", "localhost:6379", "kafka://x", "hybrid+memory://", "http://:secret@x", "redis+x://:secret@x"]
)
def test_a_scheme_that_is_none_is_refused_without_the_rest_of_the_url(url: str) -> None:
    """Turned red by: repeating the whole URL in the message."""
    with pytest.raises(ValueError, match="memory, redis") as caught:
        create_event_bus(url)
    assert "secret" not in str(caught.value)


def test_an_option_that_a_bus_does_not_have_is_a_type_error() -> None:
    """Turned red by: dropping options that are not known."""
    with pytest.raises(TypeError):
        create_event_bus("memory://", group="g")


def test_settings_come_from_the_environment_and_arguments_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Turned red by: reading other names, or the environment last."""
    variables = {
        "URL": "redis://localhost/1",
        "MODE": "streams",
        "GROUP": "g",
        "SHARDS": "4",
        "NAME": "",
        "STORE_PATH": "/x",
    }
    for name, value in variables.items():
        monkeypatch.setenv(f"TRADING_EVENTS_{name}", value)
    bus = create_event_bus(shards=8)
    assert isinstance(bus, RedisEventBus)
    assert (bus.options.mode, bus.options.group, bus.options.shards, bus.name) == ("streams", "g", 8, "event-bus")
    assert EventBusSettings.from_environment().store_path == Path("/x")


def test_every_option_of_a_transport_may_come_from_the_environment() -> None:
    """Turned red by: an option that is left out of the settings, or has another default in them than none."""
    names = {field.name for field in dataclasses.fields(TransportOptions)}
    assert names <= EventBusSettings.model_fields.keys()
    found = EventBusSettings.from_environment({"TRADING_EVENTS_PING_INTERVAL_S": "0.5"})
    assert found.options() == {"ping_interval_s": 0.5}


@pytest.mark.parametrize(
    ("variable", "hint"),
    [
        ("TRADING_EVENTS_OUTBOX_CAPCITY", "did you mean OUTBOX_CAPACITY?"),
        ("TRADING_EVENTS_URI", "did you mean URL?"),
        ("TRADING_EVENTS_COLOUR_OF_THE_SEA", "EventBusSettings lists those that there are"),
        ("TRADING_EVENTS_", "EventBusSettings lists those that there are"),
    ],
)
def test_a_variable_that_is_named_like_a_setting_and_is_none_is_told_of(variable: str, hint: str) -> None:
    with pytest.warns(UnknownSettingWarning, match=f"^{variable} is no setting; {re.escape(hint)}$") as told:
        found = EventBusSettings.from_environment({variable: "1", "TRADING_EVENTS_SHARDS": "2"})
    assert found.options() == {"shards": 2}
    assert [warning.filename for warning in told] == [__file__]


def test_variables_of_others_and_of_tests_are_no_settings() -> None:
    assert not EventBusSettings.from_environment({"OUTBOX_CAPCITY": "1", "TRADING_EVENTS_TEST_URL": "x"}).options()


def test_without_any_settings_it_is_a_bus_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Turned red by: a default that needs a server."""
    monkeypatch.delenv("TRADING_EVENTS_URL", raising=False)
    assert type(create_event_bus()) is InMemoryEventBus


@pytest.mark.parametrize("wrong", [{"mode": "x"}, {"shards": 0}, {"unknown": 1}, {"claim_idle_s": -1}])
def test_impossible_settings_are_refused(wrong: dict[str, Any]) -> None:
    """Turned red by: taking any value."""
    with pytest.raises(ValidationError):
        EventBusSettings(**wrong)


def test_settings_do_not_show_a_password() -> None:
    """Turned red by: a URL that is plain text."""
    assert "secret" not in repr(EventBusSettings.model_validate({"url": "redis://:secret@localhost"}))
