"""What was accepted is never refused or changed later: functions that a class adds are called once an event."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from uuid import uuid4

import pytest

from tests.events.codec.converting_classes import CASES
from tests.support.classes.converting import CALLS, FIELDS
from tests.support.classes.odd_fields import define
from tests.support.recording import files_of, read
from tests.support.server.process import Server
from trading.events import (
    BaseEvent,
    InMemoryEventBus,
    RedisEventBus,
    decode_event,
    encode_event,
    events_to_table,
    table_to_events,
)
from trading.events._core import RowTable
from trading.events.persistence import EventReader, ParquetEventWriter

pytestmark = pytest.mark.usefixtures("classes_are_forgotten", "calls_are_forgotten")

Form = Callable[[BaseEvent, Path], Awaitable[BaseEvent]]
Make = Callable[[], BaseEvent]


async def bytes_of_the_wire(event: BaseEvent, _: Path) -> BaseEvent:
    return decode_event(encode_event(event))


async def a_packed_row(event: BaseEvent, _: Path) -> BaseEvent:
    table = RowTable()
    return table.unpack(table.pack(event))


async def a_table(event: BaseEvent, _: Path) -> BaseEvent:
    [again] = table_to_events(events_to_table([event]))
    return again


async def a_queue(event: BaseEvent, _: Path) -> BaseEvent:
    heard: list[BaseEvent] = []
    async with InMemoryEventBus() as bus:
        bus._pack_beyond(0)
        await bus.subscribe("*", heard.append)
        bus.publish_nowait(event)
    [again] = heard
    return again


async def the_history(event: BaseEvent, _: Path) -> BaseEvent:
    async with InMemoryEventBus(history=10) as bus:
        await bus.publish(event)
        [again] = bus.history.query()
    return again


async def the_journal(event: BaseEvent, store: Path) -> BaseEvent:
    async with ParquetEventWriter(store) as writer:
        await writer.write_event(event)
        await writer.flush()
        [again] = await asyncio.to_thread(read, store)
    return again


async def parquet(event: BaseEvent, store: Path) -> BaseEvent:
    async with ParquetEventWriter(store) as writer:
        await writer.write_event(event)
    assert await asyncio.to_thread(files_of, store)
    [again] = await asyncio.to_thread(read, store)
    return again


async def a_replay(event: BaseEvent, store: Path) -> BaseEvent:
    await parquet(event, store)
    heard: list[BaseEvent] = []
    async with InMemoryEventBus() as bus:
        await bus.subscribe("*", heard.append)
        await EventReader(store).replay(bus, speed=None)
    [again] = heard
    return again


FORMS: list[Form] = [bytes_of_the_wire, a_packed_row, a_table, a_queue, the_history, the_journal, parquet, a_replay]
STORED: list[Form] = [the_journal, parquet, a_replay]
MADE: dict[str, Make] = {
    **{f"a field of {name}": lambda of=of, value=value: define(of)(value=value) for name, of, value in FIELDS},
    **CASES,
}


TABLE = [
    pytest.param(make, form, id=f"{name} in {form.__name__}")
    for name, make in MADE.items()
    for form in FORMS
    if name != "other fields of a type" or form not in STORED  # files have no column for fields that are not known
]


@pytest.mark.parametrize(("make", "form"), TABLE)
async def test_an_event_comes_back_equal_and_nothing_is_asked_again(make: Make, form: Form, tmp_path: Path) -> None:
    """Turned red by: building by Pydantic's own schema; leaving out any kind of function that is added."""
    event = make()
    calls = dict(CALLS)
    again = await form(event, tmp_path)
    assert again == event
    assert repr(again) == repr(event)
    assert calls == CALLS


@pytest.fixture
async def pair(server: Server) -> AsyncIterator[tuple[RedisEventBus, RedisEventBus]]:
    """Two buses over a server."""
    namespace = uuid4().hex
    async with (
        RedisEventBus(server.url, namespace=namespace) as one,
        RedisEventBus(server.url, namespace=namespace) as other,
    ):
        yield one, other


@pytest.mark.parametrize("name", [*CASES, "a field of tree in a set", "a field of plain"])
async def test_an_event_is_heard_equal_over_a_server(pair: tuple[RedisEventBus, RedisEventBus], name: str) -> None:
    one, other = pair
    heard: list[BaseEvent] = []
    event = MADE[name]()
    await other.subscribe("odd", heard.append)
    calls = dict(CALLS)
    await one.publish(event)
    await one.join()
    await other.join()
    assert heard == [event]
    assert calls == CALLS
