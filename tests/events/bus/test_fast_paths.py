"""The native part reads layouts of Python objects where they are known, and comes to the same where they are not."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

OFF = "TRADING_EVENTS_TEST_NO_FAST_PATHS"
COMPARED = ("encoded", "events", "given")
PATHS = {"decimal_layout", "member_slots", "untracked_events", "finished_awaitable"}

PROGRAM = """
import asyncio
import gc
import json
from datetime import UTC, datetime
from decimal import Decimal

from tests.support.classes.samples import SAMPLES, sample
from trading.events import InMemoryEventBus, _core, decode_event, encode_event, events_to_table, table_to_events

FIXED = {"event_id": "0" * 32, "timestamp": datetime(2026, 1, 2, tzinfo=UTC)}
ODD = {"legs": [{"ratio": 0.5, "venue": None}, []], "note": {}}
PRICES = [Decimal(text) for text in ("0.00", "1E+5", "1E-30", "9" * 38, "9" * 50 + ".5")]

events = [sample(cls, **FIXED, metadata=metadata) for cls in SAMPLES for metadata in ({}, ODD)]
ticks = [event.model_copy(update={"bid": price}) for event in events if event.event_type == "tick" for price in PRICES]
events += ticks


async def through_a_bus():
    heard = []
    async with InMemoryEventBus() as bus:
        bus._pack_beyond(0)
        await bus.subscribe("*", heard.append)
        for event in events:
            await bus.publish(event)
        await bus.publish_batch(events)
    return heard


ways = {
    "bytes": [decode_event(encode_event(event)) for event in events],
    "table": table_to_events(events_to_table(events)),
    "bus": asyncio.run(through_a_bus()),
}
for name, found in ways.items():
    assert found == events * (len(found) // len(events)), name
print(
    json.dumps(
        {
            "paths": _core.fast_paths(),
            "encoded": [encode_event(event).hex() for event in events],
            "events": {name: [repr(event) for event in found] for name, found in ways.items()},
            "given": [sorted(event.model_fields_set) for event in ways["bytes"]],
            "tracked": [gc.is_tracked(event) for event in ways["bytes"]],
        }
    )
)
"""


def outcome(*, with_fast_paths: bool) -> dict[str, Any]:
    environment = {name: value for name, value in os.environ.items() if name != OFF}
    if not with_fast_paths:
        environment[OFF] = "1"
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def fast() -> dict[str, Any]:
    return outcome(with_fast_paths=True)


def test_fast_paths_are_taken_on_the_versions_whose_layouts_are_known(fast: dict[str, Any]) -> None:
    """Turned red by: a field out of its place in a layout, or a version left out."""
    is_known = sys.implementation.name == "cpython" and (3, 11) <= sys.version_info < (3, 14)
    assert fast["paths"] == dict.fromkeys(PATHS, is_known)


def test_without_fast_paths_everything_comes_out_the_same(fast: dict[str, Any]) -> None:
    """Turned red by: a slot left empty, or another decimal, where a fast path is not taken."""
    plain = outcome(with_fast_paths=False)
    assert plain["paths"] == dict.fromkeys(PATHS, False)
    assert all(plain["tracked"])
    assert {name: plain[name] for name in COMPARED} == {name: fast[name] for name in COMPARED}
