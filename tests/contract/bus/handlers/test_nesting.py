"""Handlers that run the loop which runs them, as `nest_asyncio` lets them and older libraries of brokers do."""

import subprocess
from collections.abc import Callable

import pytest

RunScript = Callable[[str], subprocess.CompletedProcess[str]]

PATCHED = """
import asyncio
import {package} as nest
from tests.support.doubles import number_of, order, tick

loop = make_loop()
asyncio.set_event_loop(loop)
nest.apply(loop)
"""

TRADING = """
confirmations = {}

async def confirm(event):
    await asyncio.sleep(0)
    confirmations[number_of(event)].set_result(None)

def buy(number):
    confirmations[number] = loop.create_future()
    loop.run_until_complete(asyncio.sleep(0.001))
    loop.run_until_complete(bus.publish(order(number)))
    loop.run_until_complete(confirmations[number])

async def strategy(event):
    await asyncio.sleep(0)
    buy(100 + number_of(event))

async def main():
    global bus
    bus = make_bus()
    await bus.subscribe("order_*", confirm)
    await bus.subscribe("tick", lambda event: buy(number_of(event)))
    await bus.subscribe("tick", strategy)
    await bus.publish_batch([tick(number) for number in range(12)])
    await asyncio.wait_for(bus.join(), 12)
    accounts = bus.statistics().subscriptions.values()
    print([(account.handled, account.failed) for account in accounts])
    await bus.aclose(timeout_s=5)

loop.run_until_complete(main())
"""

REPORTING = """
def run_the_loop(failure):
    loop.run_until_complete(asyncio.sleep(0.001))
    print("reported")

def fail_at_first(event):
    if number_of(event) == 0:
        raise ValueError("the first")

async def main():
    bus = make_bus(on_error=run_the_loop)
    await bus.subscribe("tick", fail_at_first)
    await bus.publish(tick(0))
    await asyncio.wait_for(bus.join(), 12)
    while getattr(bus, "_local", bus)._workers():
        await asyncio.sleep(0)
    await bus.publish(tick(1))
    await asyncio.wait_for(bus.join(), 12)
    print(bus.statistics().waiting)
    await bus.aclose(timeout_s=5)

loop.run_until_complete(main())
"""


def assert_prints(output: str, ended: subprocess.CompletedProcess[str], loop_kind: str) -> None:
    """A program with a patched loop has printed this and ended well; a loop of uvloop cannot be patched."""
    if loop_kind == "uvloop":
        assert "Can't patch loop of type" in ended.stderr
        return
    assert ended.stdout == output, ended.stderr
    assert "cannot enter context" not in ended.stderr
    assert ended.returncode == 0


@pytest.mark.parametrize("package", ["nest_asyncio", "nest_asyncio2"])
def test_a_handler_may_run_the_loop_again_and_wait_for_what_other_handlers_do(
    run_script: RunScript, loop_kind: str, package: str
) -> None:
    """Turned red by: one context for all workers, or no other leader while a handler runs the loop."""
    ended = run_script(PATCHED.format(package=package) + TRADING)
    assert_prints("[(24, 0), (12, 0), (12, 0)]\n", ended, loop_kind)


@pytest.mark.parametrize("package", ["nest_asyncio", "nest_asyncio2"])
def test_an_on_error_that_runs_the_loop_stops_no_later_event(
    run_script: RunScript, loop_kind: str, package: str
) -> None:
    """Turned red by: a worker that steps down for a report's loop and again when it ends, in a count that wraps."""
    ended = run_script(PATCHED.format(package=package) + REPORTING)
    assert_prints("reported\n0\n", ended, loop_kind)


def test_without_a_patch_the_loop_refuses_and_the_handler_alone_has_failed(run_script: RunScript) -> None:
    """Turned red by: a handler's RuntimeError that ends the worker."""
    ended = run_script("""
    import asyncio
    from tests.support.doubles import tick

    async def main():
        bus = make_bus()
        loop = asyncio.get_running_loop()
        waiting = loop.create_future()
        sid = await bus.subscribe("tick", lambda _: loop.run_until_complete(waiting))
        await bus.publish(tick())
        await bus.join()
        print(bus.statistics().subscriptions[sid].failed)
        await bus.aclose()

    run(main())
    """)
    assert (ended.stdout, ended.returncode) == ("1\n", 0)
    assert "already running" in ended.stderr
