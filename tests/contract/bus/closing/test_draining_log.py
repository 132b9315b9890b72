"""What takes long to drain is named in the log, and given up when a bus has been told for how long it may take."""

import asyncio
import logging
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.doubles import Bus, Gate, dropped, full_queue, number_of, order, tick, until
from trading.events import BaseEvent
from trading.events._bus.drain_log import DrainLog
from trading.events.errors import BusClosedError


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """What is said of draining, in each turn of the loop rather than every few seconds."""
    caplog.set_level(logging.WARNING, "trading.events")
    monkeypatch.setattr(DrainLog, "FIRST_S", 0.0)
    monkeypatch.setattr(DrainLog, "AGAIN_S", 0.0)
    return lambda: [message for message in caplog.messages if "has taken" in message]


async def test_what_closing_waits_for_is_named_again_and_again(bus: Bus, lines: Callable[[], list[str]]) -> None:
    """Turned red by: a `_tell` that sets no timer; a line without names or counts."""
    gate, sid = await full_queue(bus, capacity=3, name="slow one")
    closing = asyncio.create_task(bus.aclose())
    await until(lambda: len(lines()) >= 3)
    gate.open()
    await closing
    assert lines()[0].startswith(f"{bus.name}: closing has taken 0")
    assert all(f"subscription slow one ({sid}): 3 waiting and one in its handler" in line for line in lines()[:3])
    said = len(lines())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(lines()) == said


def test_the_first_line_comes_after_two_seconds_and_then_one_every_ten() -> None:
    """Turned red by: other times."""
    assert (DrainLog.FIRST_S, DrainLog.AGAIN_S) == (2.0, 10.0)


async def test_closing_in_time_says_nothing(bus: Bus, caplog: pytest.LogCaptureFixture) -> None:
    """Turned red by: an `__exit__` that leaves the timer."""
    await bus.subscribe("tick", Gate())
    await bus.aclose()
    assert caplog.messages == []


async def test_a_ring_of_handlers_is_named_with_how_many_events_it_has_published(
    bus: Bus, lines: Callable[[], list[str]]
) -> None:
    """Turned red by: not counting what is published meanwhile."""
    go_on, is_over = asyncio.Event(), asyncio.Event()

    def part(answer: Callable[[int], BaseEvent]) -> Callable[[BaseEvent], Any]:
        async def handler(event: BaseEvent) -> None:
            await go_on.wait()
            if not is_over.is_set():
                await bus.publish(answer(number_of(event) + 1))

        return handler

    await bus.subscribe("tick", part(order), name="left")
    await bus.subscribe("order_*", part(tick), name="right")
    await bus.publish(tick(0))
    closing = asyncio.create_task(bus.aclose())
    await until(lambda: any("left" in line for line in lines()))
    go_on.set()
    await until(lambda: any("events were published meanwhile" in line for line in lines()))
    is_over.set()
    await closing
    ring = next(line for line in lines() if "events were published meanwhile" in line)
    assert re.search(r"\(\d+ events were published meanwhile\)", ring)


async def test_leaving_the_block_by_an_exception_says_what_it_waits_for(
    bus_type: Callable[..., Any], lines: Callable[[], list[str]]
) -> None:
    """Turned red by: an `__aexit__` that drains without a word."""
    gates: list[Gate] = []

    async def leave_by_an_exception() -> None:
        async with bus_type() as bus:
            gates.append((await full_queue(bus, name="slow one"))[0])
            raise ValueError("out")

    leaving = asyncio.create_task(leave_by_an_exception())
    await until(lines)
    gates[0].open()
    with pytest.raises(ValueError, match="out"):
        await leaving
    assert "slow one" in lines()[0]


async def test_join_beside_a_stream_that_nobody_reads_says_so(bus: Bus, lines: Callable[[], list[str]]) -> None:
    """Turned red by: a `join` without a log; a `_left` without unread streams."""
    async with bus.stream("tick") as stream:
        await bus.publish(tick(1))
        joining = asyncio.create_task(bus.join())
        await until(lambda: any("which is open and has events that nobody reads" in line for line in lines()))
        await anext(stream)
        await joining
    assert any("joining has taken" in line and "<EventStream of tick>" in line for line in lines())


async def test_leaving_the_block_gives_up_after_close_timeout_s(bus_type: Callable[..., Any]) -> None:
    """Turned red by: an `__aexit__` that does not pass the timeout on."""
    async with bus_type(close_timeout_s=0.01) as bus:
        _, sid = await full_queue(bus)
    assert dropped(bus.statistics().subscriptions[sid]) == {"closed": 1, "cancelled": 1}


@pytest.mark.parametrize(("wrong", "error"), [(-1, ValueError), (float("inf"), ValueError), ("5", TypeError)])
def test_close_timeout_s_is_a_number_of_seconds(bus_type: Callable[..., Any], wrong: Any, error: type) -> None:
    """Turned red by: finding out when the bus is closed."""
    with pytest.raises(error, match="close_timeout_s"):
        bus_type(close_timeout_s=wrong)


async def test_a_subscription_that_drains_for_long_is_named(bus: Bus, lines: Callable[[], list[str]]) -> None:
    """Turned red by: `unsubscribe` draining without a word; naming other subscriptions too."""
    gate, sid = await full_queue(bus, capacity=2, name="slow one")
    other, _ = await full_queue(bus, symbol="OTHER", name="other one")
    draining = asyncio.create_task(bus.unsubscribe(sid, drain=True))
    await until(lines)
    gate.open()
    other.open()
    await draining
    assert f"unsubscribing with drain=True has taken 0 s so far, and waits for subscription slow one ({sid})" in (
        re.sub(r"taken \S+ s", "taken 0 s", lines()[0])
    )
    assert "other one" not in lines()[0]


async def test_a_stream_that_is_read_while_the_bus_closes_hears_what_handlers_publish(bus: Bus) -> None:
    """Turned red by: ending streams before what handlers publish has been read."""
    seen: list[int] = []
    gate = Gate()

    async def answer(event: BaseEvent) -> None:
        await gate(event)
        await bus.publish(order(number_of(event)))

    async def read() -> None:
        async with bus.stream("order_*") as stream:
            seen.extend([number_of(event) async for event in stream])

    reading = asyncio.create_task(read())
    await until(lambda: bus.statistics().subscriptions)
    await bus.subscribe("tick", answer)
    await bus.publish_batch([tick(1), tick(2)])
    await gate.has_started(1)
    closing = asyncio.create_task(bus.aclose())
    await asyncio.sleep(0)
    gate.open()
    await closing
    await reading
    assert seen == [1, 2]


async def test_closing_waits_for_the_reader_of_a_stream_and_takes_what_it_publishes(
    bus: Bus, lines: Callable[[], list[str]]
) -> None:
    """Turned red by: `_work_off_locally` without the readers; `speaker_outside` without those who read."""
    seen: list[int] = []
    has_event, go_on = asyncio.Event(), asyncio.Event()

    async def read() -> None:
        async for event in bus.stream("tick"):
            has_event.set()
            await go_on.wait()
            await asyncio.sleep(0)
            await bus.publish(order(number_of(event)))
            await asyncio.create_task(send(bus, order(number_of(event) + 10)))

    async def note(event: BaseEvent) -> None:
        seen.append(number_of(event))

    reading = asyncio.create_task(read())
    await bus.subscribe("order_*", note)
    await until(lambda: len(bus.statistics().subscriptions) == 2)
    await bus.publish(tick(1))
    await has_event.wait()
    closing = asyncio.create_task(bus.aclose())
    await until(lambda: any("the reader of" in line for line in lines()))
    with pytest.raises(BusClosedError):
        await bus.publish(tick(3))
    go_on.set()
    await closing
    await reading
    assert seen == [1, 11]


async def send(bus: Any, event: BaseEvent) -> None:
    await bus.publish(event)


async def test_closing_waits_for_no_reader_that_has_ended(bus: Bus) -> None:
    """Turned red by: `is_at_an_event` not asking whether the reader's task has ended."""
    stream = bus.stream("tick")
    reading = asyncio.create_task(take(stream))
    await until(lambda: bus.statistics().subscriptions)
    await bus.publish(tick(1))
    assert await reading == 1
    await asyncio.wait_for(bus.aclose(), 5)


async def take(stream: Any) -> int:
    return number_of(await anext(stream))


async def test_who_reads_a_stream_may_close_the_bus(bus: Bus) -> None:
    """Turned red by: `aclose` waiting for its own caller to read on."""
    await bus.subscribe("order_*", Gate())

    async def read() -> int:
        async for event in bus.stream("tick"):
            await asyncio.wait_for(bus.aclose(), 5)
            return number_of(event)
        return -1

    reading = asyncio.create_task(read())
    await until(lambda: len(bus.statistics().subscriptions) == 2)
    await bus.publish(tick(1))
    assert await reading == 1
