"""Errors: a handler that raises harms nobody else; it is logged, counted, reported and published."""

import asyncio
import logging
from typing import Any

import pytest

from tests.support.doubles import Bus, Gate, Recorder, dropped, number_of, tick, ticks, turns, until
from trading.events import BaseEvent, ErrorEvent


class PanicError(BaseException):
    """No Exception, yet an error like any other."""


ERRORS = [ValueError("broken"), asyncio.CancelledError("broken"), PanicError("broken"), StopAsyncIteration("broken")]


def failing(error: BaseException, *, suspends: bool) -> Any:
    """A handler that raises with every event whose number is even."""

    async def handler(event: BaseEvent) -> None:
        if suspends:
            await asyncio.sleep(0)
        if number_of(event) % 2 == 0:
            raise error

    return handler


@pytest.mark.parametrize("suspends", [False, True], ids=["at once", "after a suspension"])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
async def test_a_handler_that_raises_harms_nobody_else(bus: Bus, error: BaseException, suspends: Any) -> None:
    """Turned red by: letting the exception leave the worker."""
    recorder, gate = Recorder(), Gate()
    await bus.subscribe("tick", recorder)
    sid = await bus.subscribe("tick", failing(error, suspends=suspends))
    await bus.subscribe("tick", gate)
    gate.open()
    await bus.publish_batch(ticks(range(6)))
    await bus.join()
    account = bus.statistics().subscriptions[sid]
    assert (account.accepted, account.handled, account.failed) == (6, 3, 3)
    assert dropped(account) == {}
    assert recorder.seen == gate.finished == list(range(6))


@pytest.mark.parametrize(
    "error", [*ERRORS, StopIteration("broken"), GeneratorExit("broken")], ids=lambda e: type(e).__name__
)
async def test_a_plain_function_that_raises_harms_nobody_else(bus: Bus, error: BaseException) -> None:
    """Turned red by: taking a StopIteration for the end of a coroutine."""

    def handler(event: BaseEvent) -> None:
        if number_of(event) % 2 == 0:
            raise error

    recorder = Recorder()
    sid = await bus.subscribe("tick", handler)
    await bus.subscribe("tick", recorder)
    await bus.publish_batch(ticks(range(6)))
    await bus.join()
    account = bus.statistics().subscriptions[sid]
    assert (account.handled, account.failed) == (3, 3)
    assert recorder.seen == list(range(6))


async def test_a_failure_is_logged_with_its_traceback(bus: Bus, caplog: pytest.LogCaptureFixture) -> None:
    """Turned red by: logging the message without `exc_info`."""

    async def deep_inside(_event: BaseEvent) -> None:
        raise ValueError("broken")

    with caplog.at_level(logging.DEBUG, "trading.events"):
        await bus.subscribe("tick", deep_inside, name="strategy-a")
        await bus.publish(tick(1))
        await bus.join()
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.name == "trading.events"
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], ValueError)
    assert "deep_inside" in caplog.text
    assert "strategy-a" in record.getMessage()


async def test_a_failure_is_handed_to_on_error(make_bus: Any) -> None:
    """Turned red by: not calling `on_error`."""
    failures: list[Any] = []
    bus = await make_bus(on_error=failures.append)
    error = ValueError("broken")
    sid = await bus.subscribe("tick", failing(error, suspends=True), name="strategy-a")
    event = tick(2)
    await bus.publish(event)
    await bus.join()
    (failure,) = failures
    assert (failure.event, failure.sid, failure.subscription, failure.phase) == (event, sid, "strategy-a", "handler")
    assert failure.error is error
    with pytest.raises((AttributeError, TypeError)):
        failure.sid = ""


async def test_an_on_error_that_raises_harms_nobody(make_bus: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Turned red by: calling `on_error` unguarded."""

    def on_error(_failure: Any) -> None:
        raise OSError("the pager is down")

    bus = await make_bus(on_error=on_error)
    recorder = Recorder()
    await bus.subscribe("tick", failing(ValueError("broken"), suspends=False))
    await bus.subscribe("tick", recorder)
    await bus.publish_batch(ticks(range(4)))
    await bus.join()
    assert recorder.seen == [0, 1, 2, 3]
    assert "the pager is down" in caplog.text


async def test_a_failure_is_published_as_an_error_event(bus: Bus) -> None:
    """Turned red by: not publishing it."""
    seen: list[ErrorEvent] = []
    await bus.subscribe(ErrorEvent, seen.append)
    sid = await bus.subscribe("tick", failing(ValueError("broken"), suspends=False), name="strategy-a")
    event = tick(2)
    await bus.publish(event)
    await bus.join()
    (said,) = seen
    assert (said.error_type, said.message) == ("ValueError", "broken")
    assert (said.failed_event_id, said.failed_topic) == ("2", event.topic)
    assert (said.subscription_id, said.subscription_name) == (sid, "strategy-a")
    assert said.traceback is not None
    assert "in handler" in said.traceback


async def test_join_waits_for_the_error_event_too(bus: Bus) -> None:
    """Turned red by: publishing the ErrorEvent in a later turn of the loop."""
    await bus.subscribe("tick", failing(ValueError("broken"), suspends=False))
    heard: list[BaseEvent] = []

    async def listen(event: BaseEvent) -> None:
        await turns(3)
        heard.append(event)

    await bus.subscribe("error", listen)
    await bus.publish(tick(2))
    await bus.join()
    assert len(heard) == 1


async def test_a_failing_handler_of_error_events_ends_there(bus: Bus) -> None:
    """Turned red by: publishing an ErrorEvent about the handling of an ErrorEvent."""

    async def broken(_event: BaseEvent) -> None:
        raise ValueError("broken")

    for_errors = await bus.subscribe(ErrorEvent, broken)
    for_everything = await bus.subscribe("*", broken)
    await bus.publish(tick(1))
    await bus.join()
    accounts = bus.statistics().subscriptions
    assert accounts[for_errors].failed == 1
    assert accounts[for_everything].failed == 2


async def test_a_stuck_handler_of_error_events_delays_nobody(bus: Bus) -> None:
    """Turned red by: `Queue::urgent_verdict` without a bound."""
    go_on = asyncio.Event()

    async def stuck(_error: BaseEvent) -> None:
        await go_on.wait()

    errors = await bus.subscribe(ErrorEvent, stuck, capacity=2)
    sid = await bus.subscribe("tick", failing(ValueError("broken"), suspends=False))
    for number in range(0, 40, 2):
        await bus.publish(tick(number))
    await until(lambda: bus.statistics().subscriptions[sid].failed == 20)
    accounts = bus.statistics().subscriptions
    assert 2 <= accounts[errors].queued <= 4
    await bus.unsubscribe(errors)
    go_on.set()


async def test_a_suspended_handler_that_cancels_its_own_task_fails_alone(bus: Bus) -> None:
    """Turned red by: taking every CancelledError for the end of the worker."""
    recorder = Recorder()
    await bus.subscribe("tick", recorder)

    async def handler(event: BaseEvent) -> None:
        if number_of(event) == 0:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await asyncio.sleep(0)

    sid = await bus.subscribe("tick", handler)
    await bus.publish_batch(ticks([0, 1, 2]))
    await bus.join()
    account = bus.statistics().subscriptions[sid]
    assert (account.handled, account.failed) == (2, 1)
    assert recorder.seen == [0, 1, 2]


async def test_a_handler_awaiting_a_cancelled_task_fails_alone(bus: Bus) -> None:
    """Turned red by: taking every CancelledError for the end of the worker."""

    async def handler(event: BaseEvent) -> None:
        task = asyncio.ensure_future(asyncio.sleep(3600))
        if number_of(event) == 0:
            asyncio.get_running_loop().call_soon(task.cancel)
            await task
        task.cancel()

    sid = await bus.subscribe("tick", handler)
    await bus.publish_batch(ticks([0, 1]))
    await bus.join()
    account = bus.statistics().subscriptions[sid]
    assert (account.handled, account.failed) == (1, 1)


class Nonsense:
    """An awaitable that yields what no task understands."""

    def __await__(self) -> Any:
        yield 42


async def test_a_handler_that_yields_nonsense_to_the_loop_fails_alone(bus: Bus) -> None:
    """Turned red by: taking the loop's answer to a bad yield for the end of the worker."""

    async def handler(event: BaseEvent) -> None:
        if number_of(event) == 0:
            await Nonsense()

    sid = await bus.subscribe("tick", handler)
    await bus.publish_batch(ticks([0, 1]))
    await bus.join()
    account = bus.statistics().subscriptions[sid]
    assert (account.handled, account.failed) == (1, 1)


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


async def test_an_error_that_cannot_be_printed_harms_nobody_else(bus: Bus) -> None:
    """Turned red by: calling `str` on the error unguarded."""
    recorder = Recorder()
    said: list[ErrorEvent] = []
    await bus.subscribe(ErrorEvent, said.append)
    sid = await bus.subscribe("tick", failing(UnprintableError(), suspends=False))
    await bus.subscribe("tick", recorder)
    logging.raiseExceptions, before = False, logging.raiseExceptions
    try:
        await bus.publish_batch(ticks([0, 1]))
        await bus.join()
    finally:
        logging.raiseExceptions = before
    assert bus.statistics().subscriptions[sid].failed == 1
    assert recorder.seen == [0, 1]
    assert [error.error_type.rpartition(".")[2] for error in said] == ["UnprintableError"]
