"""Publishing: it acts when it is called, if there is room."""

import asyncio
import collections.abc
import gc
import inspect
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.doubles import Bus, Recorder, full_queue, tick, ticks, turns
from trading.events.errors import BusClosedError, NotAnEventError, QueueFullError


async def test_publish_acts_when_it_is_called(bus: Bus) -> None:
    """Turned red by: `publish` leaving everything to the first step of its awaitable."""
    sid = await bus.subscribe("tick", Recorder())
    awaitable = bus.publish(tick(1))
    assert bus.statistics().subscriptions[sid].accepted == 1
    await awaitable
    assert bus.statistics().subscriptions[sid].accepted == 1


async def test_publish_batch_acts_when_it_is_called(bus: Bus) -> None:
    """Turned red by: `publish_batch` leaving everything to the first step of its awaitable."""
    sid = await bus.subscribe("tick", Recorder())
    awaitable = bus.publish_batch(ticks([1, 2, 3]))
    assert bus.statistics().subscriptions[sid].accepted == 3
    await awaitable


async def test_no_handler_runs_inside_publish(bus: Bus) -> None:
    """Turned red by: starting the worker eagerly."""
    recorder = Recorder()
    await bus.subscribe("tick", recorder)
    await bus.publish(tick(1))
    assert recorder.seen == []
    bus.publish_nowait(tick(2))
    assert recorder.seen == []
    await bus.join()
    assert recorder.seen == [1, 2]


async def test_where_there_is_room_the_awaitable_is_one_shared_finished_object(bus: Any) -> None:
    """Turned red by: making a `Done` for every publish."""
    await bus.subscribe("tick", Recorder())
    first, second = bus.publish(tick(1)), bus.publish(tick(2))
    assert first is second
    assert await first is None
    assert await first is None
    assert bus.statistics().published == 2


async def test_a_finished_awaitable_may_be_dropped_without_a_warning(bus: Any) -> None:
    """Turned red by: `publish` leaving everything to the first step of its awaitable."""
    recorder = Recorder()
    await bus.subscribe("tick", recorder)
    bus.publish(tick(1))
    gc.collect()
    await bus.join()
    assert recorder.seen == [1]
    assert bus.statistics().abandoned == 0


async def test_publish_nowait_acts_and_returns_none(bus: Any) -> None:
    """Turned red by: `publish_nowait` returning the awaitable of publish."""
    recorder = Recorder()
    await bus.subscribe("tick", recorder)
    assert bus.publish_nowait(tick(1)) is None
    await bus.join()
    assert recorder.seen == [1]


async def test_one_that_waits_for_room_may_be_awaited_once(bus: Bus) -> None:
    """Turned red by: `step` of a `Publishing` that is over returning at once."""
    gate, _ = await full_queue(bus)
    waiting = bus.publish(tick(2))
    gate.let_go()
    await waiting
    with pytest.raises(RuntimeError, match="await"):
        await waiting
    gate.open()
    await bus.join()
    assert gate.finished == [0, 1, 2]


async def test_one_that_waits_and_is_dropped_unawaited_warns_and_counts(bus: Any) -> None:
    """Turned red by: `drop` of a `Publishing` that neither warns nor counts."""
    gate, _ = await full_queue(bus)
    with pytest.warns(RuntimeWarning, match="was never awaited"):
        bus.publish(tick(2))
    assert bus.statistics().abandoned == 1
    assert bus.statistics().publishers_waiting == 0
    gate.open()
    await bus.join()
    assert gate.finished == [0, 1]


async def test_the_awaitable_is_a_coroutine_to_all_who_ask(bus: Bus) -> None:
    """Turned red by: leaving `send`, `throw` or `close` off the native types."""
    await full_queue(bus, symbol="FULL")
    finished, waiting = bus.publish(tick(1)), bus.publish(tick(2, symbol="FULL"))
    for awaitable in (finished, waiting):
        assert inspect.isawaitable(awaitable)
        assert asyncio.iscoroutine(awaitable)
        assert isinstance(awaitable, collections.abc.Coroutine)
    waiting.close()


async def in_a_task(awaitable: Any) -> Any:
    return await asyncio.create_task(awaitable)


async def in_gather(awaitable: Any) -> Any:
    return (await asyncio.gather(awaitable))[0]


async def in_wait_for(awaitable: Any) -> Any:
    return await asyncio.wait_for(awaitable, 3600)


async def in_a_task_group(awaitable: Any) -> Any:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(awaitable)
    return task.result()


async def in_shield(awaitable: Any) -> Any:
    return await asyncio.shield(awaitable)


async def in_another_thread(awaitable: Any) -> Any:
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(awaitable, asyncio.get_running_loop()))


ALL_WHO_TAKE_IT = [in_a_task, in_gather, in_wait_for, in_a_task_group, in_shield, in_another_thread]


@pytest.mark.parametrize("take", ALL_WHO_TAKE_IT)
async def test_all_who_take_a_coroutine_take_a_finished_one(bus: Bus, take: Callable[..., Any]) -> None:
    """Turned red by: a shared object without `close`, which is no coroutine."""
    recorder = Recorder()
    await bus.subscribe("tick", recorder)
    assert await take(bus.publish(tick(1))) is None
    assert await take(bus.publish(tick(2))) is None
    assert await take(bus.publish_batch(ticks([3, 4]))) is None
    await bus.join()
    assert recorder.seen == [1, 2, 3, 4]


@pytest.mark.parametrize("take", ALL_WHO_TAKE_IT)
async def test_all_who_take_a_coroutine_take_one_that_waits(bus: Bus, take: Callable[..., Any]) -> None:
    """Turned red by: yielding None in place of the future while waiting."""
    gate, _ = await full_queue(bus)
    taken = asyncio.create_task(take(bus.publish(tick(2))))
    await turns()
    assert not taken.done()
    gate.open()
    assert await taken is None
    await bus.join()
    assert gate.finished == [0, 1, 2]


NO_EVENTS: list[Any] = [None, "tick", 1, {"event_type": "tick"}, object(), tick, type(tick()), [tick()]]


@pytest.mark.parametrize("wrong", NO_EVENTS, ids=lambda wrong: type(wrong).__name__)
async def test_what_is_no_event_is_refused_at_the_call(bus: Bus, wrong: Any) -> None:
    """Turned red by: `Kind.of` not asking for BaseEvent."""
    await bus.subscribe("*", Recorder())
    for publish in (bus.publish, bus.publish_nowait):
        with pytest.raises(NotAnEventError):
            publish(wrong)
    assert bus.statistics().published == 0


async def test_no_event_is_a_type_error_that_names_what_it_was(bus: Any) -> None:
    """Turned red by: a message without the type's name."""
    with pytest.raises(TypeError, match="dict"):
        bus.publish({"event_type": "tick"})


async def test_a_full_raise_queue_refuses_at_the_call(bus: Any) -> None:
    """Turned red by: `publish` leaving everything to the first step of its awaitable."""
    await full_queue(bus, overflow="raise")
    with pytest.raises(QueueFullError):
        bus.publish(tick(2))


async def test_a_closed_bus_refuses_at_the_call(bus: Any) -> None:
    """Turned red by: `publish` leaving everything to the first step of its awaitable."""
    await bus.aclose()
    with pytest.raises(BusClosedError):
        bus.publish(tick(1))


async def test_a_batch_is_published_in_order(bus: Bus) -> None:
    """Turned red by: walking the batch backwards."""
    recorder = Recorder()
    await bus.subscribe("tick", recorder)
    await bus.publish_batch(ticks(range(1000)))
    await bus.join()
    assert recorder.seen == list(range(1000))


@pytest.mark.parametrize("form", [list, tuple, iter, lambda events: (event for event in events)])
async def test_a_batch_may_be_any_iterable(bus: Bus, form: Callable[..., Any]) -> None:
    """Turned red by: asking for the length of the batch."""
    recorder = Recorder()
    await bus.subscribe("tick", recorder)
    await bus.publish_batch(form(ticks([1, 2, 3])))
    await bus.join()
    assert recorder.seen == [1, 2, 3]


async def test_an_empty_batch_is_fine(bus: Bus) -> None:
    """Turned red by: refusing a batch of nothing."""
    await bus.publish_batch([])
    assert bus.statistics().published == 0


async def test_a_batch_that_is_no_iterable_is_a_type_error(bus: Bus) -> None:
    """Turned red by: taking what cannot be iterated over for a batch of nothing."""
    for wrong in (5, None):
        with pytest.raises(TypeError):
            await bus.publish_batch(wrong)
