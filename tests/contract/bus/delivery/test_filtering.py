"""Filters are evaluated at publish, in the caller's thread, before capacity."""

import asyncio
import threading
from typing import Any

import pytest

from tests.support.doubles import Bus, Gate, Recorder, full_queue, number_of, tick, ticks, turns
from tests.support.patience import PATIENCE_S
from trading.events import BaseEvent, ErrorEvent, combined_filter, exchange_filter, not_filter, symbol_filter
from trading.events.errors import HandlerTypeError


async def test_a_filter_decides_which_events_a_subscription_hears(bus: Bus) -> None:
    """Turned red by: `passing` ignoring a filter's no."""
    recorder = Recorder()
    await bus.subscribe("tick", recorder, lambda event: number_of(event) % 2 == 0)
    await bus.publish_batch(ticks(range(6)))
    await bus.join()
    assert recorder.seen == [0, 2, 4]


async def test_a_filter_may_be_passed_by_name(bus: Bus) -> None:
    """Turned red by: a positional-only `filter`."""
    recorder = Recorder()
    await bus.subscribe("tick", recorder, filter=lambda event: event.symbol == "B")
    await bus.publish_batch([tick(1, symbol="A"), tick(2, symbol="B")])
    await bus.join()
    assert recorder.seen == [2]


async def test_filters_are_evaluated_at_publish(bus: Bus) -> None:
    """Turned red by: asking the filter when the handler is called."""
    asked: list[int] = []
    is_on = True

    def while_on(event: BaseEvent) -> bool:
        asked.append(number_of(event))
        return is_on

    recorder = Recorder()
    await bus.subscribe("tick", recorder, while_on)
    bus.publish_nowait(tick(1))
    assert asked == [1]
    is_on = False
    bus.publish_nowait(tick(2))
    await bus.join()
    assert asked == [1, 2]
    assert recorder.seen == [1]


async def test_a_filter_is_asked_once_also_about_an_event_that_waits(bus: Any) -> None:
    """Turned red by: `Attempt.ask` routing anew."""
    asked: list[int] = []
    gate = Gate()

    def note(event: BaseEvent) -> bool:
        asked.append(number_of(event))
        return True

    await bus.subscribe("tick", gate, note, capacity=1)
    await bus.publish(tick(0))
    await gate.has_started(1)
    await bus.publish(tick(1))
    publisher = asyncio.create_task(bus.publish(tick(2)))
    await turns()
    gate.open()
    await publisher
    await bus.join()
    assert asked == gate.finished == [0, 1, 2]


async def test_filters_are_evaluated_in_the_callers_thread(bus: Any) -> None:
    """Turned red by: handing an event of another thread to the loop before it is routed."""
    threads: list[int] = []

    def note(_event: BaseEvent) -> bool:
        threads.append(threading.get_ident())
        return True

    await bus.subscribe("tick", Recorder(), note)
    caller = threading.Thread(target=bus.publish_nowait, args=(tick(1),))
    caller.start()
    await asyncio.to_thread(caller.join)
    assert threads == [caller.ident]
    await bus.publish(tick(2))
    assert threads[1] == threading.get_ident()


async def test_filters_are_evaluated_before_capacity(bus: Bus) -> None:
    """Turned red by: `offer` asking for room before the filters."""
    gate, _ = await full_queue(bus, filter=lambda event: number_of(event) < 10)
    await asyncio.wait_for(bus.publish(tick(10)), PATIENCE_S)
    bus.publish_nowait(tick(11))
    gate.open()
    await bus.join()
    assert gate.finished == [0, 1]


@pytest.mark.parametrize(
    ("answer", "passes"), [(1, True), ("no", True), ([0], True), (0, False), ("", False), (None, False)]
)
async def test_whatever_is_true_passes(bus: Bus, answer: Any, passes: Any) -> None:
    """Turned red by: asking whether the answer is True."""
    recorder = Recorder()
    await bus.subscribe("tick", recorder, lambda _event: answer)
    await bus.publish(tick(1))
    await bus.join()
    assert recorder.seen == ([1] if passes else [])


async def test_a_filter_that_raises_harms_nobody_else(make_bus: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Turned red by: `passing` letting a filter's exception out."""
    failures: list[Any] = []
    said: list[Any] = []
    bus = await make_bus(on_error=failures.append)

    def broken(event: BaseEvent) -> bool:
        if event.event_type == "tick":
            raise ValueError("broken")
        return False

    before, mine, after = Recorder(), Recorder(), Recorder()
    await bus.subscribe("tick", before)
    sid = await bus.subscribe("*", mine, broken, name="strategy-a")
    await bus.subscribe("tick", after)
    await bus.subscribe(ErrorEvent, said.append)
    await bus.publish(tick(1))
    await bus.publish(tick(2))
    await bus.join()
    assert (before.seen, mine.seen, after.seen) == ([1, 2], [], [1, 2])
    account = bus.statistics().subscriptions[sid]
    assert (account.filter_failures, account.accepted) == (2, 0)
    assert [(failure.phase, failure.sid, str(failure.error)) for failure in failures] == [("filter", sid, "broken")] * 2
    assert [(error.message, error.subscription_id) for error in said] == [("broken", sid)] * 2
    assert caplog.text.count("ValueError: broken") >= 2


async def test_a_filter_whose_answer_has_no_truth_is_a_filter_that_raises(bus: Any) -> None:
    """Turned red by: ignoring an error of `is_truthy`."""

    class Torn:
        def __bool__(self) -> bool:
            raise ValueError("neither")

    recorder, other = Recorder(), Recorder()
    sid = await bus.subscribe("tick", recorder, lambda _event: Torn())
    await bus.subscribe("tick", other)
    await bus.publish(tick(1))
    await bus.join()
    assert (recorder.seen, other.seen) == ([], [1])
    assert bus.statistics().subscriptions[sid].filter_failures == 1


async def test_a_filter_that_fails_on_error_events_ends_there(bus: Bus) -> None:
    """Turned red by: publishing an ErrorEvent about the filtering of an ErrorEvent."""

    def broken(_event: BaseEvent) -> bool:
        raise ValueError("broken")

    sid = await bus.subscribe("*", Recorder(), broken)
    await bus.publish(tick(1))
    await bus.join()
    assert bus.statistics().subscriptions[sid].filter_failures == 2


async def test_a_filter_may_use_the_bus(bus: Bus) -> None:
    """Turned red by: holding the lock while a filter runs."""
    recorder = Recorder()

    def curious(event: BaseEvent) -> bool:
        if number_of(event) == 1:
            bus.publish_nowait(tick(2))
        return bus.statistics().published >= 0

    await bus.subscribe("tick", recorder, curious)
    await bus.publish(tick(1))
    await bus.join()
    assert sorted(recorder.seen) == [1, 2]


async def test_predefined_filters_mix_with_any_callable(bus: Bus) -> None:
    """Turned red by: evaluating only the native parts of a composed filter."""
    recorder = Recorder()
    even = symbol_filter("A", "B") & (lambda event: number_of(event) % 2 == 0)
    await bus.subscribe("tick", recorder, combined_filter(even, ~exchange_filter("okex"), mode="and"))
    await bus.subscribe("tick", recorder, not_filter(symbol_filter("A", "B")))
    for number, symbol in enumerate("AABBCC"):
        await bus.publish(tick(number, symbol=symbol))
        await bus.publish(tick(number, symbol=symbol, exchange="okex"))
    await bus.join()
    assert sorted(recorder.seen) == [0, 2, 4, 4, 5, 5]


@pytest.mark.parametrize("wrong", ["BTC/USDT", 5, ["a"], object()])
async def test_a_filter_that_is_not_callable_is_refused(bus: Bus, wrong: Any) -> None:
    """Turned red by: finding out at publish."""
    with pytest.raises(HandlerTypeError, match="filter"):
        await bus.subscribe("tick", Recorder(), wrong)
    assert len(bus.statistics().subscriptions) == 0


async def test_an_async_filter_is_refused(bus: Bus) -> None:
    """Turned red by: not asking whether it is a coroutine function."""

    async def condition(_event: BaseEvent) -> bool:
        return False

    with pytest.raises(HandlerTypeError, match="plain function"):
        await bus.subscribe("tick", Recorder(), condition)
