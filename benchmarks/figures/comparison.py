"""Two ways to bring the same events to the same handler, checked and then timed in turn."""

import gc
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from time import perf_counter_ns
from typing import Any

from benchmarks.figures.case import Plan

Handler = Callable[[Any], Any]
MakeHandler = Callable[[], Handler]
Run = Callable[[], Awaitable[None]]
Starting = AsyncIterator[Run]
Start = Callable[[MakeHandler, Sequence[Any]], AbstractAsyncContextManager[Run]]


class WrongResultError(Exception):
    """The handlers have not heard exactly what was published, in its order."""


@dataclass(frozen=True)
class Side:
    """One side of a comparison."""

    start: Start
    """Makes all that is needed, and yields what brings every event to its handlers and waits until all are handled."""

    events: Sequence[Any]
    deliveries: int = 1
    """How many handlers hear each event."""

    async_handlers: bool = True


async def compare(ours: Side, other: Side, plan: Plan) -> list[float]:
    """Our time a delivery over the other's, once a round. Both stand ready all the time, and take turns to begin.

    Raises:
        WrongResultError: A side lost, doubled or swapped events.
    """
    await check(ours)
    await check(other)
    our_handler, our_count = _make_counter(is_async=ours.async_handlers)
    other_handler, other_count = _make_counter(is_async=other.async_handlers)
    async with (
        ours.start(lambda: our_handler, ours.events) as run_ours,
        other.start(lambda: other_handler, other.events) as run_other,
    ):
        ratios = []
        with settled():
            for number in range(plan.rounds):
                if number % 2:
                    other_ns = await _time(other, run_other, other_count)
                    ours_ns = await _time(ours, run_ours, our_count)
                else:
                    ours_ns = await _time(ours, run_ours, our_count)
                    other_ns = await _time(other, run_other, other_count)
                ratios.append(ours_ns / other_ns)
        return ratios


async def check(side: Side) -> None:
    """Runs a side once, with handlers that keep what they hear.

    Raises:
        WrongResultError: An event was lost, doubled or out of order.
    """
    heard: list[list[Any]] = []

    def make_handler() -> Handler:
        kept: list[Any] = []
        heard.append(kept)

        async def keep(event: Any) -> None:
            kept.append(event)

        return keep if side.async_handlers else kept.append

    async with side.start(make_handler, side.events) as run:
        await run()
    places: dict[int, list[int]] = defaultdict(list)
    for place, event in enumerate(side.events):
        places[id(event)].append(place)
    for kept in heard:
        own = sorted(place for event_id in set(map(id, kept)) for place in places[event_id])
        if [id(event) for event in kept] != [id(side.events[place]) for place in own]:
            raise WrongResultError(f"a handler heard {len(kept)} events of {len(own)}, or in another order")
    times = Counter(id(event) for kept in heard for event in kept)
    if times != {event_id: len(own) * side.deliveries for event_id, own in places.items()}:
        raise WrongResultError(f"{times.total()} deliveries were made, {len(side.events)} × {side.deliveries} expected")


@contextmanager
def settled() -> Iterator[None]:
    """What exists is taken out of the garbage collector's sight; the collector itself stays on."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _make_counter(*, is_async: bool) -> tuple[Handler, Callable[[], int]]:
    """A handler that counts, as short as can be, and what tells its count."""
    count = 0

    def handle(_: Any) -> None:
        nonlocal count
        count += 1

    async def handle_async(_: Any) -> None:
        nonlocal count
        count += 1

    return handle_async if is_async else handle, lambda: count


async def _time(side: Side, run: Run, count: Callable[[], int]) -> float:
    before = count()
    start_ns = perf_counter_ns()
    await run()
    elapsed_ns = perf_counter_ns() - start_ns
    heard, expected = count() - before, len(side.events) * side.deliveries
    if heard != expected:
        raise WrongResultError(f"{heard} deliveries were counted, {expected} expected")
    return elapsed_ns / expected
