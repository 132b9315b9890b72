"""Inline delivery: a plain function that the publisher itself calls, before `publish` returns."""

import asyncio
import contextvars
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.support.doubles import Bus, Recorder, balance, dropped, full_queue, number_of, tick, ticks, until
from trading.events import BaseEvent
from trading.events.errors import HandlerTypeError


class Notes:
    """A plain handler that notes the number of every event."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def __call__(self, event: BaseEvent) -> None:
        self.seen.append(number_of(event))


async def test_an_inline_handler_has_been_called_when_publish_returns(bus: Bus) -> None:
    """Turned red by: pushing every accepted subscription to the ready list."""
    notes = Notes()
    sid = await bus.subscribe("tick", notes, delivery="inline")
    bus.publish(tick(1))
    assert notes.seen == [1]
    bus.publish_nowait(tick(2))
    assert notes.seen == [1, 2]
    bus.publish_batch(ticks([3, 4]))
    assert notes.seen == [1, 2, 3, 4]
    account = bus.statistics().subscriptions[sid]
    assert (account.accepted, account.handled, account.waiting) == (4, 4, 0)


async def test_every_inline_handler_is_called_in_the_order_of_subscription_and_queued_ones_later(bus: Bus) -> None:
    """Turned red by: stopping after the first call."""
    calls: list[str] = []
    queued = Recorder()
    await bus.subscribe("tick", lambda _: calls.append("first"), delivery="inline")
    await bus.subscribe("tick", queued)
    await bus.subscribe("tick", lambda _: calls.append("second"), delivery="inline")
    await bus.publish(tick(1))
    assert (calls, queued.seen) == (["first", "second"], [])
    await bus.join()
    assert queued.seen == [1]


@pytest.mark.parametrize("handler", [Recorder(), Recorder().__call__, asyncio.sleep])
async def test_an_asynchronous_handler_is_refused(bus: Bus, handler: Any) -> None:
    """Turned red by: finding out at the first event."""
    with pytest.raises(HandlerTypeError, match="inline"):
        await bus.subscribe("tick", handler, delivery="inline")


@pytest.mark.parametrize("delivery", ["", "Inline", "now", None, 1])
async def test_a_delivery_that_there_is_not_is_refused(bus: Bus, delivery: Any) -> None:
    """Turned red by: taking it for `queued`."""
    with pytest.raises((ValueError, TypeError), match="delivery"):
        await bus.subscribe("tick", Notes(), delivery=delivery)


async def test_what_an_inline_handler_returns_to_be_awaited_is_a_failure(
    make_bus: Callable[..., Awaitable[Bus]],
) -> None:
    """Turned red by: dropping what the handler returned."""
    failures: list[Any] = []
    bus = await make_bus(on_error=failures.append)
    recorder = Recorder()

    def handler(event: BaseEvent) -> object:
        return recorder(event)

    sid = await bus.subscribe("tick", handler, delivery="inline", name="wrong")
    await bus.publish(tick(1))
    assert [type(failure.error) for failure in failures] == [TypeError]
    assert "wrong" in str(failures[0].error)
    assert (bus.statistics().subscriptions[sid].failed, recorder.seen) == (1, [])


async def test_an_inline_handler_that_raises_harms_neither_publisher_nor_others(
    make_bus: Callable[..., Awaitable[Bus]],
) -> None:
    """Turned red by: raising in `publish`."""
    failures: list[Any] = []
    bus = await make_bus(on_error=failures.append)
    notes, error = Notes(), KeyError("no")

    def handler(_event: BaseEvent) -> None:
        raise error

    sid = await bus.subscribe("tick", handler, delivery="inline")
    await bus.subscribe("tick", notes, delivery="inline")
    await bus.publish(tick(1))
    assert notes.seen == [1]
    assert [(failure.error, failure.phase) for failure in failures] == [(error, "handler")]
    assert bus.statistics().subscriptions[sid].failed == 1


async def test_a_keyboard_interrupt_gets_through_to_the_publisher_and_the_rest_is_handled(bus: Bus) -> None:
    """Turned red by: returning before the other subscriptions are released."""
    notes = Notes()

    def handler(_event: BaseEvent) -> None:
        raise KeyboardInterrupt

    await bus.subscribe("tick", handler, delivery="inline")
    await bus.subscribe("tick", notes, delivery="inline")
    with pytest.raises(KeyboardInterrupt):
        bus.publish(tick(1))
    await bus.join()
    assert notes.seen == [1]


async def test_an_inline_handler_that_publishes_to_itself_hears_it_after_it_has_returned(bus: Bus) -> None:
    """Turned red by: calling a subscription that is served."""
    story: list[str] = []

    def handler(event: BaseEvent) -> None:
        story.append(f"begin {number_of(event)}")
        if number_of(event) < 3:
            bus.publish(tick(number_of(event) + 1))
        story.append(f"end {number_of(event)}")

    await bus.subscribe("tick", handler, delivery="inline")
    await bus.publish(tick(1))
    await bus.join()
    assert story == ["begin 1", "end 1", "begin 2", "end 2", "begin 3", "end 3"]


async def test_events_stay_in_order_where_one_had_to_wait(bus: Bus) -> None:
    """Turned red by: calling past a queue that is not empty."""
    notes = Notes()
    await bus.subscribe("tick", notes, delivery="inline")
    publisher = threading.Thread(target=lambda: [bus.publish_nowait(tick(number)) for number in (1, 2)])
    publisher.start()
    publisher.join()
    assert notes.seen == []
    bus.publish_nowait(tick(3))
    await bus.join()
    assert notes.seen == [1, 2, 3]


async def test_from_another_thread_a_task_of_the_bus_calls_it(bus: Bus) -> None:
    """Turned red by: calling in whatever thread publishes."""
    threads: list[int] = []
    await bus.subscribe("tick", lambda _: threads.append(threading.get_ident()), delivery="inline")
    await bus.publish(tick(0))
    await asyncio.to_thread(bus.publish_nowait, tick(1))
    await bus.join()
    assert set(threads) == {threading.get_ident()}


async def test_it_is_called_only_once_the_event_is_in_all_its_queues(bus: Bus) -> None:
    """Turned red by: calling before the full queue has room."""
    notes = Notes()
    gate, _ = await full_queue(bus)
    await bus.subscribe("tick", notes, delivery="inline")
    publisher = asyncio.create_task(bus.publish(tick(2)))
    await until(lambda: bus.statistics().publishers_waiting)
    assert notes.seen == []
    gate.open()
    await publisher
    assert notes.seen == [2]


async def test_a_subscription_that_an_earlier_inline_handler_ends_is_not_called(bus: Bus) -> None:
    """Turned red by: calling without asking the queue for the event."""
    notes = Notes()
    sids: list[str] = []

    def handler(_event: BaseEvent) -> None:
        coroutine = bus.unsubscribe(sids[0])
        with pytest.raises(StopIteration):
            coroutine.send(None)

    await bus.subscribe("tick", handler, delivery="inline")
    sids.append(await bus.subscribe("tick", notes, delivery="inline"))
    await bus.publish(tick(1))
    await bus.join()
    assert notes.seen == []
    assert dropped(bus.statistics().retired) == {"unsubscribed": 1}


async def test_it_runs_in_its_subscriptions_context_and_in_the_publishers_task(bus: Bus) -> None:
    """Turned red by: calling it in the publisher's context."""
    account: contextvars.ContextVar[str] = contextvars.ContextVar("account")
    seen: list[Any] = []
    account.set("subscriber")
    await bus.subscribe("tick", lambda _: seen.append((account.get(), asyncio.current_task())), delivery="inline")
    account.set("publisher")
    await bus.publish(tick(1))
    assert seen == [("subscriber", asyncio.current_task())]
    assert account.get() == "publisher"


async def test_filters_and_counts_are_those_of_any_subscription(bus: Bus) -> None:
    """Turned red by: calling inline handlers before the filters are asked."""
    notes = Notes()
    sid = await bus.subscribe("tick", notes, lambda event: number_of(event) % 2, delivery="inline")
    await bus.publish_batch(ticks(range(10)))
    account = bus.statistics().subscriptions[sid]
    assert (notes.seen, account.accepted, account.handled, balance(account)) == ([1, 3, 5, 7, 9], 5, 5, 0)


async def test_a_tight_loop_of_inline_publishes_lets_the_loop_go_on(bus: Bus) -> None:
    """Turned red by: not counting the calls as publishing."""
    turned = asyncio.Event()
    await bus.subscribe("tick", Notes(), delivery="inline")
    asyncio.get_running_loop().call_soon(turned.set)
    while not turned.is_set():
        await bus.publish(tick(1))


async def test_join_waits_for_nothing_where_all_has_been_called(bus: Bus) -> None:
    """Turned red by: leaving the event unfinished after the call."""
    await bus.subscribe("tick", Notes(), delivery="inline")
    await bus.publish(tick(1))
    await bus.join()
    assert bus.statistics().waiting == 0
