"""The rule for events of any class: each form gives an event back as it was, or refuses it, and harms no other."""

import asyncio
import contextlib
import itertools
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.events.codec.any_class.classes import Defined
from tests.events.codec.any_class.exactness import exact, tell
from tests.support.classes.samples import sample
from trading.events import (
    BaseEvent,
    EventDecodeError,
    EventEncodeError,
    HeartbeatEvent,
    InMemoryEventBus,
    TickEvent,
    decode_event,
    encode_event,
    events_to_table,
    table_to_events,
)
from trading.events.errors import UnstorableEventError
from trading.events.persistence import EventReader, ParquetEventWriter, verify

REFUSALS = (EventEncodeError, UnstorableEventError)
_numbers = itertools.count()


class Tally:
    """What has been checked.

    Attributes:
        classes: How many classes.
        kept: How many events came back equal, by form.
        refused: How many were refused, by form.
    """

    def __init__(self) -> None:
        self.classes = 0
        self.kept: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()


class BrokenRuleError(AssertionError):
    """An event came back otherwise, was lost, or harmed another."""


async def check_all(made: Defined, folder: Path, tally: Tally) -> None:
    """Holds every form to the rule.

    Raises:
        BrokenRuleError: One breaks it.
    """
    events = made.events
    before, after = sample(TickEvent), sample(HeartbeatEvent)
    _check_one_by_one("wire", events, lambda event: decode_event(encode_event(event)), tally)
    _check_one_by_one("table", events, _through_a_table, tally)
    await _check_in_memory([before, *events, *events, after])  # texts that come again are kept otherwise
    await _check_store(before, events, after, folder / str(next(_numbers)), tally)
    await _check_defined_again(made, before, after, folder / str(next(_numbers)))
    tally.classes += 1


def _check_one_by_one(
    form: str, events: Sequence[BaseEvent], go: Callable[[BaseEvent], BaseEvent], tally: Tally
) -> None:
    for event in events:
        expected = exact(event)
        try:
            back = go(event)
        except REFUSALS:
            tally.refused[form] += 1
            continue
        except EventDecodeError as wrong:
            raise BrokenRuleError(f"{form}: accepted, then refused: {wrong}") from wrong
        finally:
            _compare(f"{form}, the event itself", [event], [expected])
        _compare(form, [back], [expected])
        tally.kept[form] += 1


def _through_a_table(event: BaseEvent) -> BaseEvent:
    [back] = table_to_events(events_to_table([event]))
    return back


async def _check_in_memory(events: Sequence[BaseEvent]) -> None:
    heard: list[Any] = []
    failures: list[Any] = []
    expected = [exact(event) for event in events]
    async with InMemoryEventBus(history=100, on_error=failures.append) as bus:
        bus._pack_beyond(0)
        await bus.subscribe("*", lambda event: heard.append(exact(event)))
        for event in events:
            bus.publish_nowait(event)
        await bus.join()
        kept = [exact(event) for event in bus.history.query()]
    if failures:
        raise BrokenRuleError(f"queue: {failures[0].error!r}") from failures[0].error
    if heard != expected:
        raise BrokenRuleError(f"queue: {tell(expected)}\ncame out as {tell(heard)}")
    if kept != expected:
        raise BrokenRuleError(f"history: {tell(expected)}\ncame out as {tell(kept)}")


async def _check_store(
    before: BaseEvent, events: Sequence[BaseEvent], after: BaseEvent, store: Path, tally: Tally
) -> None:
    accepted: list[BaseEvent] = []
    async with ParquetEventWriter(store) as writer:
        for event in (before, *events, after):
            try:
                await writer.write_event(event)
                accepted.append(event)
            except REFUSALS:
                if event is before or event is after:
                    raise
        expected = sorted((event.timestamp, number, exact(event)) for number, event in enumerate(accepted))
        wanted = [each for _, _, each in expected]
        _compare("journal", list(EventReader(store).read_range()), wanted)
        await writer.flush(seal=True)
        _compare("Parquet", list(EventReader(store).read_range()), wanted)
    _compare("Parquet, closed", list(EventReader(store).read_range()), wanted)
    if faults := list(verify(store)):
        raise BrokenRuleError(f"verify: {faults}")
    tally.kept["store"] += len(accepted) - 2
    tally.refused["store"] += len(events) + 2 - len(accepted)
    shutil.rmtree(store)


async def _check_defined_again(made: Defined, before: BaseEvent, after: BaseEvent, store: Path) -> None:
    """Defines a class anew while events of the old one wait in a queue, in the history, and in a journal."""
    heard: list[Any] = []
    failures: list[Any] = []
    all_events = [before, *made.events, after]
    expected = [exact(event) for event in all_events]
    async with (
        InMemoryEventBus(history=100, on_error=failures.append) as bus,
        ParquetEventWriter(store) as writer,
    ):
        bus._pack_beyond(0)
        await bus.subscribe("*", lambda event: heard.append(exact(event)))
        for event in all_events:
            bus.publish_nowait(event)
            with contextlib.suppress(*REFUSALS):
                await writer.write_event(event)
        made.define_again()
        await bus.join()
        kept = [exact(event) for event in bus.history.query()]
    if failures or heard != expected or kept != expected:
        raise BrokenRuleError(f"defined again: {tell(expected)}\ncame out as {tell(heard)}, {tell(kept)}, {failures}")
    _check_neighbours(store, [exact(before), exact(after)])


def _check_neighbours(store: Path, neighbours: list[Any]) -> None:
    found = [exact(event) for event in EventReader(store).read_range(invalid="skip")]
    if missing := [each for each in neighbours if each not in found]:
        raise BrokenRuleError(f"defined again: {tell(missing)} are missing in {tell(found)}")
    shutil.rmtree(store)


def _compare(form: str, found: Sequence[BaseEvent], expected: list[Any]) -> None:
    got = [exact(event) for event in found]
    if got != expected:
        raise BrokenRuleError(f"{form}: {tell(expected)}\ncame back as {tell(got)}")


def run(made: Defined, folder: Path, tally: Tally) -> None:
    """Checks events in a loop of their own."""
    asyncio.run(check_all(made, folder, tally))
