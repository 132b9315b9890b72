"""What every writer promises, and every store keeps: what goes in comes back, exactly, and nothing gets lost."""

import asyncio
import tomllib
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.support.classes.odd_fields import ODD_FIELDS, define
from tests.support.classes.samples import SAMPLES, sample
from tests.support.places import DATA
from tests.support.recording import tick, ticks
from tests.support.stores.kinds import Store
from trading.events.base import BaseEvent
from trading.events.errors import NotAnEventError, StoreClosedError, UnstorableEventError
from trading.events.market_data import OrderBookEvent, TickEvent, TradeEvent
from trading.events.memory_bus import InMemoryEventBus
from trading.events.system import ErrorEvent, HeartbeatEvent

NAMES = tomllib.loads((DATA / "stored_names.toml").read_text("utf-8"))["names"]

DECIMALS = [
    "0", "-0", "0.00", "-0.0", "1", "1.0", "1.10", "-1", "50000.50", "100", "1E+2", "1E+20", "1E-18", "1E-19", "0E-30",
    "0E+5", "1E-30", "1E+40", "9" * 20, "9" * 21, "9" * 38, "9" * 40, "-" + "1234567890" * 4, "0." + "1234567890" * 4,
    "1234567890.1234567890123456789012345678901", "1E+400", "-1E-400", "1.7976931348623157E+308", "4.9E-324",
    "0.1", "0.30000000000000004", "9007199254740993", "99999999999999999999.999999999999999999",
]  # fmt: skip


def exactly(events: Iterable[BaseEvent]) -> list[tuple[type[BaseEvent], str]]:
    """Every field of every event, decimals digit by digit."""
    return [(type(event), event.model_dump_json()) for event in events]


def by_topic(events: Iterable[BaseEvent]) -> dict[str, list[tuple[type[BaseEvent], str]]]:
    """The events of each topic, by time."""
    topics = defaultdict[str, list[BaseEvent]](list)
    for event in sorted(events, key=lambda event: event.timestamp):
        topics[event.topic].append(event)
    return {topic: exactly(events) for topic, events in topics.items()}


def assert_holds(store: Store, written: Iterable[BaseEvent]) -> None:
    """That the store has these events and no others, ties in this order."""
    stored, expected = store.read(), sorted(written, key=lambda event: event.timestamp)
    if store.orders_topics:
        assert exactly(stored) == exactly(expected)
    assert by_topic(stored) == by_topic(expected)


async def write(store: Store, events: Iterable[BaseEvent]) -> None:
    async with store.writer() as writer:
        await writer.write_batch(events)


@pytest.mark.parametrize("cls", SAMPLES, ids=lambda cls: cls.__name__)
async def test_an_event_of_every_class_comes_back_as_it_was(store: Store, cls: type[BaseEvent]) -> None:
    required = {name: value for name, value in SAMPLES[cls].items() if cls.model_fields[name].is_required()}
    events = [sample(cls), cls(**required)]
    await write(store, events)
    assert_holds(store, events)


async def test_events_of_all_classes_are_kept_in_one_store(store: Store) -> None:
    events = [sample(cls) for cls in SAMPLES]
    async with store.writer() as writer:
        for event in events:
            await writer.write_event(event)
    assert_holds(store, events)


async def test_hostile_names_are_kept_apart_and_come_back(store: Store) -> None:
    events = [tick(symbol=name, raw_symbol=name) for name in NAMES]
    events += [tick(exchange=name, symbol="x") for name in NAMES if "." not in name]
    await write(store, events)
    assert_holds(store, events)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "a b",
        'say "hi"',
        "back\\slash",
        "\\",
        '\\"',
        "end\\",
        "a,b=c d",
        "line\nbreak",
        "\r\n",
        "\n",
        "\0",
        "\t",
    ],
)
async def test_any_text_comes_back(store: Store, text: str) -> None:
    events = [sample(ErrorEvent, message=text), sample(ErrorEvent, message=f"{text},v=1 1\nerror,a=b v=1 1\n{text}")]
    await write(store, events)
    assert_holds(store, events)


async def test_decimals_keep_every_digit_and_every_trailing_zero(store: Store) -> None:
    events = [tick(number, bid=Decimal(text), volume=None) for number, text in enumerate(DECIMALS)]
    await write(store, events)
    assert_holds(store, events)


async def test_metadata_comes_back_whatever_json_it_is(store: Store) -> None:
    events = [
        tick(number, metadata=metadata)
        for number, metadata in enumerate(
            [
                {"a": [1, 1.0, "1", None, True, {"b": {}}], "": 0},
                {'"quoted"': "line\nbreak", "back\\slash": "\\", "ü": "😀", "zero": -0.0},
                {"big": 2**70, "small": 1e-300, "text": "x" * 100_000},
            ]
        )
    ]
    await write(store, events)
    assert_holds(store, events)


async def test_times_are_kept_to_the_microsecond_as_far_as_the_store_knows_time(store: Store) -> None:
    microsecond = timedelta(microseconds=1)
    moments = [
        store.first,
        store.first + microsecond,
        datetime(1900, 1, 1, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(1970, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
        datetime(2024, 2, 29, 12, 34, 56, 789_012, tzinfo=UTC),
        datetime(2024, 2, 29, 12, 34, 56, 789_013, tzinfo=UTC),
        store.last - microsecond,
        store.last,
    ]
    whole = [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]
    events = [tick(timestamp=moment, exchange_timestamp=whole[0], local_timestamp=whole[1]) for moment in moments]
    await write(store, events)
    assert_holds(store, events)


@pytest.mark.parametrize("store", ["influx", "arctic"], indirect=True)
async def test_a_time_that_the_store_does_not_know_is_refused_by_name_and_nothing_else_is_lost(store: Store) -> None:
    microsecond = timedelta(microseconds=1)
    async with store.writer() as writer:
        await writer.write_event(tick(0))
        for moment in (store.first - microsecond, store.last + microsecond, datetime(1, 1, 1, tzinfo=UTC)):
            with pytest.raises(UnstorableEventError, match="TickEvent odd cannot be stored: its timestamp") as caught:
                await writer.write_event(tick(event_id="odd", timestamp=moment))
            assert str(moment) in str(caught.value)
            with pytest.raises(UnstorableEventError):
                await writer.write_batch([tick(1), tick(2, timestamp=moment), tick(3)])
        await writer.write_event(tick(4))
    assert_holds(store, [tick(0), tick(4)])


async def test_events_at_one_moment_are_all_kept_in_the_order_of_writing(store: Store) -> None:
    events = [tick(0, event_id=f"e-{number}", bid=number) for number in range(2_500)]
    async with store.writer() as writer:
        for event in events[:10]:
            await writer.write_event(event)
        await writer.write_batch(events[10:])
    assert_holds(store, events)


async def test_the_same_event_written_twice_is_two_records(store: Store) -> None:
    event = tick()
    async with store.writer() as writer:
        await writer.write_event(event)
        await writer.write_event(event)
        await writer.flush()
        await writer.write_batch([event, event])
    assert_holds(store, [event] * 4)


async def test_events_out_of_order_are_kept_and_found_by_time(store: Store) -> None:
    disordered = [
        tick(number, event_id=f"{number}-{place}") for place, number in enumerate([5, 3, 9, 3, 5, 0, 9, 4, 0])
    ]
    async with store.writer() as writer:
        for event in disordered:
            await writer.write_event(event)
        await writer.flush()
        await writer.write_batch(list(reversed(ticks(50))))
        await writer.flush()
        await writer.write_event(tick(20, event_id="late"))
    assert_holds(store, [*disordered, *reversed(ticks(50)), tick(20, event_id="late")])


async def test_many_topics_are_written_at_once(store: Store) -> None:
    events: list[BaseEvent] = [
        sample(cls, symbol=f"S{symbol}", timestamp=tick(number).timestamp)
        for number in range(20)
        for symbol in range(10)
        for cls in (TradeEvent, OrderBookEvent)
    ]
    events += [sample(HeartbeatEvent, sequence=number, timestamp=tick(number).timestamp) for number in range(20)]
    await write(store, events)
    assert_holds(store, events)


async def test_an_empty_batch_writes_nothing(store: Store) -> None:
    async with store.writer() as writer:
        await writer.write_batch([])
        await writer.flush()
        await writer.write_batch(iter(()))
    assert store.read() == []


async def test_a_batch_may_be_any_iterable(store: Store) -> None:
    await write(store, (tick(number) for number in range(3)))
    assert_holds(store, ticks(3))


async def test_what_is_no_event_is_refused_and_nothing_of_its_batch_is_kept(store: Store) -> None:
    not_an_event: Any = {"event_type": "tick"}
    async with store.writer() as writer:
        with pytest.raises(NotAnEventError, match="only events can be recorded"):
            await writer.write_event(not_an_event)
        with pytest.raises(NotAnEventError, match="only events can be recorded"):
            await writer.write_batch([tick(0), not_an_event, tick(1)])
        await writer.write_event(tick(2))
    assert_holds(store, ticks(3)[2:])


async def test_an_event_with_an_impossible_value_is_refused_by_name_and_nothing_of_its_batch_is_kept(
    store: Store,
) -> None:
    broken = TickEvent.model_construct(**dict(tick(1, event_id="broken")) | {"bid": object()})
    async with store.writer() as writer:
        for attempt in (writer.write_event(broken), writer.write_batch([tick(0), broken])):
            with pytest.raises(UnstorableEventError, match="TickEvent broken cannot be stored"):
                await attempt
        await writer.write_event(tick(2))
    assert_holds(store, ticks(3)[2:])


async def test_after_flush_all_that_was_written_can_be_read(store: Store) -> None:
    async with store.writer() as writer:
        await writer.write_batch(ticks(3))
        await writer.flush()
        assert_holds(store, ticks(3))
        await writer.write_event(tick(3))
        await writer.flush()
        assert_holds(store, ticks(4))
        await writer.flush()


async def test_closing_twice_does_nothing_more(store: Store) -> None:
    writer = store.writer()
    await writer.write_event(tick())
    await writer.aclose()
    await writer.aclose()
    assert_holds(store, [tick()])


async def test_a_closed_writer_refuses_everything(store: Store) -> None:
    writer = store.writer()
    await writer.aclose()
    for refused in (writer.write_event(tick()), writer.write_batch([tick()]), writer.write_batch([]), writer.flush()):
        with pytest.raises(StoreClosedError, match="the writer is closed"):
            await refused
    assert store.read() == []


async def test_a_block_that_fails_has_kept_what_was_written_in_it(store: Store) -> None:
    with suppress(KeyError):
        async with store.writer() as writer:
            await writer.write_event(tick())
            raise KeyError
    assert_holds(store, [tick()])


async def test_a_store_is_written_to_by_one_writer_after_another(store: Store) -> None:
    for number in range(3):
        await write(store, [tick(number), tick(number + 0.5, event_id=f"half-{number}")])
    await write(store, [tick(-1), sample(TradeEvent, timestamp=tick(0).timestamp)])
    assert len(store.read()) == 8


async def test_write_event_is_a_handler_of_a_bus(store: Store) -> None:
    async with store.writer() as writer, InMemoryEventBus() as bus:
        await bus.subscribe("*", writer.write_event)
        await bus.publish_batch(ticks(100))
        await bus.join()
    assert_holds(store, ticks(100))


async def test_many_tasks_may_write_at_once(store: Store) -> None:
    async with store.writer() as writer:

        async def record(symbol: str) -> None:
            for number in range(20):
                await writer.write_event(tick(number, symbol=symbol))
                if number % 7 == 0:
                    await writer.flush()

        await asyncio.gather(*(record(f"S{number}") for number in range(5)))
    assert_holds(store, [tick(number, symbol=f"S{symbol}") for symbol in range(5) for number in range(20)])


@pytest.mark.parametrize(("annotation", "value"), [field[1:] for field in ODD_FIELDS], ids=[f[0] for f in ODD_FIELDS])
async def test_a_field_of_any_type_comes_back(store: Store, annotation: Any, value: Any) -> None:
    cls = define(annotation, time=str | None, value_exact=Decimal | None, value_exp=int | None)
    moment = tick().timestamp
    events = [
        cls(value=value, timestamp=moment, event_id="1"),
        cls(value=value, timestamp=moment, event_id="2", time="noon", value_exact=Decimal("1.50"), value_exp=7),
    ]
    await write(store, events)
    assert repr(store.read()) == repr(events)
