"""Many events that wait for one handler are handled in a row, and each of them as if it were alone."""

import asyncio
import traceback
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

import pytest

from tests.support.doubles import Bus, number_of, tick, ticks, turns, until
from trading.events import BaseEvent

MANY = 50
AT = 25
"""The event at which something happens: far from the first and from the last of a row."""


TURN = 32
"""So many events a subscription gets while others wait."""


class FailureError(Exception):
    """What a handler raises."""


Act = Callable[[], Awaitable[None]]


def row_of(act: Act, seen: list[int]) -> Callable[[BaseEvent], Awaitable[None]]:
    """A handler that does something at one event of many, and suspends at the next."""

    async def handler(event: BaseEvent) -> None:
        if number_of(event) == AT:
            await act()
        elif number_of(event) == AT + 1:
            await asyncio.sleep(0)
        seen.append(number_of(event))

    return handler


async def fail() -> None:
    raise FailureError


async def cancel_oneself() -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()


async def suspend() -> None:
    await turns(3)


async def do_nothing() -> None:
    """Leaves everything plain."""


@pytest.mark.parametrize("act", [do_nothing, suspend, cancel_oneself])
async def test_every_event_of_a_row_is_handled_in_its_order(bus: Bus, act: Act) -> None:
    """Turned red by: a row that goes on after its handler's own cancellation; one that ends without its last event."""
    seen: list[int] = []
    sid = await bus.subscribe("tick", row_of(act, seen))
    await bus.publish_batch(ticks(range(MANY)))
    await bus.join()
    assert seen == list(range(MANY))
    assert bus.statistics().subscriptions[sid].handled == MANY


async def test_a_failure_in_a_row_is_that_events_alone(bus: Bus) -> None:
    """Turned red by: reporting another event of the row than the one whose handler failed."""
    seen: list[int] = []
    sid = await bus.subscribe("tick", row_of(fail, seen))
    await bus.publish_batch(ticks(range(MANY)))
    await bus.join()
    assert seen == [number for number in range(MANY) if number != AT]
    account = bus.statistics().subscriptions[sid]
    assert (account.handled, account.failed) == (MANY - 1, 1)


async def test_a_traceback_of_a_row_begins_with_the_handler(bus_type: Callable[..., Bus]) -> None:
    """Turned red by: leaving the line that awaits the handlers of a row in the traceback."""
    failures: list[Any] = []
    async with bus_type(on_error=failures.append) as bus:
        handler = row_of(fail, [])
        await bus.subscribe("tick", handler)
        await bus.publish_batch(ticks(range(MANY)))
        await bus.join()
    [failure] = failures
    assert number_of(failure.event) == AT
    assert [frame.name for frame in traceback.extract_tb(failure.error.__traceback__)] == ["handler", "fail"]


async def test_a_handler_suspended_in_a_row_is_the_one_that_its_task_shows(bus: Bus) -> None:
    """Turned red by: showing the coroutine that awaits the handlers of a row."""
    waiting = asyncio.get_running_loop().create_future()
    tasks: list[asyncio.Task[Any] | None] = []

    async def wait() -> None:
        tasks.append(asyncio.current_task())
        await waiting

    await bus.subscribe("tick", row_of(wait, []))
    await bus.publish_batch(ticks(range(MANY)))
    await until(lambda: tasks)
    [task] = tasks
    assert task is not None
    assert [frame.f_code.co_name for frame in task.get_stack()] == ["handler"]
    assert "handler" in task.get_coro().__qualname__  # type: ignore[union-attr]
    waiting.set_result(None)
    await bus.join()


async def test_a_subscription_that_ends_in_a_row_hears_no_more(bus: Bus) -> None:
    """Turned red by: taking the next event of a row without looking whether the subscription still stands."""
    seen: list[int] = []

    async def leave() -> None:
        await bus.unsubscribe(sid)

    sid = await bus.subscribe("tick", row_of(leave, seen))
    await bus.publish_batch(ticks(range(MANY)))
    await bus.join()
    assert seen == list(range(AT + 1))


async def test_what_a_handler_sets_in_its_context_stays_for_the_rest_of_the_row(bus: Bus) -> None:
    """Turned red by: handling the events of a row in another context than the subscription's."""
    last: ContextVar[int] = ContextVar("last", default=-1)
    before: list[int] = []

    async def handler(event: BaseEvent) -> None:
        before.append(last.get())
        last.set(number_of(event))

    await bus.subscribe("tick", handler)
    await bus.publish_batch(ticks(range(MANY)))
    await bus.join()
    assert before == list(range(-1, MANY - 1))
    assert last.get() == -1


async def test_a_row_leaves_the_others_their_turn(bus: Bus) -> None:
    """Turned red by: a row without an end while another subscription has events."""
    order: list[str] = []

    class Follower:
        def __init__(self, name: str) -> None:
            self.name = name

        async def follow(self, _event: BaseEvent) -> None:
            order.append(self.name)

    await bus.subscribe("tick", Follower("first").follow)
    await bus.subscribe("tick", Follower("second").follow)
    await bus.publish_batch(ticks(range(200)))
    await bus.join()
    assert len(order) == 400
    assert "second" in order[:100]


@pytest.mark.parametrize(
    "at", [AT, TURN - 1, MANY - 1], ids=["amid a row", "at the end of a turn", "at the last event"]
)
@pytest.mark.parametrize("act", [do_nothing, suspend, cancel_oneself, fail])
async def test_one_row_after_the_other_is_each_subscriptions_own(bus: Bus, act: Act, at: int) -> None:
    """Turned red by: going on with the next subscription after a cancellation, or once the worker is a follower."""
    seen: list[list[int]] = [[] for _ in range(4)]

    def acting(numbers: list[int], act: Act, at: int) -> Callable[[BaseEvent], Awaitable[None]]:
        async def handler(event: BaseEvent) -> None:
            if number_of(event) == at:
                await act()
            numbers.append(number_of(event))

        return handler

    acts = [(do_nothing, 0), (act, at), (suspend, 0), (do_nothing, 0)]
    sids = [await bus.subscribe("tick", acting(numbers, *each)) for numbers, each in zip(seen, acts, strict=True)]
    await bus.publish_batch(ticks(range(MANY)))
    await bus.join()
    missed = {at} if act is fail else set[int]()
    assert [set(range(MANY)) - set(numbers) for numbers in seen] == [set(), missed, set(), set()]
    assert all(numbers == sorted(numbers) for numbers in seen)
    accounts = [bus.statistics().subscriptions[sid] for sid in sids]
    assert [account.handled for account in accounts] == [len(numbers) for numbers in seen]
    assert sum(account.failed for account in accounts) == len(missed)


async def test_a_row_goes_on_in_the_context_of_the_next_subscription(bus: Bus) -> None:
    """Turned red by: staying in the context of the first; never leaving one."""
    last: ContextVar[int] = ContextVar("last", default=-1)
    before: list[list[int]] = [[] for _ in range(4)]

    def noting(numbers: list[int]) -> Callable[[BaseEvent], Awaitable[None]]:
        async def handler(event: BaseEvent) -> None:
            numbers.append(last.get())
            last.set(number_of(event))

        return handler

    for numbers in before:
        await bus.subscribe("tick", noting(numbers))
    await bus.publish_batch(ticks(range(MANY)))
    await bus.join()
    assert before == [list(range(-1, MANY - 1))] * len(before)
    assert last.get() == -1


async def test_a_subscription_that_lost_events_is_told_before_its_row(bus: Bus) -> None:
    """Turned red by: going on with a subscription whose gap is still to be told."""
    story: list[str] = []

    async def handler(_event: BaseEvent) -> None:
        story.append("event")

    async def do_nothing_with(_event: BaseEvent) -> None:
        """Leaves the row to the next subscription."""

    await bus.subscribe("tick", do_nothing_with)
    await bus.subscribe(
        "tick", handler, capacity=20, overflow="drop_oldest", on_gap=lambda gap: story.append(f"{gap.count} lost")
    )
    await bus.publish_batch(ticks(range(MANY)))
    await bus.join()
    assert story == ["30 lost", *["event"] * 20]


async def test_the_worker_of_a_row_can_be_cancelled(bus: Bus) -> None:
    """Turned red by: throwing a cancellation anywhere else than into the handler that is suspended."""
    told: list[str] = []
    tasks: list[asyncio.Task[Any] | None] = []

    async def wait() -> None:
        tasks.append(asyncio.current_task())
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            told.append("cancelled")
            raise

    seen: list[int] = []
    handler = row_of(wait, seen)
    sid = await bus.subscribe("tick", handler)
    await bus.publish_batch(ticks(range(MANY)))
    await until(lambda: tasks)
    [task] = tasks
    assert task is not None
    task.cancel()
    await until(lambda: told)
    await turns(3)
    await bus.publish(tick(MANY))
    await bus.join()
    assert seen == [number for number in range(MANY + 1) if number != AT]
    assert bus.statistics().subscriptions[sid].dropped["cancelled"] == 1
