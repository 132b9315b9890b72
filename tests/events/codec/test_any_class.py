"""Events of classes made at random: every form gives them back as they were, or refuses them, and harms no other.

Each batch runs in a process of its own, so that a crash of the interpreter is the failure of one test. The output says
what was being checked, and `python -m tests.events.codec.any_class SEED COUNT` does it again.
"""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import settings

from tests.events.codec.any_class import rule
from tests.events.codec.any_class.classes import Defined
from trading.events import BaseEvent, EventDecodeError, InMemoryEventBus
from trading.events.history import EventHistory
from trading.events.persistence import EventReader

BATCH = 60
BATCHES = max(8, settings().max_examples // BATCH)


@pytest.fixture
def hang_limit_s() -> float:
    return 600.0


@pytest.mark.parametrize("seed", range(BATCHES))
def test_events_of_any_class_are_kept_exactly_or_refused_by_name(seed: int, tmp_path: Path) -> None:
    """Most are kept: to refuse everything would be no proof."""
    command = [sys.executable, "-m", "tests.events.codec.any_class", str(seed), str(BATCH), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    last = tmp_path / "last.txt"
    was_checked = last.read_text() if done.returncode < 0 and last.exists() else ""
    ended = f"ended by {signal.Signals(-done.returncode).name}\n" if done.returncode < 0 else ""
    assert done.returncode == 0, f"{ended}{was_checked}{done.stdout}{done.stderr[-2000:]}"
    tally = json.loads(done.stdout)
    assert tally["classes"] >= BATCH
    assert all(tally["kept"][form] >= BATCH // 4 for form in ("wire", "table", "store")), tally
    assert all(tally["refused"][form] for form in ("wire", "table", "store")), tally


def other(event: BaseEvent) -> BaseEvent:
    """An event that Python tells from this one, though little is amiss."""
    return event.model_copy(update={"metadata": {"lost": None}}) if event.event_type == "checked" else event


def read_other(reader: EventReader, *args: Any, **options: Any) -> list[BaseEvent]:
    return [other(event) for event in _READ(reader, *args, **options)]


def lose_neighbours(reader: EventReader, *args: Any, **options: Any) -> list[BaseEvent]:
    return [event for event in _READ(reader, *args, **options) if event.event_type == "checked"]


def refuse(data: bytes) -> BaseEvent:
    raise EventDecodeError("not any more")


def publish_other(bus: InMemoryEventBus, event: BaseEvent) -> None:
    _PUBLISH(bus, other(event))


def query_other(history: EventHistory) -> list[BaseEvent]:
    return [other(event) for event in _QUERY(history)]


_READ: Callable[..., Any] = EventReader.read_range
_PUBLISH: Callable[..., Any] = InMemoryEventBus.publish_nowait
_QUERY: Callable[..., Any] = EventHistory.query
_DECODE, _FROM_TABLE = rule.decode_event, rule.table_to_events


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ((rule, "decode_event", lambda data: other(_DECODE(data))), "wire: .*came back as"),
        ((rule, "decode_event", refuse), "wire: accepted, then refused: .*not any more"),
        ((rule, "table_to_events", lambda rows: [other(each) for each in _FROM_TABLE(rows)]), "table: .*came back as"),
        ((InMemoryEventBus, "publish_nowait", publish_other), "queue: .*came out as"),
        ((EventHistory, "query", query_other), "history: .*came out as"),
        ((EventReader, "read_range", read_other), "journal: .*came back as"),
        ((EventReader, "read_range", lose_neighbours), "journal: .*came back as"),
        ((rule, "verify", lambda store: ["a fault"]), "verify: .*a fault"),
    ],
)
@pytest.mark.usefixtures("classes_are_forgotten")
def test_the_rule_is_broken_by_a_form_that_breaks_it(
    broken: tuple[Any, str, Any], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class CheckedEvent(BaseEvent):
        event_type: Literal["checked"] = "checked"

    made = Defined([CheckedEvent()], "", lambda: None)
    tally = rule.Tally()
    rule.run(made, tmp_path, tally)
    assert tally.classes == tally.kept["wire"] == tally.kept["table"] == tally.kept["store"] == 1
    monkeypatch.setattr(*broken)
    with pytest.raises(rule.BrokenRuleError, match=f"(?s){said}"):
        rule.run(made, tmp_path, tally)
