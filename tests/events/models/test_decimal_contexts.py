"""What events hold, and what becomes of them, does not depend on the program's own decimal context."""

import decimal
from collections.abc import Callable
from datetime import timedelta
from decimal import Context, Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.support.classes.samples import MOMENT, SAMPLES, sample
from trading.events import (
    BaseEvent,
    InMemoryEventBus,
    decode_event,
    encode_event,
    events_to_table,
    table_to_events,
)
from trading.events.importing import MarketDataFile
from trading.events.importing.cells import read_integer, read_number, read_time
from trading.events.market_data import BarEvent, OrderBookEvent, TickEvent, TradeEvent
from trading.events.order import OrderFilledEvent
from trading.events.persistence import EventReader, ParquetEventWriter
from trading.events.persistence.influx.point import make_point

EVERY_TRAP = [
    decimal.Clamped,
    decimal.DivisionByZero,
    decimal.FloatOperation,
    decimal.Inexact,
    decimal.InvalidOperation,
    decimal.Overflow,
    decimal.Rounded,
    decimal.Subnormal,
    decimal.Underflow,
]

CONTEXTS = [
    Context(prec=9),
    Context(prec=1, traps=EVERY_TRAP),
    Context(prec=28, traps=[decimal.FloatOperation]),
    Context(prec=3, Emax=2, Emin=-2, clamp=1, traps=EVERY_TRAP),
    Context(prec=5, capitals=0, rounding=decimal.ROUND_UP, traps=[]),
]

hostile = pytest.mark.parametrize("context", CONTEXTS, ids=str)

NUMBERS = ["1234567890.123456789012345678", "1E+30", "-0.000", "12345678901234567890123456789012345678901234567890.5"]


@st.composite
def decimals(draw: st.DrawFn) -> Decimal:
    sign, exponent = draw(st.sampled_from([0, 1])), draw(st.integers(-60, 60))
    return Decimal((sign, tuple(draw(st.lists(st.integers(0, 9), min_size=1, max_size=60))), exponent))


def texts_of(event: BaseEvent) -> str:
    """An event with all its digits: 1.0 and 1.00 are equal, and told apart here."""
    return repr(event)


@hostile
@given(bid=decimals(), ask=decimals())
def test_an_event_is_made_and_comes_back_with_every_digit(context: Context, bid: Decimal, ask: Decimal) -> None:
    fields = {"event_id": "e", "timestamp": MOMENT, "bid": bid, "ask": str(ask), "last": 0.1}
    expected = texts_of(sample(TickEvent, **fields))
    with decimal.localcontext(context):
        made = sample(TickEvent, **fields)
        wire = encode_event(made)
        ways = [made, decode_event(wire), *table_to_events(events_to_table([made]))]
        point = make_point(made).fields
    assert [texts_of(each) for each in ways] == [expected] * 3
    assert wire == encode_event(made)
    assert point == make_point(made).fields


@hostile
@pytest.mark.parametrize("cls", SAMPLES)
def test_every_class_is_made_and_comes_back(cls: type[BaseEvent], context: Context) -> None:
    expected = texts_of(sample(cls, event_id="e", timestamp=MOMENT))
    with decimal.localcontext(context):
        made = sample(cls, event_id="e", timestamp=MOMENT)
        again = decode_event(encode_event(made))
    assert texts_of(made) == texts_of(again) == expected


WRONG: list[tuple[type[BaseEvent], dict[str, Any]]] = [
    (TickEvent, {"bid": "cheap"}),
    (TickEvent, {"bid": "NaN"}),
    (TickEvent, {"bid": "sNaN"}),
    (TickEvent, {"bid": "1E+99999999999999999999"}),
    (TickEvent, {"volume": "-1E-30"}),
    (BarEvent, {"high": "4.99999999999999999999999999999999"}),
    (OrderBookEvent, {"bids": [("1", "1"), ("1.000000000000000000000000000000000001", "1")]}),
    (OrderFilledEvent, {"remaining_quantity": "0.00000000000000000000000000000000000001"}),
]


@hostile
@pytest.mark.parametrize(("cls", "changes"), WRONG)
def test_what_is_refused_is_refused_by_the_same_words(
    cls: type[BaseEvent], changes: dict[str, Any], context: Context
) -> None:
    with pytest.raises(ValidationError) as usual:
        sample(cls, **changes)
    with decimal.localcontext(context), pytest.raises(ValidationError) as raised:
        sample(cls, **changes)
    assert [each["loc"] for each in raised.value.errors()] == [each["loc"] for each in usual.value.errors()]


CELLS: list[tuple[Callable[[Any], Any], Any]] = [
    (read_number, "1234567890.123456789"),
    (read_number, 0.1),
    (read_number, 1e300),
    (read_integer, "12345678901234567890"),
    (read_integer, 1e15),
    (read_time, "1704067200.123456"),
    (read_time, 1704067200123),
    (read_time, 1704067200.5),
    (read_time, "1704067200123456789"),
    (read_time, "1704067200123456"),
    (read_time, Decimal(1704067200123456789)),
]


@hostile
@pytest.mark.parametrize(("read", "cell"), CELLS)
def test_a_cell_says_the_same(read: Callable[[Any], Any], cell: object, context: Context) -> None:
    expected = repr(read(cell))
    with decimal.localcontext(context):
        found = read(cell)
    assert repr(found) == expected


@hostile
@pytest.mark.parametrize("cell", ["cheap", "1e9999", "12", "", float("nan"), Decimal("1E+999999999999")])
def test_a_cell_that_is_no_time_is_refused_with_a_value_error(cell: object, context: Context) -> None:
    with decimal.localcontext(context), pytest.raises(ValueError, match=r"is no time|beyond the year|several units"):
        read_time(cell)


@hostile
@pytest.mark.parametrize("name", ["trades.csv", "trades.jsonl"])
def test_a_file_is_imported_alike(name: str, tmp_path: Path, context: Context) -> None:
    rows = [("1704067200123", "1234567890.123456789", "0.1"), ("1704067201123", "1.10", "1E+5")]
    path = tmp_path / name
    if name.endswith("csv"):
        path.write_text("\n".join(["timestamp,price,quantity", *map(",".join, rows), ""]))
    else:
        lines = [f'{{"timestamp": {time}, "price": {price}, "quantity": {size}}}\n' for time, price, size in rows]
        path.write_text("".join(lines) + '{"timestamp": 1, "price": 1.5E+99999999999999999999, "quantity": 1}\n')

    def read() -> list[object]:
        with MarketDataFile(path, event_type="trade", exchange="x", symbol="A/B") as file:
            return [
                (each.price.as_tuple(), each.quantity.as_tuple(), each.timestamp)
                if isinstance(each, TradeEvent)
                else each
                for each in file
            ]

    expected = read()
    assert len(expected) == (2 if name.endswith("csv") else 3)
    with decimal.localcontext(context):
        assert read() == expected


@hostile
async def test_a_handler_that_sets_its_context_changes_nothing_of_what_is_recorded_and_replayed(
    tmp_path: Path, context: Context
) -> None:
    events = [
        sample(TickEvent, bid=number, timestamp=MOMENT + timedelta(seconds=at)) for at, number in enumerate(NUMBERS)
    ]
    heard: list[BaseEvent] = []

    def handle(event: BaseEvent) -> None:
        decimal.setcontext(context.copy())
        heard.append(event)

    with decimal.localcontext(context):
        async with ParquetEventWriter(tmp_path) as writer, InMemoryEventBus(history=8) as bus:
            await bus.subscribe("*", handle)
            await bus.subscribe("*", writer.write_event)
            await bus.publish_batch(events)
            await bus.join()
            assert [texts_of(each) for each in bus.history.query(TickEvent)] == [texts_of(each) for each in events]
        reader = EventReader(tmp_path)
        stored = [event async for event in reader.read_range(MOMENT, MOMENT + timedelta(days=1))]
        async with InMemoryEventBus() as bus:
            await bus.subscribe("*", handle)
            await reader.replay(bus, speed=None)
            await bus.join()
    expected = [texts_of(each) for each in events]
    assert [texts_of(each) for each in stored] == expected
    assert [texts_of(each) for each in heard] == expected * 2
