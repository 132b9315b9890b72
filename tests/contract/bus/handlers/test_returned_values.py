"""What handlers, filters and callbacks return: values are let be, awaitables awaited; what has not run is an error."""

import logging
from collections.abc import Callable
from typing import Any
from unittest.mock import AsyncMock, MagicMock, Mock

import numpy as np
import pytest

from tests.contract.bus.conftest import MakeBus
from tests.support.doubles import Bus, Recorder, full_queue, tick, ticks
from trading.events import BaseEvent, ErrorEvent, HandlerFailure
from trading.events.errors import HandlerTypeError

from .answers import AWAITABLES, BROKEN_AWAIT, NEVER_RUN, UNRUN, VALUES, Obliging, Proxy, Unbound, work

DELIVERIES = ["queued", "inline"]


@pytest.mark.parametrize("delivery", DELIVERIES)
@pytest.mark.parametrize("kind", VALUES)
async def test_a_handler_may_return_any_value(bus: Any, kind: str, delivery: str) -> None:
    """Turned red by: asking the object, and not its type, for `__await__`, `gi_code` or `close`."""
    sid = await bus.subscribe("tick", lambda _: VALUES[kind](), delivery=delivery)
    await bus.publish_batch(ticks(range(3)))
    await bus.join()
    account = bus.statistics().subscriptions[sid]
    assert (account.handled, account.failed) == (3, 0)


@pytest.mark.parametrize("make", [Mock, MagicMock, AsyncMock, Obliging], ids=lambda make: make.__name__)
async def test_a_mock_is_a_handler(bus: Any, make: Callable[[], Any]) -> None:
    """Turned red by: taking what a mock returns for a generator."""
    sid = await bus.subscribe("tick", make())
    decorated = bus.on("tick")(make())
    await bus.publish_batch(ticks(range(3)))
    await bus.join()
    assert {account.handled for account in bus.statistics().subscriptions.values()} == {3}
    assert sid in bus.statistics().subscriptions
    if isinstance(decorated, AsyncMock):
        assert decorated.await_count == 3


@pytest.mark.parametrize("kind", AWAITABLES)
async def test_what_can_be_awaited_is_awaited_before_the_next_event(bus: Bus, kind: str) -> None:
    """Turned red by: driving nothing but coroutines."""
    done: list[str] = []
    started: list[int] = []

    def handler(_event: BaseEvent) -> Any:
        started.append(len(done))
        return AWAITABLES[kind](done)

    sid = await bus.subscribe("tick", handler)
    await bus.publish_batch(ticks(range(3)))
    await bus.join()
    assert (started, len(done)) == ([0, 1, 2], 3)
    assert bus.statistics().subscriptions[sid].handled == 3


@pytest.mark.parametrize("kind", BROKEN_AWAIT)
async def test_what_cannot_be_awaited_though_its_type_says_so_fails(bus: Bus, kind: str) -> None:
    """Turned red by: sending into whatever `__await__` has returned."""
    sid = await bus.subscribe("tick", lambda _: BROKEN_AWAIT[kind]())
    await bus.publish(tick())
    await bus.join()
    assert bus.statistics().subscriptions[sid].failed == 1


@pytest.mark.parametrize("delivery", DELIVERIES)
@pytest.mark.parametrize("kind", UNRUN)
async def test_a_handler_whose_body_has_not_run_has_failed(bus: Any, kind: str, delivery: str) -> None:
    """Turned red by: taking what was returned for a value."""
    errors: list[ErrorEvent] = []

    def handler_of_mine(_event: BaseEvent) -> Any:
        return UNRUN[kind]()

    await bus.subscribe("error", errors.append)
    sid = await bus.subscribe("tick", handler_of_mine, delivery=delivery)
    await bus.publish(tick())
    await bus.join()
    account = bus.statistics().subscriptions[sid]
    assert (account.handled, account.failed) == (0, 1)
    (error,) = errors
    assert error.error_type.rsplit(".", 1)[-1] == "HandlerTypeError"
    assert "handler_of_mine" in error.message
    assert "make it a coroutine function or a plain one" in error.message


@pytest.mark.parametrize("kind", NEVER_RUN)
async def test_a_function_whose_body_would_never_run_is_refused(bus: Any, make_bus: MakeBus, kind: str) -> None:
    """Turned red by: looking at nothing but the flags of a function's code."""
    for options in ({}, {"delivery": "inline"}):
        with pytest.raises(HandlerTypeError, match="whose body would never run"):
            await bus.subscribe("tick", NEVER_RUN[kind], **options)
    with pytest.raises(HandlerTypeError, match=r"on_gap .* whose body would never run"):
        await bus.subscribe("tick", Recorder(), on_gap=NEVER_RUN[kind])
    with pytest.raises(HandlerTypeError, match=r"filter .* whose body would never run"):
        await bus.subscribe("tick", Recorder(), NEVER_RUN[kind])
    with pytest.raises(HandlerTypeError, match=r"on_error .* whose body would never run"):
        await make_bus(on_error=NEVER_RUN[kind])
    assert bus.statistics().subscriptions == {}


@pytest.mark.parametrize("kind", [*VALUES, *AWAITABLES, *UNRUN])
async def test_what_on_gap_returns_is_seen_to_as_what_a_handler_returns(bus: Bus, kind: str) -> None:
    """Turned red by: `call_on_gap` driving nothing."""
    done: list[str] = []
    errors: list[ErrorEvent] = []

    def on_gap(_gap: object) -> Any:
        return AWAITABLES[kind](done) if kind in AWAITABLES else (VALUES | UNRUN)[kind]()

    await bus.subscribe("error", errors.append)
    gate, _ = await full_queue(bus, overflow="drop_oldest", on_gap=on_gap)
    await bus.publish(tick(2))
    await bus.publish(tick(3))
    gate.open()
    await bus.join()
    assert len(errors) == (kind in UNRUN and kind not in AWAITABLES)
    assert (done == []) == (kind not in AWAITABLES)


@pytest.mark.parametrize(
    ("answer", "passes"),
    [(np.bool_(1), True), (np.bool_(0), False), (Mock(), True), (0, False), ("", False), (None, False)],
    ids=["numpy true", "numpy false", "mock", "zero", "no text", "none"],
)
async def test_a_filter_answers_by_truth(bus: Bus, answer: object, passes: Any) -> None:
    """Turned red by: taking nothing but a bool for an answer."""
    recorder = Recorder()
    await bus.subscribe("tick", recorder, lambda _: answer)
    await bus.publish(tick())
    await bus.join()
    assert recorder.seen == ([0] if passes else [])


@pytest.mark.parametrize(
    "make",
    [
        lambda: np.arange(2),
        Unbound,
        lambda: work([]),
        lambda: Proxy(work([])),
        *(answer for kind, answer in UNRUN.items() if "coroutine function" not in kind),
    ],
)
async def test_a_filter_without_an_answer_has_failed_and_passes_nothing(bus: Bus, make: Callable[[], object]) -> None:
    """Turned red by: taking a generator for true."""
    recorder = Recorder()
    sid = await bus.subscribe("tick", recorder, lambda _: make())
    await bus.publish(tick())
    await bus.join()
    assert recorder.seen == []
    assert bus.statistics().subscriptions[sid].filter_failures == 1


@pytest.mark.parametrize("make", [lambda: work([]), UNRUN["generator"], UNRUN["list of coroutines"]])
async def test_an_on_error_that_has_not_run_is_told_of(
    make_bus: MakeBus, make: Callable[[], object], caplog: pytest.LogCaptureFixture
) -> None:
    """Turned red by: letting go of what `on_error` returned."""
    bus = await make_bus(on_error=lambda _: make())
    await bus.subscribe("tick", Mock(side_effect=ValueError("broken")))
    with caplog.at_level(logging.ERROR, "trading.events"):
        await bus.publish(tick())
        await bus.join()
    assert [record for record in caplog.records if "on_error itself failed" in record.message]


async def test_an_on_error_that_is_asynchronous_is_refused(make_bus: MakeBus) -> None:
    """Turned red by: asking only whether it can be called."""

    async def on_error(_failure: HandlerFailure) -> None: ...

    for asynchronous in (on_error, AsyncMock()):
        with pytest.raises(HandlerTypeError, match=r"on_error .* is asynchronous"):
            await make_bus(on_error=asynchronous)
    await make_bus(on_error=Mock())
