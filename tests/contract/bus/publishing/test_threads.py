"""Threads: `publish_nowait` may be called from any thread; everything else belongs to the bus's loop."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.contract.bus.conftest import RunMain
from tests.support.doubles import Bus, Gate, Recorder, assert_balanced, full_queue, number_of, tick, ticks, turns, until
from tests.support.patience import PATIENCE_S
from trading.events import BaseEvent
from trading.events.errors import NotAnEventError, QueueFullError, WrongLoopError


async def test_publish_nowait_may_be_called_from_any_thread(bus: Bus) -> None:
    """Turned red by: waking the loop by `call_soon`, which leaves it asleep."""
    heard, loop_has_nothing_else = asyncio.Event(), threading.Event()
    await bus.subscribe("tick", lambda _event: heard.set())

    def publish() -> None:
        loop_has_nothing_else.wait()
        bus.publish_nowait(tick(1))

    caller = threading.Thread(target=publish)
    caller.start()
    asyncio.get_running_loop().call_soon(loop_has_nothing_else.set)
    await asyncio.wait_for(heard.wait(), PATIENCE_S)
    caller.join()


async def test_ten_threads_may_publish_while_the_loop_runs(bus: Bus) -> None:
    """Turned red by: no lock around the queues."""
    seen: list[int] = []

    async def handler(event: BaseEvent) -> None:
        seen.append(number_of(event))
        if number_of(event) % 50 == 0:
            await asyncio.sleep(0)

    await bus.subscribe("tick", handler)
    batches = [ticks(range(thread * 1000, thread * 1000 + 500)) for thread in range(10)]

    def publish(batch: list[BaseEvent]) -> None:
        for event in batch:
            bus.publish_nowait(event)

    with concurrent.futures.ThreadPoolExecutor(10) as threads:
        await asyncio.gather(
            *(asyncio.get_running_loop().run_in_executor(threads, publish, batch) for batch in batches)
        )
    await bus.join()
    assert len(seen) == 5000
    for thread in range(10):
        mine = [number for number in seen if number // 1000 == thread]
        assert mine == list(range(thread * 1000, thread * 1000 + 500))


async def test_threads_may_publish_while_subscriptions_come_and_go(bus: Bus) -> None:
    """Turned red by: no lock around the registry."""
    loop = asyncio.get_running_loop()
    batch = ticks(range(2000))
    recorder = Recorder()
    sid = await bus.subscribe("tick", recorder)

    def publish() -> None:
        for event in batch:
            bus.publish_nowait(event)

    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        publishing = [loop.run_in_executor(threads, publish) for _ in range(4)]
        while not all(future.done() for future in publishing):
            others = [await bus.subscribe("tick", Recorder(), capacity=5, overflow="drop_oldest") for _ in range(5)]
            await turns(1)
            for other in others:
                await bus.unsubscribe(other)
        await asyncio.gather(*publishing)
    await bus.join()
    assert len(recorder.seen) == bus.statistics().subscriptions[sid].handled == 8000
    assert_balanced(bus)


async def test_a_burst_from_another_thread_wakes_the_loop_once(bus: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Turned red by: a wake-up for every event."""
    loop = asyncio.get_running_loop()
    wakeups: list[Any] = []
    call_soon_threadsafe = loop.call_soon_threadsafe

    def counting(callback: Callable[..., Any], *args: Any, context: Any = None) -> Any:
        wakeups.append(callback)
        return call_soon_threadsafe(callback, *args, context=context)

    monkeypatch.setattr(loop, "call_soon_threadsafe", counting)
    recorder = Recorder()
    await bus.subscribe("tick", recorder)
    await turns(2)
    wakeups.clear()
    batch = ticks(range(1000))
    caller = threading.Thread(target=lambda: [bus.publish_nowait(event) for event in batch])
    caller.start()
    caller.join()
    assert len(wakeups) == 1
    await bus.join()
    assert recorder.seen == list(range(1000))


async def test_errors_of_publish_nowait_are_raised_in_its_own_thread(bus: Any) -> None:
    """Turned red by: handing an event of another thread to the loop."""
    gate, _ = await full_queue(bus)
    with pytest.raises(QueueFullError):
        await asyncio.to_thread(bus.publish_nowait, tick(2))
    with pytest.raises(NotAnEventError):
        await asyncio.to_thread(bus.publish_nowait, None)
    gate.open()


async def test_publish_in_another_thread_returns_a_coroutine_that_acts_in_the_loop(bus: Bus) -> None:
    """Turned red by: accepting in the calling thread and answering with the finished object."""
    recorder = Recorder()
    await bus.subscribe("tick", recorder)
    loop = asyncio.get_running_loop()

    def call() -> Any:
        return bus.publish(tick(1))

    coroutine = await asyncio.to_thread(call)
    assert bus.statistics().published == 0
    await asyncio.to_thread(lambda: asyncio.run_coroutine_threadsafe(coroutine, loop).result(10))
    assert bus.statistics().published == 1
    await bus.join()
    assert recorder.seen == [1]


async def test_publish_in_another_thread_acts_in_the_loop_also_while_a_handler_is_at_work(bus: Bus) -> None:
    """Turned red by: the short way to the queues open to `publish` in any thread."""
    gate = Gate()
    await bus.subscribe("tick", gate)
    await bus.publish(tick(0))
    await gate.has_started(1)
    coroutine = await asyncio.to_thread(lambda: bus.publish(tick(1)))
    assert bus.statistics().published == 1
    await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coroutine, asyncio.get_running_loop()))
    gate.open()
    await bus.join()
    assert gate.finished == [0, 1]


async def test_publish_in_another_thread_may_wait_for_room(bus: Bus) -> None:
    """Turned red by: raising where it would have to wait."""
    gate, _ = await full_queue(bus)
    loop = asyncio.get_running_loop()

    def publish() -> None:
        asyncio.run_coroutine_threadsafe(bus.publish(tick(2)), loop).result(10)

    publishing = asyncio.create_task(asyncio.to_thread(publish))
    await until(lambda: bus.statistics().publishers_waiting)
    gate.open()
    await publishing
    await bus.join()
    assert gate.finished == [0, 1, 2]


async def test_publish_in_another_thread_that_is_dropped_warns(bus: Any) -> None:
    """Turned red by: `drop` of a `Publishing` that neither warns nor counts."""
    recorder = Recorder()
    await bus.subscribe("tick", recorder)

    def publish() -> None:
        bus.publish(tick(1))

    with pytest.warns(RuntimeWarning, match="was never awaited"):
        await asyncio.to_thread(publish)
    await bus.join()
    assert recorder.seen == []
    assert bus.statistics().abandoned == 1


CALLS: dict[str, Callable[[Any], Any]] = {
    "subscribe": lambda bus: bus.subscribe("tick", Recorder()),
    "unsubscribe": lambda bus: bus.unsubscribe("x"),
    "publish": lambda bus: bus.publish(tick(1)),
    "publish_batch": lambda bus: bus.publish_batch(ticks([1])),
    "join": lambda bus: bus.join(),
    "aclose": lambda bus: bus.aclose(),
}


@pytest.mark.parametrize("name", CALLS)
async def test_everything_else_belongs_to_the_loop_and_says_so(bus: Bus, name: str) -> None:
    """Turned red by: not asking which loop runs in the caller's thread."""
    sid = await bus.subscribe("tick", Recorder())

    def misuse() -> None:
        with pytest.raises(WrongLoopError, match="loop"):
            asyncio.run(in_its_own_loop())

    async def in_its_own_loop() -> None:
        await CALLS[name](bus)

    await asyncio.to_thread(misuse)
    assert list(bus.statistics().subscriptions) == [sid]
    await bus.publish(tick(1))


def test_two_buses_may_run_in_two_loops_in_two_threads(bus_type: Callable[..., Any], run: RunMain) -> None:
    """Turned red by: state that all buses share."""
    recorders = [Recorder(), Recorder()]
    both_run = threading.Barrier(2)

    async def main(recorder: Recorder, other: list[Any], mine: list[Any]) -> None:
        async with bus_type() as bus:
            mine.append(bus)
            await bus.subscribe("tick", recorder)
            await asyncio.to_thread(both_run.wait, 10)
            for number in range(500):
                await bus.publish(tick(number))
                other[0].publish_nowait(tick(number + 1000))
            await asyncio.to_thread(both_run.wait, 10)

    first: list[Any] = []
    second: list[Any] = []
    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        running = [
            threads.submit(run, main(recorders[0], second, first)),
            threads.submit(run, main(recorders[1], first, second)),
        ]
        for future in running:
            future.result(20)
    for recorder in recorders:
        assert [number for number in recorder.seen if number < 1000] == list(range(500))
        assert [number for number in recorder.seen if number >= 1000] == list(range(1000, 1500))


async def test_a_handler_hears_events_of_other_threads_in_the_loops_thread(bus: Bus) -> None:
    """Turned red by: calling the handlers from within `publish_nowait`."""
    threads: list[int] = []
    await bus.subscribe("tick", lambda _event: threads.append(threading.get_ident()))
    await asyncio.to_thread(bus.publish_nowait, tick(1))
    await bus.join()
    assert threads == [threading.get_ident()]


def test_publish_nowait_after_the_loop_has_gone_is_refused(bus_type: Callable[..., Any], run: RunMain) -> None:
    """Turned red by: `open_home` not asking whether the loop is closed."""
    bus = bus_type()

    async def main() -> None:
        await bus.subscribe("tick", Recorder())

    run(main())
    with pytest.raises(WrongLoopError, match="closed"):
        bus.publish_nowait(tick(1))
    assert bus.statistics().published == 0
