"""The interpreter ends with 0, whatever its daemon threads are at. `make exits` tries each way 200 times."""

import os
import subprocess
import sys
import textwrap

import pytest

from tests.support.places import ROOT

from .program import WAYS

EXITS = int(os.environ.get("EXITS", "2"))
"""How often each way is tried."""
AT_ONCE = 3
LIMIT_S = 60


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


def run(source: str) -> tuple[int, str, str]:
    """How a program ends, and what it has written."""
    process = start("-X", "dev", "-c", textwrap.dedent(source))
    output, errors = process.communicate(timeout=LIMIT_S)
    return process.returncode, output, errors


HEAD = """
import asyncio, atexit, os, sys, threading, time
import trading.events._core as core
from tests.support.places import ROOT
from tests.support.doubles import tick
from trading.events import InMemoryEventBus, decode_event, encode_event
from trading.events.errors import WrongLoopError

bus = InMemoryEventBus()

def say(text):
    os.write(1, f"{text}\\n".encode())

def in_a_thread(work):
    threading.Thread(target=work, daemon=True).start()
"""


def run_with_a_bus(source: str) -> tuple[int, str, str]:
    """How a program ends that has a bus to work with, and what it has written."""
    return run(HEAD + textwrap.dedent(source))


@pytest.mark.parametrize("way", [*WAYS, "journal"])
def test_no_exit_aborts(way: str) -> None:
    """Turned red by: `exits::call` without its hold ("sleeping filter"), or no hook at exit ("filter", "loop")."""
    ends: list[tuple[int, str]] = []
    for begin in range(0, EXITS, AT_ONCE):
        batch = [start("-m", "tests.system.exits.program", way) for _ in range(min(AT_ONCE, EXITS - begin))]
        for process in batch:
            _, errors = process.communicate(timeout=LIMIT_S)
            ends.append((process.returncode, errors))
    assert [end for end in ends if end[0] != 0] == []
    assert not any("FATAL" in errors for _, errors in ends)


def test_the_end_waits_for_calls_under_way() -> None:
    """Turned red by: `end_calls` that does not wait."""
    code, output, _ = run_with_a_bus("""
        entered = threading.Event()

        def slow(event):
            entered.set()
            time.sleep(0.3)
            return True

        def work():
            try:
                bus.publish_nowait(tick())
            finally:
                say("ended")

        async def main():
            await bus.subscribe("tick", print, slow)
            in_a_thread(work)
            await asyncio.to_thread(entered.wait)

        asyncio.run(main())
    """)
    assert (code, output) == (0, "ended\n")


def test_what_outlasts_the_wait_is_not_waited_for_again() -> None:
    """Turned red by: `end_calls` that waits its whole second at each call."""
    code, output, _ = run_with_a_bus("""
        entered = threading.Event()

        def stuck(event):
            entered.set()
            time.sleep(60)

        async def main():
            await bus.subscribe("tick", print, stuck)
            in_a_thread(lambda: bus.publish_nowait(tick()))
            await asyncio.to_thread(entered.wait)

        def seconds():
            started = time.monotonic()
            core.end_calls()
            return time.monotonic() - started

        asyncio.run(main())
        first = seconds()
        say(first >= 1)
        say(min(seconds() for _ in range(3)) < first / 2)
    """)
    assert (code, output) == (0, "True\nTrue\n")


def test_later_calls_of_other_threads_are_refused_with_a_word() -> None:
    """Turned red by: `Call::begin` that lets all through."""
    code, output, _ = run_with_a_bus("""
        refused = threading.Event()
        begins = threading.Event()

        def work():
            begins.wait()
            for call in (lambda: bus.publish_nowait(tick()), lambda: encode_event(tick()), lambda: decode_event(b"")):
                try:
                    call()
                except Exception as error:
                    say(f"{type(error).__name__}: {error}")
            refused.set()

        def later():
            encode_event(tick())  # the thread that ends the interpreter goes on
            begins.set()
            refused.wait()

        async def main():
            await bus.subscribe("tick", lambda _: None)
            await bus.publish(tick())
            await bus.join()

        asyncio.run(main())
        in_a_thread(work)
        atexit.register(later)
        atexit.register(core.end_calls)
    """)
    ending = "the interpreter is ending, and takes no calls of other threads"
    assert code == 0
    assert output.splitlines() == [
        f"BusClosedError: {ending}; the event has reached nobody",
        f"RuntimeError: {ending}",
        f"RuntimeError: {ending}",
    ]


def test_events_that_a_thread_published_to_the_last_are_told_of() -> None:
    """Turned red by: leaving it to `__del__`, which never comes while a thread has the bus."""
    code, _, errors = run_with_a_bus("""
        published, refused = threading.Event(), threading.Event()

        def work(bus=bus):
            bus.publish_nowait(tick(0))
            bus.publish_nowait(tick(1))
            published.set()
            while True:
                try:
                    bus.publish_nowait(tick(2))
                except WrongLoopError:  # its loop has ended
                    refused.set()

        async def main():
            await bus.subscribe("tick", lambda _: asyncio.Event().wait(), overflow="drop_newest")
            in_a_thread(work)
            await asyncio.to_thread(published.wait)

        asyncio.run(main())
        refused.wait()
    """)
    assert code == 0
    assert errors.count("was never closed") == 1


def test_a_subinterpreter_is_told_that_it_cannot_have_the_module() -> None:
    """Turned red by: a module that says it supports several interpreters."""
    code, output, errors = run("""
        import importlib, sys
        import trading.events
        name = "_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters"
        interpreters = importlib.import_module(name)
        number = interpreters.create()
        source = (
            "try:\\n import trading.events._core\\n"
            "except ImportError as error:\\n import os; os.write(1, str(error).encode())"
        )
        interpreters.run_string(number, source)
        interpreters.destroy(number)
    """)
    assert code == 0, errors
    assert "subinterpreters" in output
