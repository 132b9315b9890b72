"""Context, first half: a handler runs from its first line to its last in one asyncio task."""

import asyncio
import sys
from typing import Any

import pytest

from tests.support.doubles import Bus, Recorder, full_queue, number_of, tick, ticks, turns, until
from trading.events import BaseEvent


def task_now() -> "asyncio.Task[Any]":
    task = asyncio.current_task()
    assert task is not None
    return task


async def test_current_task_is_the_same_from_first_line_to_last(bus: Bus) -> None:
    """Turned red by: moving a suspended coroutine to another task."""
    changed: list[int] = []

    async def handler(event: BaseEvent) -> None:
        first = task_now()
        for _ in range(number_of(event) % 7):
            await asyncio.sleep(0)
            if task_now() is not first:
                changed.append(number_of(event))

    for _ in range(10):
        await bus.subscribe("tick", handler)
    await bus.publish_batch(ticks(range(50)))
    await bus.join()
    assert changed == []


async def test_no_handler_shares_its_task_while_it_is_suspended(bus: Bus) -> None:
    """Turned red by: a worker that starts another handler while the first is suspended."""
    suspended: set[asyncio.Task[Any]] = set()
    shared: list[int] = []

    async def handler(event: BaseEvent) -> None:
        if task_now() in suspended:
            shared.append(number_of(event))
        suspended.add(task_now())
        await turns(3)
        suspended.discard(task_now())

    for _ in range(10):
        await bus.subscribe("tick", handler)
    await bus.publish_batch(ticks(range(5)))
    await bus.join()
    assert shared == []


async def test_a_handler_does_not_run_in_the_publishers_task(bus: Bus) -> None:
    """Turned red by: dispatching inside publish."""
    tasks: list[Any] = []
    await bus.subscribe("tick", lambda _event: tasks.append(asyncio.current_task()))
    await bus.publish(tick(1))
    await bus.join()
    assert tasks[0] not in (None, asyncio.current_task())


async def test_a_timeout_entered_before_and_left_after_a_suspension_does_nothing(bus: Bus) -> None:
    """Turned red by: driving handlers from a callback of the loop, outside of any task."""

    async def handler(_event: BaseEvent) -> None:
        async with asyncio.timeout(3600):
            await turns(5)

    sid = await bus.subscribe("tick", handler)
    await bus.publish_batch(ticks([1, 2, 3]))
    await bus.join()
    assert bus.statistics().subscriptions[sid].handled == 3


async def test_a_timeout_in_a_handler_expires_for_it_alone(bus: Bus) -> None:
    """Turned red by: cancelling the worker by the timeout of its handler."""
    expired: list[int] = []

    async def handler(event: BaseEvent) -> None:
        try:
            async with asyncio.timeout(0.001 if number_of(event) == 0 else 3600):
                if number_of(event) == 0:
                    await asyncio.get_running_loop().create_future()
                await asyncio.sleep(0)
        except TimeoutError:
            expired.append(number_of(event))

    recorder = Recorder()
    sid = await bus.subscribe("tick", handler)
    await bus.subscribe("tick", recorder)
    await bus.publish_batch(ticks([0, 1, 2]))
    await bus.join()
    assert expired == [0]
    assert bus.statistics().subscriptions[sid].handled == 3
    assert recorder.seen == [0, 1, 2]


async def test_a_task_group_in_a_handler_waits_for_its_tasks(bus: Bus) -> None:
    """Turned red by: moving a suspended coroutine to another task."""
    story: list[Any] = []

    async def child(number: int) -> None:
        for _ in range(number):
            await asyncio.sleep(0)
        story.append(number)

    async def handler(event: BaseEvent) -> None:
        async with asyncio.TaskGroup() as group:
            for number in (3, 1, 2):
                group.create_task(child(number))
            await asyncio.sleep(0)
        story.append("left")

    await bus.subscribe("tick", handler)
    await bus.publish_batch(ticks([0, 1]))
    await bus.join()
    assert story == [1, 2, 3, "left"] * 2


async def test_a_task_group_in_a_handler_whose_task_fails_fails_the_handler_alone(bus: Bus) -> None:
    """Turned red by: not undoing the cancellation that a task group makes."""
    seen: list[int] = []

    async def broken() -> None:
        raise ValueError("broken")

    async def handler(event: BaseEvent) -> None:
        async with asyncio.TaskGroup() as group:
            if number_of(event) == 0:
                group.create_task(broken())
                await asyncio.get_running_loop().create_future()
        await asyncio.sleep(0)
        seen.append(number_of(event))

    sid = await bus.subscribe("tick", handler)
    await bus.publish_batch(ticks([0, 1, 2]))
    await bus.join()
    account = bus.statistics().subscriptions[sid]
    assert (account.failed, account.handled) == (1, 2)
    assert seen == [1, 2]


@pytest.mark.parametrize("plain", [True, False], ids=["a plain function", "an async function"])
async def test_a_handler_that_cancels_its_own_task_and_returns_does_not_cancel_the_next(bus: Bus, plain: Any) -> None:
    """Turned red by: leaving the cancellation pending on the worker's task."""
    seen: list[int] = []
    requests: list[int] = []

    def cancel_oneself(event: BaseEvent) -> None:
        requests.append(task_now().cancelling())
        seen.append(number_of(event))
        if number_of(event) % 2 == 0:
            task_now().cancel()
            task_now().cancel()

    async def handler(event: BaseEvent) -> None:
        cancel_oneself(event)

    async def next_handler(event: BaseEvent) -> None:
        requests.append(task_now().cancelling())
        await asyncio.sleep(0)
        seen.append(number_of(event))

    first = await bus.subscribe("tick", cancel_oneself if plain else handler)
    second = await bus.subscribe("tick", next_handler)
    await bus.publish_batch(ticks(range(6)))
    await bus.join()
    await bus.publish_batch(ticks(range(6)))
    await bus.join()
    accounts = bus.statistics().subscriptions
    assert (accounts[first].handled, accounts[second].handled) == (12, 12)
    assert requests == [0] * 24
    assert len(seen) == 24


async def test_a_cancellation_swallowed_by_a_handler_does_not_reach_the_next(bus: Bus) -> None:
    """Turned red by: ending the worker when it finds `cancelling()` above zero after a handler."""
    seen: list[int] = []

    async def handler(event: BaseEvent) -> None:
        if number_of(event) == 0:
            task_now().cancel()
            try:
                await asyncio.sleep(0)
            except asyncio.CancelledError:
                seen.append(-1)
        await asyncio.sleep(0)
        seen.append(number_of(event))

    sid = await bus.subscribe("tick", handler)
    await bus.publish_batch(ticks([0, 1, 2]))
    await bus.join()
    assert seen == [-1, 0, 1, 2]
    assert bus.statistics().subscriptions[sid].handled == 3


async def test_a_worker_cancelled_from_outside_ends_its_handler_and_the_bus_goes_on(bus: Bus) -> None:
    """Turned red by: taking a cancelled worker's subscription away with it."""
    tasks: list[asyncio.Task[Any]] = []
    seen: list[int] = []

    async def handler(event: BaseEvent) -> None:
        tasks.append(task_now())
        if number_of(event) == 0:
            await asyncio.get_running_loop().create_future()
        seen.append(number_of(event))

    sid = await bus.subscribe("tick", handler)
    await bus.publish_batch(ticks([0, 1]))
    await until(lambda: tasks)
    tasks[0].cancel()
    await turns()
    await bus.publish(tick(2))
    await bus.join()
    assert seen == [1, 2]
    account = bus.statistics().subscriptions[sid]
    assert account.handled == 2
    assert account.failed + account.dropped["cancelled"] == 1


async def test_a_suspended_handler_is_seen_in_its_tasks_stack(bus: Bus) -> None:
    """Turned red by: no `cr_frame` on the native coroutine."""

    async def conspicuous(_event: BaseEvent) -> None:
        await asyncio.get_running_loop().create_future()

    await bus.subscribe("tick", conspicuous)
    await bus.publish(tick(1))
    await turns()
    frames = [frame for task in asyncio.all_tasks() for frame in task.get_stack()]
    assert conspicuous.__code__ in [frame.f_code for frame in frames]


async def test_a_handler_may_wait_for_anything_that_a_task_may(bus: Bus) -> None:
    """Turned red by: dropping the value or the exception that a future brings."""
    loop = asyncio.get_running_loop()
    story: list[Any] = []

    async def handler(_event: BaseEvent) -> None:
        future: asyncio.Future[str] = loop.create_future()
        loop.call_soon(future.set_result, "result")
        story.append(await future)
        broken: asyncio.Future[str] = loop.create_future()
        loop.call_soon(broken.set_exception, ValueError("exception"))
        try:
            await broken
        except ValueError as error:
            story.append(str(error))
        queue: asyncio.Queue[str] = asyncio.Queue()
        loop.call_later(0.001, queue.put_nowait, "queue")
        story.append(await queue.get())
        story.append(await asyncio.to_thread(str, "thread"))
        async with asyncio.Lock():
            await asyncio.sleep(0)
        story.append("end")

    sid = await bus.subscribe("tick", handler)
    await bus.publish(tick(1))
    await bus.join()
    assert story == ["result", "exception", "queue", "thread", "end"]
    assert bus.statistics().subscriptions[sid].handled == 1


def eager_task(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> "asyncio.Task[Any]":
    """`asyncio.eager_task_factory`, also for loops that pass it options which some versions of it do not know."""
    return asyncio.Task(coroutine, loop=loop, **(options | {"eager_start": True}))


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with Python 3.12")
async def test_an_eager_task_factory_starts_no_handler_inside_publish(bus: Any) -> None:
    """Turned red by: making workers by `loop.create_task`."""
    loop = asyncio.get_running_loop()
    loop.set_task_factory(eager_task)
    seen: list[int] = []
    depth = 0

    async def handler(event: BaseEvent) -> None:
        nonlocal depth
        depth += 1
        assert depth == 1
        if number_of(event) < 3000:
            await bus.publish(tick(number_of(event) + 1))
        seen.append(number_of(event))
        depth -= 1

    await bus.subscribe("tick", handler)
    bus.publish_nowait(tick(0))
    assert seen == []
    await bus.join()
    assert seen == list(range(3001))


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with Python 3.12")
async def test_publish_in_an_eager_task_waits_for_room_like_any_other(bus: Any) -> None:
    """Turned red by: wanting a task that runs in the loop."""
    asyncio.get_running_loop().set_task_factory(eager_task)
    gate, _ = await full_queue(bus)
    publisher = asyncio.create_task(bus.publish(tick(2)))
    await turns()
    assert not publisher.done()
    gate.open()
    await publisher
    await bus.join()
    assert gate.finished == [0, 1, 2]
