"""Errors, the exception: KeyboardInterrupt and SystemExit get through."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tests.contract.bus.conftest import RunMain
from tests.support.doubles import Recorder, assert_balanced, tick
from trading.events import BaseEvent

EXITS = [KeyboardInterrupt(), SystemExit(3)]


def by_name(error: BaseException) -> str:
    return type(error).__name__


def assert_gets_through(
    error: BaseException, handler: Callable[[BaseEvent], Any], bus_type: Callable[..., Any], run: RunMain
) -> None:
    """What a handler raises ends the program, at once, and no event is unaccounted for."""
    reached: list[str] = []
    buses: list[Any] = []

    async def main() -> None:
        bus = bus_type()
        buses.append(bus)
        try:
            await bus.subscribe("tick", handler)
            await bus.publish(tick(1))
            await asyncio.get_running_loop().create_future()
            reached.append("past the exit")
        finally:
            await bus.aclose(timeout_s=0)

    with pytest.raises(type(error)):
        run(main())
    assert reached == []
    assert_balanced(buses[0])


@pytest.mark.parametrize("suspends", [False, True], ids=["at once", "after a suspension"])
@pytest.mark.parametrize("error", EXITS, ids=by_name)
def test_keyboard_interrupt_and_system_exit_get_through_from_a_handler(
    bus_type: Callable[..., Any], run: RunMain, error: BaseException, suspends: Any
) -> None:
    """Turned red by: catching every BaseException in the worker."""

    async def handler(_event: BaseEvent) -> None:
        if suspends:
            await asyncio.sleep(0)
        raise error

    assert_gets_through(error, handler, bus_type, run)


@pytest.mark.parametrize("error", EXITS, ids=by_name)
def test_keyboard_interrupt_and_system_exit_get_through_from_a_plain_function(
    bus_type: Callable[..., Any], run: RunMain, error: BaseException
) -> None:
    """Turned red by: catching every BaseException around a call."""

    def handler(_event: BaseEvent) -> None:
        raise error

    assert_gets_through(error, handler, bus_type, run)


@pytest.mark.parametrize("error", EXITS, ids=by_name)
async def test_keyboard_interrupt_and_system_exit_get_through_from_a_filter(bus: Any, error: BaseException) -> None:
    """Turned red by: `passing` treating them like any exception of a filter."""
    before, after = Recorder(), Recorder()

    def interrupted(_event: BaseEvent) -> bool:
        raise error

    await bus.subscribe("tick", before)
    await bus.subscribe("tick", Recorder(), interrupted)
    await bus.subscribe("tick", after)
    with pytest.raises(type(error)):
        bus.publish_nowait(tick(1))
    await bus.join()
    assert before.seen == after.seen == []
