"""Subscriptions that come late: they hear kept events first, and then live ones, with no gap and no double."""

import asyncio
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.events.bus.keeping import HISTORY, filled, numbers, tick
from tests.support.doubles import MOMENT, Gate, assert_balanced, number_of, order, until
from trading.events import BaseEvent, InMemoryEventBus, TickEvent, symbol_filter
from trading.events.errors import HandlerTypeError

START_AT = MOMENT + timedelta(seconds=3)


@pytest.mark.parametrize(
    ("start", "earlier"),
    [
        ("new", []),
        ("history", [0, 1, 2, 3, 4, 5]),
        ("last_per_topic", [4, 5]),
        (START_AT, [3, 4, 5]),
        (START_AT.replace(tzinfo=None), [3, 4, 5]),
    ],
)
async def test_a_late_subscriber_hears_what_it_asks_for_and_then_what_comes(start: Any, earlier: list[int]) -> None:
    bus = await filled(*(tick(number, symbol="AB"[number % 2], at=number) for number in range(6)), order(6))
    heard: list[BaseEvent] = []
    await bus.subscribe("tick", heard.append, start=start)
    await bus.publish(tick(7))
    await bus.aclose()
    assert numbers(heard) == [*earlier, 7]


async def test_filters_of_either_kind_choose_among_earlier_events() -> None:
    def is_even(event: BaseEvent) -> bool:
        return number_of(event) % 2 == 0

    bus = await filled(*(tick(number, symbol="ABC"[number % 3]) for number in range(12)))
    for start, expected in (("history", [0, 4, 6, 10]), ("last_per_topic", [6, 10])):
        heard: list[BaseEvent] = []
        condition = symbol_filter("A", "B") & is_even
        await bus.subscribe("tick", heard.append, condition, start=start)
        await bus.join()
        assert numbers(heard) == expected
    await bus.aclose()


async def test_a_filter_that_raises_lets_nothing_through_and_is_counted() -> None:
    bus = await filled(tick(0), tick(1))
    failures: list[Any] = []
    bus._on_error = failures.append
    sid = await bus.subscribe("tick", print, lambda event: 1 / 0, start="history")
    account = bus.statistics().subscriptions[sid]
    assert (account.filter_failures, account.accepted, len(failures)) == (2, 0, 2)
    await bus.aclose()


async def test_a_filter_that_ends_the_program_leaves_no_subscription() -> None:
    def stop(event: BaseEvent) -> bool:
        raise KeyboardInterrupt

    bus = await filled(tick(0))
    with pytest.raises(KeyboardInterrupt):
        await bus.subscribe("tick", print, stop, start="history")
    assert not bus.statistics().subscriptions
    await bus.aclose()


async def test_a_filter_that_publishes_meanwhile_leaves_no_gap_and_no_double() -> None:
    bus = await filled(tick(0), tick(1))
    more = iter([tick(2), tick(3)])
    heard: list[BaseEvent] = []

    def publish(event: BaseEvent) -> bool:
        following = next(more, None)
        if following is not None:
            bus.publish_nowait(following)
        return True

    await bus.subscribe("tick", heard.append, publish, start="history")
    await bus.aclose()
    assert numbers(heard) == [0, 1, 3, 2]  # the third came while the second was still being filtered


async def test_earlier_events_exceed_the_capacity_and_leave_it_to_the_live_ones() -> None:
    bus = await filled(*(tick(number) for number in range(10)))
    gate = Gate()
    sid = await bus.subscribe("tick", gate, capacity=2, overflow="drop_oldest", start="history")
    await gate.has_started(1)
    for number in range(10, 14):
        await bus.publish(tick(number))
    account = bus.statistics().subscriptions[sid]
    assert (account.queued, account.high_water, account.accepted) == (11, 11, 14)
    assert account.dropped["drop_oldest"] == 2
    gate.open()
    await bus.aclose()
    assert gate.finished == [*range(10), 12, 13]
    assert_balanced(bus)


async def test_an_inline_subscription_hears_earlier_events_before_live_ones() -> None:
    bus = await filled(tick(0), tick(1))
    heard: list[int] = []
    await bus.subscribe("tick", lambda event: heard.append(number_of(event)), delivery="inline", start="history")
    await bus.publish(tick(2))
    await bus.join()
    bus.publish_nowait(tick(3))
    assert heard == [0, 1, 2, 3]
    await bus.aclose()


async def test_earlier_events_that_wait_are_counted_when_the_subscription_ends() -> None:
    bus = await filled(*(tick(number) for number in range(5)))
    gate = Gate()
    sid = await bus.subscribe("tick", gate, start="history")
    await gate.has_started(1)
    await bus.unsubscribe(sid)
    gate.open()
    await bus.aclose()
    assert bus.statistics().retired.dropped["unsubscribed"] == 4
    assert_balanced(bus)


async def test_a_function_may_be_subscribed_to_earlier_events_before_any_loop_runs() -> None:
    bus = InMemoryEventBus(history=2)
    heard: list[BaseEvent] = []

    @bus.on("tick", start="history")
    def note(event: TickEvent) -> None:
        heard.append(event)

    async with bus:
        await bus.publish(tick(0))
    assert numbers(heard) == [0]


async def test_what_is_wrong_with_a_late_subscription_is_told_before_anything_happens() -> None:
    bus = await filled(tick(0))
    with pytest.raises(HandlerTypeError):
        await bus.subscribe("tick", None, start="history")
    assert not bus.statistics().subscriptions
    await bus.aclose()


async def test_threads_that_publish_meanwhile_leave_no_gap_and_no_double() -> None:
    async with InMemoryEventBus(history=10_000) as bus:
        stop = threading.Event()
        count = 0

        def publish() -> None:
            nonlocal count
            while not stop.is_set() and count < 5_000:
                bus.publish_nowait(tick(count))
                count += 1

        threads = [threading.Thread(target=publish)]
        threads[0].start()
        heard: list[list[int]] = []

        def handler(mine: list[int]) -> Callable[[BaseEvent], None]:
            return lambda event: mine.append(number_of(event))

        for _ in range(5):
            before = count
            await until(lambda: count > before or not threads[0].is_alive())  # noqa: B023 - asked in this round
            heard.append([])
            await bus.subscribe("tick", handler(heard[-1]), lambda event: True, start="history")
        stop.set()
        threads[0].join()
        await bus.join()
        assert heard == [list(range(count))] * 5


async def test_an_event_that_waits_for_room_meanwhile_comes_after_the_earlier_ones() -> None:
    bus = InMemoryEventBus(history=HISTORY)
    gate = Gate()
    await bus.subscribe("tick", gate, capacity=1)
    await bus.publish(tick(0))
    await gate.has_started(1)
    await bus.publish(tick(1))
    waiting = [asyncio.create_task(bus.publish(tick(number))) for number in (2, 3)]
    await until(lambda: bus.statistics().publishers_waiting == 2)
    heard: dict[str, list[int]] = {"history": [], "odd": [], "new": []}

    def handler(name: str) -> Callable[[BaseEvent], None]:
        return lambda event: heard[name].append(number_of(event))

    await bus.subscribe("tick", handler("history"), start="history")
    await bus.subscribe("tick", handler("odd"), lambda event: number_of(event) % 2, start="last_per_topic")
    await bus.subscribe("tick", handler("new"))
    gate.open()
    await asyncio.gather(*waiting)
    await bus.publish(tick(4))
    await bus.aclose()
    assert heard == {"history": [0, 1, 2, 3, 4], "odd": [1, 3], "new": [4]}
    assert_balanced(bus)


class Puller:
    """A queue that hands out what a test lets it."""

    def __init__(self) -> None:
        self.heard: list[int] = []

    def __call__(self, event: BaseEvent) -> None:
        self.heard.append(number_of(event))


STARTS = ("new", "history", "last_per_topic", MOMENT + timedelta(seconds=50))
PUBLISHES = st.tuples(st.just("publish"), st.sampled_from("ABC"), st.integers(0, 100))
SUBSCRIBES = st.tuples(st.just("subscribe"), st.sampled_from(["*", "events.tick.*.A"]), st.sampled_from(STARTS))


@given(
    history=st.integers(1, 12),
    unpacked=st.integers(0, 3),
    program=st.lists(PUBLISHES | SUBSCRIBES | st.tuples(st.just("join")), max_size=40),
)
def test_late_subscribers_hear_what_a_list_says(history: int, unpacked: int, program: list[tuple[Any, ...]]) -> None:
    """Turned red by: a gap, a double or a swap at the seam between earlier and live events."""

    async def main() -> None:
        bus = InMemoryEventBus(history=history)
        bus._pack_beyond(unpacked)
        kept: list[TickEvent] = []
        pairs: list[tuple[str, Puller, list[int]]] = []
        for number, (what, *arguments) in enumerate(program):
            if what == "publish":
                event = tick(number, symbol=arguments[0], at=arguments[1])
                kept = [*kept, event][-history:]
                bus.publish_nowait(event)
                for pattern, _, expected in pairs:
                    if pattern == "*" or event.symbol == "A":
                        expected.append(number)
            elif what == "subscribe":
                pattern, start = arguments
                puller = Puller()
                matching = [event for event in kept if pattern == "*" or event.symbol == "A"]
                pairs.append((pattern, puller, numbers(chosen(matching, start))))
                await bus.subscribe(pattern, puller, start=start)
            else:
                await bus.join()
        assert bus.history.query() == kept
        await bus.aclose()
        for _, puller, expected in pairs:
            assert puller.heard == expected

    asyncio.run(main())


def chosen(kept: list[TickEvent], start: str | datetime) -> list[TickEvent]:
    match start:
        case "new":
            return []
        case "history":
            return kept
        case "last_per_topic":
            return [
                event for place, event in enumerate(kept) if event.topic not in [e.topic for e in kept[place + 1 :]]
            ]
        case _:
            return [event for event in kept if event.timestamp >= start]
