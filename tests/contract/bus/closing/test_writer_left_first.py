"""A writer that is left before the bus that feeds it has everything that the bus had accepted."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.doubles import Bus, Gate, number_of, order, tick, until
from trading.events import BaseEvent, IEventBus, InMemoryEventBus
from trading.events._bus.drain_log import DrainLog
from trading.events.errors import StoreClosedError
from trading.events.persistence import EventReader, IEventWriter, ParquetEventWriter

COUNT = 300


def recorded(store: Path, event_type: str) -> list[int]:
    return [number_of(event) for event in EventReader(store).read_range(event_type=event_type)]


async def test_nothing_is_lost_whichever_is_left_first(bus_type: Callable[..., Bus], tmp_path: Path) -> None:
    """Turned red by: a writer that closes without having its feeds drained."""
    bus: Any = bus_type()
    async with bus, ParquetEventWriter(tmp_path) as writer:
        await bus.subscribe("*", writer.write_event)
        await bus.publish_batch([tick(number) for number in range(COUNT)])
    assert sorted(recorded(tmp_path, "tick")) == list(range(COUNT))


async def test_what_handlers_publish_meanwhile_is_recorded_too(bus: Bus, tmp_path: Path) -> None:
    """Turned red by: waiting for the recording subscription alone."""
    gate = asyncio.Event()

    async def answer(event: BaseEvent) -> None:
        await gate.wait()
        await bus.publish(order(number_of(event)))

    async with ParquetEventWriter(tmp_path) as writer:
        await bus.subscribe("*", writer.write_event)
        await bus.subscribe("tick", answer)
        await bus.publish(tick(1))
        asyncio.get_running_loop().call_soon(gate.set)
    assert recorded(tmp_path, "order_submitted") == [1]


async def test_a_writer_that_was_unsubscribed_waits_for_no_bus(bus: Bus, tmp_path: Path) -> None:
    """Turned red by: `is_recorder` being true of a subscription that has ended."""
    gate = Gate()
    await bus.subscribe("tick", gate)
    async with ParquetEventWriter(tmp_path) as writer:
        sid = await bus.subscribe("tick", writer.write_event)
        await bus.publish(tick(1))
        await gate.has_started(1)
        await bus.unsubscribe(sid, drain=True)
    assert recorded(tmp_path, "tick") == [1]
    gate.open()


async def test_a_bus_that_was_closed_or_forgotten_is_not_waited_for(tmp_path: Path) -> None:
    async with ParquetEventWriter(tmp_path) as writer:
        await InMemoryEventBus().subscribe("tick", writer.write_event)
        async with InMemoryEventBus() as bus:
            await bus.subscribe("tick", writer.write_event)
            await bus.publish(tick(1))
    assert recorded(tmp_path, "tick") == [1]


async def test_it_waits_as_long_as_the_bus_may_take_to_close_and_says_what_is_lost(
    bus_type: Callable[..., Bus], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Turned red by: ignoring `close_timeout_s`; a timeout without a word."""
    gate = Gate()
    bus: Any = bus_type(close_timeout_s=0.05)
    async with bus:
        async with ParquetEventWriter(tmp_path) as writer:
            await bus.subscribe("tick", gate)
            await bus.subscribe("tick", writer.write_event)
            await bus.publish(tick(1))
            await gate.has_started(1)
        [line] = [each for each in caplog.messages if "a writer that records here is closed" in each]
        assert line.startswith(f"{bus.name}: ")
        assert "close the bus first, by entering the writer before it" in line
        gate.open()


async def test_what_it_waits_for_is_said_in_the_log(
    bus: Bus, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.WARNING, "trading.events")
    monkeypatch.setattr(DrainLog, "FIRST_S", 0.0)
    gate = Gate()
    await bus.subscribe("tick", gate, name="slow one")
    writer = ParquetEventWriter(tmp_path)
    await bus.subscribe("tick", writer.write_event)
    await bus.publish(tick(1))
    closing = asyncio.create_task(writer.aclose())
    await until(lambda: any("draining for a writer" in line and "slow one" in line for line in caplog.messages))
    gate.open()
    await closing


async def test_a_handler_that_closes_the_writer_does_not_wait_for_itself(
    bus: Bus, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Turned red by: a ReentrancyError that comes out of `aclose`; waiting for ever."""
    writer = ParquetEventWriter(tmp_path)
    await bus.subscribe("order_submitted", writer.write_event)

    closed = asyncio.Event()

    async def close(_: BaseEvent) -> None:
        await writer.aclose()
        closed.set()

    await bus.subscribe("tick", close)
    await bus.publish(tick(1))
    await closed.wait()
    assert any("closed in a handler" in line for line in caplog.messages)
    with pytest.raises(StoreClosedError, match="enter the writer before the bus"):
        await writer.write_event(tick(2))


async def test_a_bus_of_another_loop_is_named_and_not_waited_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Turned red by: a WrongLoopError that comes out of `aclose`."""
    writer = ParquetEventWriter(tmp_path)
    bus = InMemoryEventBus()
    await bus.subscribe("tick", writer.write_event)
    await asyncio.to_thread(asyncio.run, writer.aclose())
    assert any("it belongs to another event loop" in line for line in caplog.messages)
    await bus.aclose()


async def test_a_writer_of_somebody_elses_is_told_of_its_buses(bus: Bus) -> None:
    class Told(IEventWriter):
        def __init__(self) -> None:
            self.feeds: list[Any] = []

        def note_feed(self, feed: Any) -> None:
            self.feeds.append(feed)

        async def write_event(self, event: BaseEvent) -> None: ...

        async def write_batch(self, events: Any) -> None: ...

        async def flush(self) -> None: ...

    writer = Told()
    await bus.subscribe("tick", writer.write_event)
    await bus.subscribe("tick", writer.flush)
    [feed] = writer.feeds
    await feed.drained()
    assert isinstance(bus, IEventBus)
