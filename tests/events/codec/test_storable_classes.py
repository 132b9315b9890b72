"""Whatever class a user defines: an event of it comes back equal from every form, or is refused by name at the door."""

import asyncio
from pathlib import Path

import pytest

from tests.support.classes.odd_classes import CausedEvent, Make, Node, field
from tests.support.classes.odd_events import KEPT, REFUSED
from tests.support.recording import files_of, journal_of, read, tick
from trading.events import (
    BaseEvent,
    InMemoryEventBus,
    TickEvent,
    decode_batch,
    decode_event,
    describe,
    encode_batch,
    encode_event,
    events_to_table,
    table_to_events,
)
from trading.events._codec.exactness import is_same
from trading.events.errors import EventEncodeError, StoreError, UnstorableEventError
from trading.events.persistence import ParquetEventWriter

pytestmark = pytest.mark.usefixtures("classes_are_forgotten")

KEPT_CASES = [pytest.param(make, id=name) for name, make in KEPT]
REFUSED_CASES = [pytest.param(make, words, id=name) for name, make, words in REFUSED]


async def through_bus(event: BaseEvent) -> list[BaseEvent]:
    """What a handler and the history have of an event that waits behind others, between two ticks."""
    heard: list[BaseEvent] = []
    async with InMemoryEventBus(history=8) as bus:
        bus._pack_beyond(0)
        await bus.subscribe("*", heard.append)
        for each in (tick(1), event, tick(2)):
            bus.publish_nowait(each)
        kept = bus.history.query()
    assert heard[::2] == kept[::2] == [tick(1), tick(2)]
    return [heard[1], kept[1]]


@pytest.mark.parametrize("make", KEPT_CASES)
def test_an_event_that_is_taken_comes_back_equal_from_every_form(make: Make, tmp_path: Path) -> None:
    """Turned red by: a recursive model described natively; events of an abstract class cut to its fields."""
    event = make()
    [from_table] = table_to_events(events_to_table([event]))
    [_, from_batch] = decode_batch(encode_batch([tick(0), event]))
    again = [*asyncio.run(through_bus(event)), decode_event(encode_event(event)), from_batch, from_table]

    async def record() -> None:
        async with ParquetEventWriter(tmp_path) as writer:
            await writer.write_batch([tick(1), event, tick(2)])
            await writer.flush()
            again.extend(found for found in read(tmp_path) if type(found) is type(event))
            await writer.flush(seal=True)
            assert not [name for name in journal_of(tmp_path) if "refused" in name]

    asyncio.run(record())
    again += [found for found in read(tmp_path) if type(found) is type(event)]
    assert len(again) == 7
    assert len(files_of(tmp_path)) >= 2
    for found in again:
        assert is_same(found, event), (found, event)


@pytest.mark.parametrize(("make", "words"), REFUSED_CASES)
def test_an_event_that_would_not_is_refused_at_each_door_and_is_an_event_like_any_other_in_memory(
    make: Make, words: str, tmp_path: Path
) -> None:
    """Turned red by: packing what is refused; proving by `==` alone; no bound of an int's length."""
    event = make()
    for encode in (encode_event, lambda event: encode_batch([event]), lambda event: events_to_table([event])):
        with pytest.raises(UnstorableEventError, match=r"(?s)" + words if encode is encode_event else None) as refused:
            encode(event)
        assert type(event).__name__.split("[", maxsplit=1)[0] in str(refused.value)
        assert len(str(refused.value)) < 1_500
        assert "hush" not in str(refused.value)

    async def record() -> None:
        async with ParquetEventWriter(tmp_path) as writer:
            await writer.write_event(tick(1))
            with pytest.raises(UnstorableEventError, match=event.event_id):
                await writer.write_event(event)
            with pytest.raises(UnstorableEventError, match=event.event_id):
                await writer.write_batch([event])
            await writer.write_event(tick(2))
            await writer.flush(seal=True)

    asyncio.run(record())
    assert read(tmp_path) == [tick(1), tick(2)]
    for found in asyncio.run(through_bus(event)):
        assert found is event or is_same(found, event)


def test_the_error_is_one_of_encoding_and_one_of_the_store() -> None:
    assert issubclass(UnstorableEventError, EventEncodeError)
    assert issubclass(UnstorableEventError, StoreError)
    assert issubclass(UnstorableEventError, ValueError)


def test_describe_says_how_each_field_is_kept_and_why() -> None:
    """Turned red by: a reason that is left out."""
    described = describe(type(field(Node, Node(price=1))()))
    assert described.how == "pydantic"
    assert str(described).splitlines()[-1] == "  value: pydantic (Node contains itself)"
    assert str(described).splitlines()[0] == "OddEvent: pydantic"
    ways = {each.name: (each.how, each.reason) for each in describe(CausedEvent).fields}
    assert ways["timestamp"] == ("native", None)
    assert ways["order"] == ("pydantic", "OrderEvent stands for events of several classes")
    assert describe(TickEvent).how == "native"
    refused = {name: describe(type(make())) for name, make, _ in REFUSED[:5]}
    assert {each.how for each in refused.values()} == {"unstorable"}
    boxed = describe(type(next(make for name, make, _ in REFUSED if name == "a generic class with an argument")()))
    assert boxed.how == "unstorable"
    assert boxed.reason
