"""What events cost as bytes, as columns and as new objects, each beside what Pydantic, msgpack and pyarrow alone cost.

Every figure is a ratio of two medians of one run; `extra_info` of the benchmark holds it. Results are compared with the
events before anything is timed.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from random import Random
from statistics import median
from time import perf_counter
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

import msgpack
import pyarrow as pa
import pytest
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pytest_benchmark.fixture import BenchmarkFixture

from trading.events import (
    TickEvent,
    decode_event,
    encode_event,
    events_to_table,
    table_to_events,
)

COUNT = 10_000
ROUNDS = 9
START = datetime(2024, 1, 1, tzinfo=UTC)
CENT = Decimal("0.01")


def make_ticks() -> list[TickEvent]:
    """Ticks with random ids, four decimals, three times and a price that wanders."""
    random = Random(7)  # noqa: S311 - the same each time
    price, ticks = Decimal("50000.00"), list[TickEvent]()
    for index in range(COUNT):
        price += random.randint(-300, 300) * CENT
        time = START + timedelta(milliseconds=10 * index, microseconds=random.randrange(1000))
        tick = TickEvent(
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
        )
        ticks.append(tick)
    return ticks


TICKS = make_ticks()
DUMPED = [msgpack.packb(tick.model_dump(mode="json")) for tick in TICKS]
PACKED = [encode_event(tick) for tick in TICKS]
TABLE = events_to_table(TICKS)
NAMES = tuple(TickEvent.model_fields)
TYPES = {
    name: pa.string()
    if name in {"event_id", "event_type", "exchange", "symbol", "raw_symbol"}
    else pa.decimal128(38, 18)
    if name in {"bid", "ask", "last", "volume"}
    else pa.timestamp("us", tz="UTC")
    for name in NAMES
    if name != "metadata"
}
PLAIN = pa.table({name: pa.array([getattr(tick, name) for tick in TICKS], type_) for name, type_ in TYPES.items()})


class PlainTick(BaseModel):
    """A tick as plain Pydantic, with the same fields and constraints."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    event_id: Annotated[str, Field(min_length=1)] = Field(default_factory=lambda: uuid4().hex)
    event_type: Literal["tick"] = "tick"
    timestamp: datetime = Field(default_factory=partial(datetime.now, UTC))
    exchange: str
    symbol: str
    metadata: dict[str, JsonValue] = Field(default_factory=dict)
    raw_symbol: Annotated[str, Field(min_length=1)]
    bid: Annotated[Decimal, Field(allow_inf_nan=False)] | None = None
    ask: Annotated[Decimal, Field(allow_inf_nan=False)] | None = None
    last: Annotated[Decimal, Field(allow_inf_nan=False)] | None = None
    volume: Annotated[Decimal, Field(allow_inf_nan=False, ge=0)] | None = None
    exchange_timestamp: datetime
    local_timestamp: datetime = Field(default_factory=partial(datetime.now, UTC))


def construct(cls: type[Any]) -> Any:
    return [
        cls(
            exchange="binance",
            symbol="BTC/USDT",
            raw_symbol="BTCUSDT",
            bid=tick.bid,
            ask=tick.ask,
            last=tick.last,
            volume=tick.volume,
            exchange_timestamp=tick.exchange_timestamp,
        )
        for tick in TICKS
    ]


def to_arrow_by_attributes() -> object:
    return pa.table({name: pa.array([getattr(tick, name) for tick in TICKS], type_) for name, type_ in TYPES.items()})


CASES: dict[str, tuple[Callable[[], object], Callable[[], object], float]] = {
    "encode": (
        lambda: [encode_event(tick) for tick in TICKS],
        lambda: [msgpack.packb(tick.model_dump(mode="json")) for tick in TICKS],
        1 / 3,
    ),
    "decode": (
        lambda: [decode_event(data) for data in PACKED],
        lambda: [TickEvent.model_validate(msgpack.unpackb(data)) for data in DUMPED],
        1 / 1.6,
    ),
    "table_to_events": (
        lambda: table_to_events(TABLE),
        lambda: [TickEvent.model_validate(row) for row in PLAIN.to_pylist()],
        1 / 12,
    ),
    "events_to_table": (lambda: events_to_table(TICKS), to_arrow_by_attributes, 1 / 5),
    "construct": (lambda: construct(TickEvent), lambda: construct(PlainTick), 0.70),
}
"""Ours, the other, and what their ratio may be at most."""


def time_s(run: Callable[[], object]) -> float:
    """How long it takes."""
    start = perf_counter()
    result = run()
    passed = perf_counter() - start
    del result
    return passed


@pytest.mark.parametrize("case", CASES)
def test_ratio(benchmark: BenchmarkFixture, case: str) -> None:
    assert [decode_event(data) for data in PACKED] == TICKS
    assert [TickEvent.model_validate(msgpack.unpackb(data)) for data in DUMPED] == TICKS
    assert table_to_events(TABLE) == TICKS
    assert [tick.bid for tick in construct(TickEvent)] == [tick.bid for tick in construct(PlainTick)]
    ours, other, most = CASES[case]
    pairs: list[tuple[float, float]] = []
    benchmark.pedantic(lambda: pairs.append((time_s(ours), time_s(other))), rounds=ROUNDS)
    ratio = median(mine for mine, _ in pairs) / median(theirs for _, theirs in pairs)
    benchmark.extra_info |= {"ratio": round(ratio, 4), "at_most": round(most, 4)}
    if benchmark.enabled:
        print(f"\n{case}: {ratio:.4f} (1/{1 / ratio:.1f}), at most {most:.4f}")
        assert ratio <= most


def test_the_bytes_of_a_tick() -> None:
    ratio = sum(map(len, PACKED)) / sum(map(len, DUMPED))
    print(f"\nwire bytes: {sum(map(len, PACKED)) / COUNT:.0f}, {ratio:.3f} of plain msgpack")
    assert ratio <= 0.8
