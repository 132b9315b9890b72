"""What events take that are kept: waiting for a subscriber who stands still, and in a bus's history."""

import asyncio
import gc
import resource
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from random import Random
from time import perf_counter_ns
from typing import Any
from uuid import UUID

from benchmarks.figures.case import Case, Plan
from benchmarks.figures.comparison import WrongResultError, settled
from benchmarks.ticks import make_warm_ticks
from trading.events import InMemoryEventBus, TickEvent

MILLION = 1_000_000
WARM_UP = 10_000
"""Events that are kept before memory is looked at: more than a queue keeps as objects, less than would show."""

TURN = 1_000
START = datetime(2024, 1, 1, tzinfo=UTC)
CENT = Decimal("0.01")


def wander(*, metadata: bool = False) -> Iterator[TickEvent]:
    """Ticks with random ids, four decimals, three times and a price that wanders; and with sixty bytes of metadata."""
    random = Random(7)
    price, index = Decimal("50000.00"), 0
    while True:
        index += 1
        price += random.randint(-300, 300) * CENT
        time = START + timedelta(milliseconds=10 * index, microseconds=random.randrange(1000))
        number = random.randrange(10**6)
        yield TickEvent(
            event_id=UUID(int=random.getrandbits(128)).hex,
            timestamp=time,
            exchange="binance",
            symbol="BTC/USDT",
            raw_symbol="BTCUSDT",
            bid=price,
            ask=price + 10 * CENT,
            last=price + random.randrange(10) * CENT,
            volume=random.randrange(1, 10**7) * Decimal("0.001"),
            exchange_timestamp=time - timedelta(microseconds=random.randrange(5000)),
            local_timestamp=time + timedelta(microseconds=random.randrange(500)),
            metadata={"feed": f"line-{number % 97}", "seq": index, "lag_us": number, "raw": f"{number:06x}"}
            if metadata
            else {},
        )


def peak_bytes() -> int:
    """The most memory that this process has had."""
    gc.collect()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


async def publish_in_turns(bus: InMemoryEventBus, ticks: Iterator[TickEvent], count: int) -> None:
    """Publishes so many, letting the loop turn now and then."""
    for first in range(0, count, TURN):
        await bus.publish_batch(islice(ticks, min(TURN, count - first)))
        await asyncio.sleep(0)


async def wait_for_a_stalled_subscriber(plan: Plan, *, metadata: bool = False) -> list[float]:
    """Megabytes that a million waiting events take. They are handled afterwards, each once and in order."""
    count, go_on, heard = plan.size(MILLION), asyncio.Event(), 0
    last = START
    async with InMemoryEventBus() as bus:

        async def handle(tick: TickEvent) -> None:
            nonlocal heard, last
            await go_on.wait()
            if tick.timestamp <= last:
                raise WrongResultError(f"{tick!r} came too late")
            heard, last = heard + 1, tick.timestamp

        sid = await bus.subscribe("tick", handle, capacity=2 * MILLION)
        ticks = wander(metadata=metadata)
        await publish_in_turns(bus, ticks, plan.size(WARM_UP))
        before = peak_bytes()
        await publish_in_turns(bus, ticks, count)
        grown = peak_bytes() - before
        go_on.set()
        await bus.join()
        if bus.statistics().subscriptions[sid].handled != heard or heard != count + plan.size(WARM_UP):
            raise WrongResultError(f"{heard} events were handled")
    return [grown / 1e6]


async def wait_with_metadata(plan: Plan) -> list[float]:
    return await wait_for_a_stalled_subscriber(plan, metadata=True)


async def keep_history(plan: Plan) -> list[float]:
    """Bytes an event in the history."""
    count = plan.size(MILLION)
    async with InMemoryEventBus(history=2 * MILLION) as bus:
        ticks = wander()
        await publish_in_turns(bus, ticks, plan.size(WARM_UP))
        before = peak_bytes()
        await publish_in_turns(bus, ticks, count)
        grown = peak_bytes() - before
        expected = list(islice(wander(), 10))
        if bus.history.query(end=expected[-1].timestamp) != expected[:-1]:
            raise WrongResultError("the history does not hold what was published")
    return [grown / count]


async def publish_into_a_packed_queue(plan: Plan) -> list[float]:
    """The time of a publish into a queue that packs, over that into one that is empty."""
    ticks = make_warm_ticks(TURN)
    go_on, heard = asyncio.Event(), 0

    async def stall(_: Any) -> None:
        await go_on.wait()

    def count(_: Any) -> None:
        nonlocal heard
        heard += 1

    async def time(bus: InMemoryEventBus) -> int:
        start_ns = perf_counter_ns()
        for tick in ticks:
            await bus.publish(tick)
        elapsed_ns = perf_counter_ns() - start_ns
        await asyncio.sleep(0)
        return elapsed_ns

    async with InMemoryEventBus() as packed, InMemoryEventBus() as empty:
        sid = await packed.subscribe("tick", stall, capacity=MILLION)
        await empty.subscribe("tick", count)
        await publish_in_turns(packed, iter(make_warm_ticks(WARM_UP)), WARM_UP)
        ratios = []
        with settled():
            for _ in range(plan.rounds):
                packed_ns = await time(packed)
                empty_ns = await time(empty)
                await empty.join()
                ratios.append(packed_ns / empty_ns)
        if heard != plan.rounds * TURN or packed.statistics().subscriptions[sid].waiting != WARM_UP + heard:
            raise WrongResultError("not every event has reached its queue")
        go_on.set()
    return ratios


KEEPING_CASES = (
    Case(
        "waiting",
        "memory that the process grows by when 1,000,000 TickEvents wait for a subscriber who stands still",
        wait_for_a_stalled_subscriber,
        bound=100,
        aim=60,
        unit="MB",
        rounds=1,
    ),
    Case(
        "waiting_metadata",
        "the same, each with 60 bytes of JSON metadata, varying",
        wait_with_metadata,
        bound=160,
        aim=110,
        unit="MB",
        rounds=1,
    ),
    Case(
        "history",
        "1,000,000 TickEvents in `history`, per event",
        keep_history,
        bound=100,
        aim=56,
        unit="B",
        rounds=1,
    ),
    Case(
        "packed_queue",
        "publish into a queue that packs, against publish into an empty one",
        publish_into_a_packed_queue,
        bound=8.0,
        aim=4.0,
    ),
)
