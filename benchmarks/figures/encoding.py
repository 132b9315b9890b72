"""What events cost as bytes, as columns and as new objects, beside what Pydantic, msgpack and pyarrow alone cost."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property, partial
from itertools import islice
from time import perf_counter_ns
from typing import Annotated, Any, Literal
from uuid import uuid4

import msgpack
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from benchmarks.figures.case import Case, Plan
from benchmarks.figures.comparison import WrongResultError, settled
from benchmarks.figures.keeping import wander
from trading.events import TickEvent, decode_event, encode_event, events_to_table, table_to_events

COUNT = 10_000


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


class Forms:
    """The same ticks in every form, each checked to come back."""

    def __init__(self, count: int) -> None:
        self.ticks = list(islice(wander(), count))
        self.encoded = [encode_event(tick) for tick in self.ticks]
        self.dumped = [msgpack.packb(tick.model_dump(mode="json")) for tick in self.ticks]
        if [decode_event(data) for data in self.encoded] != self.ticks or self.validate() != self.ticks:
            raise WrongResultError("bytes do not come back as what they were")

    @cached_property
    def table(self) -> Any:
        """The ticks by `events_to_table`."""
        table = events_to_table(self.ticks)
        if table_to_events(table) != self.ticks:
            raise WrongResultError("a table does not come back as what it was")
        return table

    @cached_property
    def plain_table(self) -> Any:
        """The ticks by lists of their attributes."""
        return self.tabulate()

    def tabulate(self) -> Any:
        """Makes the plain table."""
        types: dict[str, Any] = {
            name: pa.string()
            if name in {"event_id", "event_type", "exchange", "symbol", "raw_symbol"}
            else pa.decimal128(38, 18)
            if name in {"bid", "ask", "last", "volume"}
            else pa.timestamp("us", tz="UTC")
            for name in TickEvent.model_fields
            if name != "metadata"
        }
        return pa.table(
            {name: pa.array([getattr(tick, name) for tick in self.ticks], kind) for name, kind in types.items()}
        )

    def validate(self) -> list[TickEvent]:
        """Reads what was dumped."""
        return [TickEvent.model_validate(msgpack.unpackb(data)) for data in self.dumped]

    def construct(self, cls: type[Any]) -> list[Any]:
        """New ticks, of their own ids and clock."""
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
            for tick in self.ticks
        ]


Work = Callable[[Forms], object]


def compare_work(ours: Work, other: Work, plan: Plan) -> list[float]:
    """Our time over the other's, once a round; they take turns to begin."""
    forms = Forms(plan.size(COUNT))
    ours(forms), other(forms)
    ratios = []
    with settled():
        for number in range(plan.rounds):
            times = {work: time_ns(work, forms) for work in ((ours, other) if number % 2 else (other, ours))}
            ratios.append(times[ours] / times[other])
    return ratios


def time_ns(work: Work, forms: Forms) -> int:
    """How long it takes, without dropping what it makes."""
    start_ns = perf_counter_ns()
    made = work(forms)
    elapsed_ns = perf_counter_ns() - start_ns
    del made
    return elapsed_ns


async def encode(plan: Plan) -> list[float]:
    return compare_work(
        lambda forms: [encode_event(tick) for tick in forms.ticks],
        lambda forms: [msgpack.packb(tick.model_dump(mode="json")) for tick in forms.ticks],
        plan,
    )


async def decode(plan: Plan) -> list[float]:
    return compare_work(lambda forms: [decode_event(data) for data in forms.encoded], Forms.validate, plan)


async def read_table(plan: Plan) -> list[float]:
    return compare_work(
        lambda forms: table_to_events(forms.table),
        lambda forms: [TickEvent.model_validate(row) for row in forms.plain_table.to_pylist()],
        plan,
    )


async def make_table(plan: Plan) -> list[float]:
    return compare_work(lambda forms: events_to_table(forms.ticks), Forms.tabulate, plan)


async def construct(plan: Plan) -> list[float]:
    return compare_work(lambda forms: forms.construct(TickEvent), lambda forms: forms.construct(PlainTick), plan)


async def weigh(plan: Plan) -> list[float]:
    forms = Forms(plan.size(COUNT))
    return [sum(map(len, forms.encoded)) / sum(map(len, forms.dumped))]


ENCODING_CASES = (
    Case(
        "encode", '`encode_event`, against `msgpack.packb(e.model_dump(mode="json"))`', encode, bound=1 / 3, aim=1 / 6
    ),
    Case(
        "decode",
        "`decode_event`, against `TickEvent.model_validate(msgpack.unpackb(b))`",
        decode,
        bound=1 / 1.6,
        aim=1 / 3,
    ),
    Case(
        "table_to_events",
        "`table_to_events`, against `[TickEvent.model_validate(r) for r in table.to_pylist()]`",
        read_table,
        bound=1 / 12,
        aim=1 / 20,
    ),
    Case(
        "events_to_table",
        "`events_to_table`, against lists of attributes into `pa.array`",
        make_table,
        bound=1 / 5,
        aim=1 / 10,
    ),
    Case(
        "construct",
        "`TickEvent(...)`, against the same model in plain Pydantic with `uuid4().hex` and `utcnow` defaults",
        construct,
        bound=0.70,
        aim=0.60,
    ),
    Case(
        "wire_bytes",
        'bytes of an encoded TickEvent, against `msgpack.packb(e.model_dump(mode="json"))`',
        weigh,
        bound=0.8,
        aim=0.65,
        rounds=1,
    ),
)
