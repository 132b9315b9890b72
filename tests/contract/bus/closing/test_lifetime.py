"""The bus and its loop: what happens when a loop ends, when a bus is forgotten, and in a forked child."""

import gc
import sys
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.bus.conftest import RunMain
from tests.support.doubles import Bus, Gate, Recorder, full_queue, tick, ticks, turns
from trading.events.errors import WrongLoopError

if TYPE_CHECKING:
    from subprocess import CompletedProcess

RunScript = Callable[[str], "CompletedProcess[str]"]


def test_a_bus_may_be_made_before_its_loop(bus_type: Callable[..., Any], run: RunMain) -> None:
    """Turned red by: asking for the running loop in the constructor."""
    bus = bus_type()
    recorder = Recorder()

    async def main() -> None:
        async with bus:
            await bus.subscribe("tick", recorder)
            await bus.publish(tick(1))

    run(main())
    assert recorder.seen == [1]


def test_a_loop_closed_without_aclose_gives_a_warning_that_counts_what_was_lost(
    bus_type: Callable[..., Any], run: RunMain
) -> None:
    """Turned red by: dropping waiting events silently with the bus."""

    async def main() -> None:
        await full_queue(bus_type(), capacity=3)

    def lose() -> None:
        run(main())
        gc.collect()

    with pytest.warns(ResourceWarning, match=r"\b[34]\b.*\blost\b"):
        lose()


def test_a_bus_that_lost_nothing_gives_no_warning(bus_type: Callable[..., Any], run: RunMain) -> None:
    """Turned red by: warning about every bus that was not closed."""

    async def main() -> None:
        bus = bus_type()
        await bus.subscribe("tick", Recorder())
        await bus.publish(tick(1))
        await bus.join()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bus_type()
        run(main())
        gc.collect()


def test_a_forgotten_bus_is_freed_with_its_handlers(bus_type: Callable[..., Any], run: RunMain) -> None:
    """Turned red by: leaving the handlers out of the native type's traverse."""
    freed: list[str] = []

    class Witness:
        def __init__(self, bus: Any) -> None:
            self.bus = bus

        async def __call__(self, _event: Any) -> None: ...

        def __del__(self) -> None:
            freed.append("freed")

    async def main() -> None:
        bus = bus_type()
        await bus.subscribe("tick", Witness(bus))
        await bus.publish(tick(1))
        await bus.aclose()

    run(main())
    gc.collect()
    assert freed == ["freed"]


def test_an_unsubscribed_handler_is_let_go(bus_type: Callable[..., Any], run: RunMain) -> None:
    """Turned red by: keeping the handler of a retired subscription."""
    freed: list[str] = []

    class Witness:
        async def __call__(self, _event: Any) -> None: ...

        def __del__(self) -> None:
            freed.append("freed")

    async def main() -> None:
        async with bus_type() as bus:
            sid = await bus.subscribe("tick", Witness())
            await bus.publish(tick(1))
            await bus.join()
            await bus.unsubscribe(sid)
            await turns(2)
            gc.collect()
            assert freed == ["freed"]

    run(main())


async def test_subscriptions_that_come_and_go_leave_nothing_behind(bus: Bus) -> None:
    """Turned red by: leaving what has ended in `_tracked`."""

    async def come_and_go(rounds: range) -> None:
        for number in rounds:
            sid = await bus.subscribe(f"events.tick.binance.{number}", print, name="passing")
            await bus.unsubscribe(sid)
        gc.collect()

    await come_and_go(range(300))
    before = sys.getallocatedblocks()
    await come_and_go(range(300, 1_300))
    assert sys.getallocatedblocks() - before < 900


def test_a_bus_belongs_to_the_loop_it_was_first_used_in(bus_type: Callable[..., Any], run: RunMain) -> None:
    """Turned red by: using whatever loop runs."""
    bus = bus_type()

    async def first() -> None:
        await bus.subscribe("tick", Recorder())

    async def second() -> None:
        for call in (
            lambda: bus.subscribe("tick", Recorder()),
            lambda: bus.publish_batch(ticks([1])),
            bus.join,
            bus.aclose,
        ):
            with pytest.raises(WrongLoopError):
                await call()

    run(first())
    run(second())


def test_asyncio_run_ends_while_a_handler_is_suspended(run_script: RunScript) -> None:
    """Turned red by: starting a new worker whenever one is cancelled."""
    ended = run_script("""
        import asyncio, gc, warnings
        from tests.support.doubles import full_queue

        warnings.simplefilter("ignore", ResourceWarning)
        gc.disable()  # nobody else holds the suspended handlers, which the loop is to cancel

        async def main():
            bus = make_bus()
            for symbol in "ABC":
                await full_queue(bus, symbol=symbol, capacity=5)
            print("leaving", flush=True)

        run(main())
        print("left")
    """)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.split() == ["leaving", "left"]


def test_asyncio_run_ends_while_publishers_wait(run_script: RunScript) -> None:
    """Turned red by: a waiting publish that joins the line anew when it is cancelled."""
    ended = run_script("""
        import asyncio, gc, warnings
        from tests.support.doubles import full_queue, tick, turns

        warnings.simplefilter("ignore", ResourceWarning)
        gc.disable()  # nobody else holds the suspended handlers, which the loop is to cancel

        async def main():
            bus = make_bus()
            await full_queue(bus)
            tasks = [asyncio.create_task(bus.publish(tick(n))) for n in range(10)]
            await turns()
            print("leaving", flush=True)

        run(main())
        print("left")
    """)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.split() == ["leaving", "left"]


def test_the_interpreter_ends_cleanly_with_a_bus_that_was_never_closed(run_script: RunScript) -> None:
    """Turned red by: importing a module when the native bus is dropped."""
    ended = run_script("""
        import asyncio
        from tests.support.doubles import full_queue

        bus = make_bus()
        loop = make_loop()
        gate = loop.run_until_complete(full_queue(bus, capacity=3))
        print("left", flush=True)
    """)
    assert ended.returncode == 0, ended.stderr
    assert "left" in ended.stdout
    assert "Fatal" not in ended.stderr
    assert "panicked" not in ended.stderr


def test_a_bus_in_a_forked_child_says_so(run_script: RunScript) -> None:
    """Turned red by: not noticing the fork."""
    ended = run_script("""
        import asyncio, os, warnings
        from tests.support.doubles import Recorder, tick, turns
        from trading.events.errors import ForkedBusError

        warnings.simplefilter("ignore", DeprecationWarning)

        async def main():
            bus = make_bus()
            recorder = Recorder()
            await bus.subscribe("tick", recorder)
            await bus.publish(tick(1))
            child = os.fork()
            if child == 0:
                caught = 0
                for call in (
                    lambda: bus.publish_nowait(tick(2)), lambda: bus.publish(tick(2)),
                    lambda: bus.publish_batch([tick(2)]), lambda: bus.subscribe("tick", recorder).send(None),
                    lambda: bus.join().send(None), lambda: bus.aclose().send(None),
                ):
                    try:
                        call()
                    except ForkedBusError:
                        caught += 1
                    except BaseException as error:
                        print(repr(error), flush=True)
                os._exit(caught)
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            await bus.join()
            await bus.publish(tick(3))
            await bus.aclose()
            print(status, recorder.seen)

        run(main())
    """)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip() == "6 [1, 3]"


async def test_a_gate_of_a_closed_bus_is_cancelled_and_not_resumed(bus_type: Callable[..., Any]) -> None:
    """Turned red by: `_cancel_workers` cancelling nobody."""
    bus = bus_type()
    gate: Gate
    gate, _ = await full_queue(bus)
    await bus.aclose(timeout_s=0)
    gate.open()
    await turns()
    assert gate.finished == []
