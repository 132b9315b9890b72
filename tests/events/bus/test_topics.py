"""Topics and patterns mean what the table `tests/data/topics.toml` says, natively and on a bus."""

import asyncio
import re
import tomllib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.places import DATA
from trading.events import BaseEvent, InMemoryEventBus, TickEvent, _core, event_class
from trading.events.errors import PatternError, TradingEventsError

TABLE: dict[str, list[dict[str, Any]]] = tomllib.loads((DATA / "topics.toml").read_text(encoding="utf-8"))

SAID_OF = {
    "blank": "blank",
    "empty_segment": "empty",
    "control": "control character",
    "prefix": "starts with 'events.'",
    "placeholder": "stands for none",
    "reserved": "reserved character",
    "event_type": "lower-case letter",
}


def names(table: str) -> list[Any]:
    return [pytest.param(name, id=ascii(name)) for row in TABLE[table] for name in row["names"]]


def refused_names(table: str) -> list[Any]:
    return [pytest.param(name, SAID_OF[row["reason"]], id=ascii(name)) for row in TABLE[table] for name in row["names"]]


def pairs(column: str) -> list[Any]:
    return [
        pytest.param(row["pattern"], topic, id=ascii(f"{row['pattern']} {topic}"))
        for row in TABLE["pattern"]
        for topic in row.get(column, [])
    ]


def test_the_table_holds_at_least_a_hundred_cases() -> None:
    texts = len(TABLE["pattern"]) + len(TABLE["no_pattern"]) + len(TABLE["topic"])
    assert texts + len(pairs("matches")) + len(pairs("misses")) >= 100


@pytest.mark.parametrize(("pattern", "topic"), pairs("matches"))
def test_a_pattern_matches(pattern: str, topic: str) -> None:
    assert _core.matches(pattern, topic)


@pytest.mark.parametrize(("pattern", "topic"), pairs("misses"))
def test_a_pattern_does_not_match(pattern: str, topic: str) -> None:
    assert not _core.matches(pattern, topic)


@pytest.mark.parametrize("row", TABLE["pattern"], ids=lambda row: ascii(row["pattern"]))
def test_a_pattern_has_one_normal_form(row: dict[str, Any]) -> None:
    assert _core.normalize_pattern(row["pattern"]) == row["normal"]
    assert _core.normalize_pattern(row["normal"]) == row["normal"]


@pytest.mark.parametrize("row", TABLE["no_pattern"], ids=lambda row: ascii(row["text"]))
def test_a_text_that_is_no_pattern_is_refused_with_its_reason(row: dict[str, Any]) -> None:
    for call in (_core.normalize_pattern, lambda text: _core.matches(text, "events.tick.binance.BTC/USDT")):
        with pytest.raises(PatternError, match=re.escape(SAID_OF[row["reason"]])):
            call(row["text"])


@pytest.mark.parametrize("row", TABLE["topic"], ids=lambda row: ascii(row["text"]))
def test_a_topic_is_composed_of_its_parts_and_matches_itself(row: dict[str, Any]) -> None:
    text = _core.compose_topic(row["event_type"], row.get("exchange"), row.get("symbol"))
    assert text == row["text"]
    assert _core.matches("*", text)
    assert _core.matches(text, text)


@pytest.mark.parametrize("name", names("event_type"))
def test_an_event_type(name: str) -> None:
    assert _core.check_event_type(name) == name


@pytest.mark.parametrize("name", names("exchange"))
def test_an_exchange(name: str) -> None:
    assert _core.check_exchange(name) == name
    assert _core.matches(f"events.tick.{name}", _core.compose_topic("tick", name, "X"))


@pytest.mark.parametrize("name", names("symbol"))
def test_a_symbol(name: str) -> None:
    assert _core.check_symbol(name) == name
    assert _core.matches(f"events.tick.x.{name}", _core.compose_topic("tick", "x", name))


@pytest.mark.parametrize(("name", "said"), refused_names("no_event_type"))
def test_no_event_type(name: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        _core.check_event_type(name)


@pytest.mark.parametrize(("name", "said"), refused_names("no_exchange"))
def test_no_exchange(name: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        _core.check_exchange(name)


@pytest.mark.parametrize(("name", "said"), refused_names("no_symbol"))
def test_no_symbol(name: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        _core.check_symbol(name)


@pytest.mark.parametrize(
    "check", [_core.check_event_type, _core.check_exchange, _core.check_symbol, _core.normalize_pattern]
)
def test_half_a_surrogate_pair_is_no_name_and_no_pattern(check: Callable[[str], str]) -> None:
    with pytest.raises(ValueError, match=r"surrogate|lower-case"):
        check("a\ud800b")


@pytest.mark.parametrize("wrong", [None, 1, b"tick", ["tick"]])
def test_what_is_no_text_is_no_pattern(wrong: Any) -> None:
    with pytest.raises(TypeError):
        _core.normalize_pattern(wrong)


def test_a_pattern_error_is_a_value_error_and_one_of_ours() -> None:
    assert issubclass(PatternError, ValueError)
    assert issubclass(PatternError, TradingEventsError)


def test_a_pattern_error_names_the_text() -> None:
    with pytest.raises(PatternError, match=re.escape('"tick.binance"')):
        _core.normalize_pattern("tick.binance")


ALPHABET = "ab.*?[]\\^$+(){}|/_ é\u0301\U0001f680"
TEXTS = st.text(ALPHABET, min_size=1, max_size=8)


def naive_segment(glob: str) -> str:
    """A regular expression for one segment, every character but the two wildcards escaped."""
    return "".join({"*": "(?s:.*)", "?": "(?s:.)"}.get(char, re.escape(char)) for char in glob)


def naive_matches(pattern: str, topic: str) -> bool | None:
    """What section 4 says, by way of regular expressions; None where the pattern is none."""
    parts = pattern.split(".", 3)
    if not pattern.strip() or not all(parts):
        return None
    if len(parts) == 1:
        parts.insert(0, "events")
    first, *rest = parts
    if not re.fullmatch(naive_segment(first), "events"):
        return None
    rest += ["*"] * (3 - len(rest))
    segments = topic.split(".", 3)
    if len(segments) != 4 or segments[0] != "events" or not all(segments):
        return False
    return all(
        re.fullmatch(naive_segment(glob), text) is not None for glob, text in zip(rest, segments[1:], strict=True)
    )


@given(pattern=TEXTS | TEXTS.map("events.{}".format), topic=TEXTS.map("events.{}".format))
@example(pattern="events.a.b.*", topic="events.a.b.")
def test_the_native_matcher_agrees_with_a_naive_one(pattern: str, topic: str) -> None:
    expected = naive_matches(pattern, topic)
    if expected is None:
        with pytest.raises(PatternError):
            _core.matches(pattern, topic)
    else:
        assert _core.matches(pattern, topic) is expected


@given(
    glob=st.text("a*?\U0001f680", min_size=1, max_size=10),
    symbol=st.text("ab\U0001f680", min_size=1, max_size=12),
)
def test_wildcards_agree_with_a_naive_matcher_where_they_crowd(glob: str, symbol: str) -> None:
    expected = re.fullmatch(naive_segment(glob), symbol) is not None
    assert _core.matches(f"events.tick.x.{glob}", f"events.tick.x.{symbol}") is expected


@given(TEXTS)
def test_a_name_that_is_accepted_can_be_composed_and_found_again(name: str) -> None:
    try:
        _core.check_symbol(name)
    except ValueError:
        return
    topic = _core.compose_topic("tick", "x", name)
    assert _core.matches(f"events.tick.x.{name}", topic)
    assert not _core.matches(f"events.tick.y.{name}", topic)


def events_of_the_table() -> dict[str, BaseEvent]:
    """An event for every topic of the table whose parts an event of ours can have; its id is its topic."""
    events: dict[str, BaseEvent] = {}
    for row in TABLE["pattern"]:
        for topic in row.get("matches", []) + row.get("misses", []):
            prefix, event_type, exchange, symbol = [*topic.split(".", 3), "", "", ""][:4]
            cls: Any = event_class(event_type)
            if prefix != "events" or cls is None or not (is_name(exchange) and is_name(symbol)):
                continue
            parts = {"exchange": exchange, "symbol": symbol}
            known = {place: name for place, name in parts.items() if name != "_"}
            nothing = dict.fromkeys(parts)
            events[topic] = cls.model_construct(event_id=topic, **(nothing | known))
    return events


def noting_ids(note: Callable[[str], None]) -> Callable[[BaseEvent], None]:
    """A handler that notes the ids of events."""
    return lambda event: note(event.event_id)


def is_name(text: str) -> bool:
    """Whether a part of a topic is a name or the placeholder."""
    try:
        return text == "_" or bool(_core.check_symbol(text))
    except ValueError:
        return False


@pytest.mark.filterwarnings("ignore::trading.events.errors.UnknownTopicWarning")
async def test_a_bus_routes_by_the_table() -> None:
    events = events_of_the_table()
    assert len(events) >= 60
    heard: dict[str, set[str]] = {row["pattern"]: set() for row in TABLE["pattern"]}
    async with InMemoryEventBus() as bus:
        for pattern, topics in heard.items():
            await bus.subscribe(pattern, noting_ids(topics.add))
        await bus.publish_batch(list(events.values()))
    for row in TABLE["pattern"]:
        assert heard[row["pattern"]] >= {topic for topic in row.get("matches", []) if topic in events}
        assert heard[row["pattern"]].isdisjoint(row.get("misses", []))
        assert heard[row["pattern"]] == {topic for topic in events if _core.matches(row["pattern"], topic)}


@pytest.mark.filterwarnings("ignore::trading.events.errors.UnknownTopicWarning")
@given(patterns=st.lists(TEXTS.map("events.{}".format), max_size=6), symbols=st.lists(TEXTS, max_size=6))
def test_a_bus_routes_as_the_matcher_says(patterns: list[str], symbols: list[str]) -> None:
    patterns = [pattern for pattern in patterns if naive_matches(pattern, "") is not None]
    patterns += [f"events.*.?.{symbol}" for symbol in symbols]
    unchecked: Any = TickEvent.model_construct
    events = [
        unchecked(event_id=f"events.tick.{exchange}.{symbol}", exchange=exchange, symbol=symbol)
        for symbol in symbols
        if is_name(symbol) and symbol != "_"
        for exchange in "ab"
    ]

    async def route() -> list[list[str]]:
        heard: list[list[str]] = [[] for _ in patterns]
        async with InMemoryEventBus() as bus:
            for pattern, ids in zip(patterns, heard, strict=True):
                await bus.subscribe(pattern, noting_ids(ids.append))
            await bus.publish_batch(events)
        return heard

    for pattern, ids in zip(patterns, asyncio.run(route()), strict=True):
        assert ids == [event.event_id for event in events if naive_matches(pattern, event.event_id)]
