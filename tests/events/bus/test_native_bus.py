"""What the native half must not do to Python: to its garbage collector, its stack, its loops and its tasks."""

import asyncio
import gc
import threading
import types
from collections.abc import AsyncIterator, Callable, Generator
from pathlib import Path
from typing import Any, Literal

import pytest

from tests.support.doubles import Gate, number_of, tick, turns, until
from tests.support.patience import PATIENCE_S
from trading.events import BaseEvent, ErrorEvent, InMemoryEventBus, TickEvent, not_filter, symbol_filter
from trading.events.errors import HandlerTypeError, NotAnEventError


def test_collecting_filters_leaves_the_functions_in_them_alone() -> None:
    """Turned red by: visiting a reference that several filters share once for each of them."""

    def at_most(limit: int) -> Callable[[BaseEvent], bool]:
        return lambda event: number_of(event) <= limit

    condition = at_most(5)
    narrow = symbol_filter("BTC/USDT") & condition
    cycle: list[Any] = [narrow, ~narrow, narrow | condition]
    cycle.append(cycle)
    del cycle, narrow
    gc.collect()
    assert condition(tick(5))
    assert not condition(tick(6))


async def test_as_many_publishers_as_memory_holds_can_be_let_in_at_once() -> None:
    """Turned red by: calling the next in line from within the call of the one before."""
    async with InMemoryEventBus() as bus:
        gate = Gate()
        sid = await bus.subscribe("tick", gate, capacity=1)
        await bus.publish_batch([tick(0)])
        await gate.has_started(1)
        await bus.publish(tick(1))
        event = tick(2)
        publishers = [asyncio.create_task(bus.publish(event)) for _ in range(50_000)]
        await turns(2)
        await bus.unsubscribe(sid)
        await asyncio.gather(*publishers)
        gate.open()


def resident_kib() -> int:
    """How much memory this process has now."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1])


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="there is no other way to ask for the memory in use")
async def test_subscriptions_that_come_and_go_leave_memory_where_it_was() -> None:
    """Turned red by: `wake_waiters` leaving the number of an ended subscription in `by_number`."""
    async with InMemoryEventBus() as bus:

        async def come_and_go(rounds: range) -> None:
            for number in rounds:
                sid = await bus.subscribe(f"events.tick.binance.{number}", print, name="passing")
                await bus.unsubscribe(sid)

        await come_and_go(range(20_000))
        before_kib = resident_kib()
        await come_and_go(range(20_000, 120_000))
        assert resident_kib() - before_kib < 1_500


async def test_who_waits_for_few_events_to_be_left_is_told_before_who_waits_for_none() -> None:
    """Turned red by: `take_satisfied` asking whether no event is left."""
    async with InMemoryEventBus() as bus:
        gate = Gate()
        await bus.subscribe("tick", gate)
        await bus.publish_batch([tick(number) for number in range(5)])
        three, none = bus._idle(3), bus._idle()
        gate.let_go(2)
        await three
        assert (len(gate.finished), none.done()) == (2, False)
        gate.let_go(3)
        await none
        assert len(gate.finished) == 5


async def test_whoever_waits_is_served_when_a_worker_has_been_cancelled() -> None:
    """Turned red by: never replacing a worker that was cancelled."""
    async with InMemoryEventBus() as bus:
        seen: list[int] = []
        stuck: list[asyncio.Task[Any]] = []

        async def handler(event: BaseEvent) -> None:
            seen.append(number_of(event))
            if number_of(event) == 0:
                stuck.append(asyncio.current_task())
                await asyncio.Event().wait()

        sid = await bus.subscribe("tick", handler, capacity=1)
        await bus.publish(tick(0))
        await until(lambda: stuck)
        await bus.publish(tick(1))
        publisher = asyncio.create_task(bus.publish(tick(2)))
        joined = asyncio.create_task(bus.join())
        await turns()
        stuck[0].cancel()
        await publisher
        await joined
        await bus.unsubscribe(sid, drain=True)
        assert seen == [0, 1, 2]


async def test_draining_starts_a_worker_where_a_cancelled_one_has_left_events() -> None:
    """Turned red by: only waiting for the events to be handled."""
    async with InMemoryEventBus() as bus:
        gate = Gate()
        sid = await bus.subscribe("tick", gate)
        await bus.publish(tick(0))
        await gate.has_started(1)
        await bus.publish(tick(1))
        (worker,) = [task for task in asyncio.all_tasks() if type(task).__name__ == "WorkerTask"]
        worker.cancel()
        await asyncio.wait([worker])
        gate.open()
        await bus.unsubscribe(sid, drain=True)
        assert gate.finished == [1]


async def test_a_failed_task_group_in_a_handler_leaves_the_next_event_alone() -> None:
    """Turned red by: taking a TaskGroup's cancellation of its own task for one from outside."""
    async with InMemoryEventBus() as bus:
        caught: list[int] = []

        async def fail() -> None:
            await asyncio.sleep(0)
            raise ValueError("child")

        async def handler(event: BaseEvent) -> None:
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(fail())
            except* ValueError:
                caught.append(number_of(event))

        await bus.subscribe("tick", handler)
        await bus.publish_batch([tick(number) for number in range(20)])
        await bus.join()
        assert caught == list(range(20))


def test_a_loop_may_be_set_up_in_one_thread_and_run_in_another() -> None:
    """Turned red by: keeping the thread in which the bus was first used for good."""
    loop = asyncio.new_event_loop()
    bus = InMemoryEventBus()
    handled = threading.Event()

    async def handler(event: BaseEvent) -> None:
        if number_of(event) == 2:
            handled.set()

    loop.run_until_complete(bus.subscribe("tick", handler))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        bus.publish_nowait(tick(1))

        async def publish() -> None:
            await bus.publish(tick(2))

        asyncio.run_coroutine_threadsafe(publish(), loop).result(10)
        assert handled.wait(PATIENCE_S)
        asyncio.run_coroutine_threadsafe(bus.aclose(), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def test_aclose_leaves_no_worker_behind_even_if_a_cancelled_handler_fails() -> None:
    """Turned red by: cancelling only those workers that run when the time is up."""
    bus = InMemoryEventBus()

    async def handler(_event: BaseEvent) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError("while being cancelled")

    async def stuck(_event: ErrorEvent) -> None:
        await asyncio.Event().wait()

    await bus.subscribe("tick", handler)
    await bus.subscribe(ErrorEvent, stuck)
    await bus.publish(tick(1))
    await turns()
    await bus.aclose(timeout_s=0)
    assert bus.statistics().waiting == 0
    assert [task for task in asyncio.all_tasks() if type(task).__name__ == "WorkerTask"] == []


async def test_a_queue_that_is_gone_does_not_let_a_newcomer_overtake() -> None:
    """Turned red by: knowing waiters for the same set by subscriptions that have ended."""
    async with InMemoryEventBus() as bus:
        leaving, staying = Gate(), Gate()
        sid = await bus.subscribe("tick", leaving, capacity=1)
        await bus.subscribe("tick", staying, capacity=4)
        await bus.publish(tick(0))
        await leaving.has_started(1)
        await staying.has_started(1)
        await bus.publish(tick(1))
        waiting = asyncio.create_task(bus.publish(tick(2)))
        await turns()
        await bus.unsubscribe(sid)
        await bus.publish(tick(3))
        await waiting
        leaving.open()
        staying.open()
        await bus.join()
        assert staying.finished == [0, 1, 2, 3]


async def test_a_generator_made_awaitable_is_driven_and_any_other_is_refused() -> None:
    """Turned red by: taking whatever is no coroutine for a plain result."""
    async with InMemoryEventBus() as bus:
        seen: list[int] = []

        @types.coroutine
        def old_style(event: BaseEvent) -> Generator[None]:
            yield
            seen.append(number_of(event))

        async def asynchronous(event: BaseEvent) -> AsyncIterator[int]:
            yield number_of(event)

        def plain(event: BaseEvent) -> Generator[int]:
            yield number_of(event)

        await bus.subscribe("tick", old_style)
        for generator in (asynchronous, plain):
            with pytest.raises(HandlerTypeError, match="generator"):
                await bus.subscribe("tick", generator)
        await bus.publish(tick(1))
        await bus.join()
        assert seen == [1]


async def test_an_asynchronous_filter_within_another_passes_nothing_and_says_so() -> None:
    """Turned red by: taking the coroutine that it returns for a yes."""
    failures: list[BaseException] = []
    async with InMemoryEventBus(on_error=lambda failure: failures.append(failure.error)) as bus:
        seen: list[BaseEvent] = []

        async def asynchronous(_event: BaseEvent) -> bool:
            return True

        await bus.subscribe("tick", seen.append, symbol_filter("BTC/USDT") & asynchronous)
        await bus.subscribe("tick", seen.append, not_filter(asynchronous))
        await bus.publish(tick(1))
        await bus.join()
        assert seen == []
        assert [type(error) for error in failures] == [HandlerTypeError, HandlerTypeError]


async def test_reading_an_event_may_run_code_that_publishes() -> None:
    """Turned red by: reading an event's names while the state is taken."""
    async with InMemoryEventBus() as bus:
        seen: list[int] = []

        class Lazy(TickEvent):
            event_type: Literal["lazy"] = "lazy"

            def __getattr__(self, name: str) -> Any:
                bus.publish_nowait(tick(1))
                raise AttributeError(name)

        await bus.subscribe("events.*.binance.BTC/USDT", lambda event: seen.append(number_of(event)))
        whole = Lazy.model_construct(**{**tick(2).__dict__, "event_type": "lazy"})
        for event in (tick(0), whole):
            await bus.publish(event)
        del whole.__dict__["symbol"]
        with pytest.raises(NotAnEventError):
            await bus.publish(whole)
        await bus.join()
        assert set(seen) == {0, 1, 2}


async def test_among_many_instruments_each_event_goes_to_its_own_subscription() -> None:
    """Also when the table of their routes has grown, and after subscriptions have come and gone.

    Turned red by: taking the first place of the table for the one that was looked for.
    """
    symbols = [f"COIN{number}" for number in range(5_000)]
    events = [tick(number, symbol=symbol) for number, symbol in enumerate(symbols)]
    heard: dict[str, list[int]] = {symbol: [] for symbol in symbols}

    def note_in(name: str) -> Callable[[BaseEvent], None]:
        return lambda event: heard[name].append(number_of(event))

    async with InMemoryEventBus() as bus:
        sids = [await bus.subscribe(f"events.tick.*.{symbol}", note_in(symbol)) for symbol in symbols]
        for _ in range(3):
            await bus.publish_batch(events)
        for sid in sids[::2]:
            await bus.unsubscribe(sid, drain=True)
        for _ in range(3):
            await bus.publish_batch(events)
        await bus.join()
    assert heard == {symbol: [number] * (3 if number % 2 == 0 else 6) for number, symbol in enumerate(symbols)}
