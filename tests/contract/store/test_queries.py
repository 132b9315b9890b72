"""Every query of every reader, about any recording: what a plain filter over a list of all events gives."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from operator import attrgetter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.store.queries import Query, queries, recordings, spans
from tests.support.stores.kinds import ARCTIC_BYTES
from trading.events._codec.micros import to_micros
from trading.events._core import compose_topic
from trading.events.base import BaseEvent
from trading.events.memory_bus import InMemoryEventBus
from trading.events.persistence import (
    ArcticEventReader,
    ArcticEventWriter,
    EventRange,
    EventReader,
    IEventReader,
    ParquetEventWriter,
    compact,
)
from trading.events.persistence.replay.event_range import EventChunks
from trading.events.persistence.selection import Selection

Batches = list[list[BaseEvent]]


class ListReader(IEventReader):
    """A reader that has only what it must have; all else is the interface's."""

    def __init__(self, events: list[BaseEvent]) -> None:
        self._events = sorted(events, key=attrgetter("timestamp"))

    def _read(self, selection: Selection) -> EventChunks:
        for event in self._events:
            moment = to_micros(event.timestamp)
            if selection.wants_topic(event) and selection.overlaps(moment, moment):
                yield selection.keep([event])


@asynccontextmanager
async def in_a_list(_: Path, batches: Batches) -> AsyncGenerator[IEventReader]:
    yield ListReader([event for batch in batches for event in batch])


@asynccontextmanager
async def in_files(folder: Path, batches: Batches) -> AsyncGenerator[IEventReader]:
    for batch in batches or [[]]:
        async with ParquetEventWriter(folder) as writer:
            await writer.write_batch(batch)
    yield EventReader(folder)


@asynccontextmanager
async def in_files_merged(folder: Path, batches: Batches) -> AsyncGenerator[IEventReader]:
    async with in_files(folder, batches) as reader:
        compact(folder)
        yield reader


@asynccontextmanager
async def in_the_journal(folder: Path, batches: Batches) -> AsyncGenerator[IEventReader]:
    async with ParquetEventWriter(folder) as writer:
        for batch in batches:
            await writer.write_batch(batch)
        yield EventReader(folder)


@asynccontextmanager
async def in_files_and_the_journal(folder: Path, batches: Batches) -> AsyncGenerator[IEventReader]:
    async with ParquetEventWriter(folder) as writer:
        for batch in batches:
            await writer.flush(seal=True)
            await writer.write_batch(batch)
        yield EventReader(folder)


@asynccontextmanager
async def in_arctic(folder: Path, batches: Batches) -> AsyncGenerator[IEventReader]:
    async with ArcticEventWriter(folder, capacity_bytes=ARCTIC_BYTES) as writer:
        for batch in batches:
            await writer.write_batch(batch)
            await writer.flush()
    yield ArcticEventReader(folder, capacity_bytes=ARCTIC_BYTES)


PLACES = [in_a_list, in_files, in_files_merged, in_the_journal, in_files_and_the_journal, in_arctic]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
@settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow])
@given(batches=recordings, asked=st.lists(queries, min_size=1, max_size=3))
def test_a_query_gives_what_a_filter_over_a_list_gives(
    tmp_path_factory: pytest.TempPathFactory, place: Callable[..., object], batches: Batches, asked: list[Query]
) -> None:
    async def ask_all() -> None:
        async with place(tmp_path_factory.mktemp("place") / "store", batches) as reader:
            for query in asked:
                await check(reader, query, [event for batch in batches for event in batch])

    asyncio.run(ask_all())


async def check(reader: IEventReader, query: Query, recorded: list[BaseEvent]) -> None:
    """Asks everything that can be asked, of a range of time and of all of it."""
    start, end, criteria = query
    chosen = query.choose(sorted(recorded, key=attrgetter("timestamp")))
    expected = query.cut(chosen)
    ids = [event.event_id for event in expected]
    assert list(reader.read_range(start, end, **criteria)) == expected
    assert await collect(reader.read_range(start, end, **criteria)) == expected
    assert await replayed(reader, query) == expected
    assert reader.read_table(start, end, exact=True, **criteria)["event_id"].to_pylist() == ids
    assert reader.to_polars(start, end, columns=["event_id"], **criteria)["event_id"].to_list() == ids
    assert reader.to_pandas(start, end, columns=["event_id"], **criteria)["event_id"].tolist() == ids
    assert reader.count(start, end, **criteria) == len(expected)
    assert reader.time_span(**criteria) == ((chosen[0].timestamp, chosen[-1].timestamp) if chosen else None)
    if end is not None:
        before = [event for event in chosen if event.timestamp < end]
        assert reader.last_before(end, **criteria) == (before[-1] if before else None)
    topics = {
        compose_topic(topic.event_type, topic.exchange, topic.symbol): (topic.rows, topic.first, topic.last)
        for topic in reader.topics(start, end, **criteria)
    }
    if isinstance(reader, EventReader) and (criteria["filter"] is not None or query[:2] != (None, None)):
        assert spans(expected).keys() <= topics.keys()  # it tells of whole files
    else:
        assert topics == spans(expected)


async def collect(events: EventRange) -> list[BaseEvent]:
    return [event async for event in events]


async def replayed(reader: IEventReader, query: Query) -> list[BaseEvent]:
    heard: list[BaseEvent] = []
    async with InMemoryEventBus() as bus:
        await bus.subscribe("*", heard.append)
        await reader.replay(bus, query.start, query.end, speed=None, **query.criteria)
    return heard
