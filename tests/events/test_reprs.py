"""The repr of a thing says what it is."""

from datetime import UTC, datetime
from pathlib import Path

from tests.support.doubles import tick
from trading.events import InMemoryEventBus
from trading.events.persistence import EventReader, ParquetEventWriter, Replay


async def test_each_thing_says_what_it_is(tmp_path: Path) -> None:
    """Turned red by: leaving any of them to `object.__repr__`."""
    async with ParquetEventWriter(tmp_path) as writer:
        await writer.write_event(tick(1))
        assert repr(writer) == f"<ParquetEventWriter to '{tmp_path}': open, durability 'journal'>"
    reader = EventReader(tmp_path)
    found = reader.read_range(datetime(2024, 1, 1, tzinfo=UTC), event_type="tick", speed=2.0)
    span = "2024-01-01T00:00:00+00:00 to the last, event_type='tick'"
    async with InMemoryEventBus(name="main", history=10) as bus:
        cases = {
            repr(writer): f"<ParquetEventWriter to '{tmp_path}': closed, durability 'journal'>",
            repr(reader): f"<EventReader of '{tmp_path}'>",
            repr(found): f"<EventRange of <EventReader of '{tmp_path}'>, {span}, at speed 2.0>",
            repr(Replay(found, bus)): f"<Replay of {found!r}: ready, 0 events published>",
            repr(bus): "<InMemoryEventBus 'main': open, 0 events waiting>",
            repr(bus.stream("tick")): "<EventStream of tick>",
            repr(bus.history): "<EventHistory: 0 of at most 10 events, 0 bytes>",
        }
    assert list(cases) == list(cases.values())
