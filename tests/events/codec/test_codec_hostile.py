"""Whatever bytes and tables are given: an event comes out, or an EventDecodeError that says where."""

import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgpack
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.classes.samples import SAMPLES, sample
from tests.support.classes.strategies import events
from trading.events import decode_batch, decode_event, encode_batch, encode_event, events_to_table, table_to_events
from trading.events._core import RowTable
from trading.events.base import BaseEvent
from trading.events.errors import EventDecodeError
from trading.events.market_data import BarEvent, OrderBookEvent, TickEvent

TICK = encode_event(sample(TickEvent, metadata={"a": [1, None, "x"]}))
MAP = msgpack.unpackb(TICK)


def changed(**changes: Any) -> bytes:
    """A tick's bytes, as another program would write them, with some of its entries given anew."""
    return msgpack.packb({key: value for key, value in (MAP | changes).items() if value is not ...})


def with_timestamp(value: bytes) -> bytes:
    """A tick's bytes with these in its timestamp; the msgpack package writes no timestamps that are wrong."""
    return changed(_ts=msgpack.ExtType(99, value)).replace(b"\x63" + value, b"\xff" + value)


def refusal(decode: Callable[[bytes], object], data: bytes) -> EventDecodeError | None:
    try:
        decode(data)
    except EventDecodeError as refused:
        return refused
    return None


def decode_or_refuse(data: bytes) -> None:
    for decode in (decode_event, decode_batch):
        refused = refusal(decode, data)
        assert refused is None or refused.offset in range(len(data) + 1)


@pytest.mark.parametrize("cls", SAMPLES)
def test_an_event_cut_off_anywhere_is_refused_with_the_offset(cls: type[BaseEvent]) -> None:
    data = encode_event(sample(cls))
    batch = encode_batch([sample(cls), sample(cls)])
    for whole, decode in ((data, decode_event), (batch, decode_batch)):
        for length in range(len(whole)):
            with pytest.raises(EventDecodeError) as refused:
                decode(whole[:length])
            assert refused.value.offset is not None
            assert 0 <= refused.value.offset <= length


@given(event=events(), flips=st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), min_size=1, max_size=4))
def test_flipped_bits_make_an_event_or_an_error(event: BaseEvent, flips: list[tuple[int, int]]) -> None:
    data = bytearray(encode_event(event))
    for place, mask in flips:
        data[place % len(data)] ^= mask
    decode_or_refuse(bytes(data))


@given(data=st.binary(max_size=200))
@example(b"\xdd\xff\xff\xff\xff")
@example(b"\xdf\xff\xff\xff\xff")
@example(b"\xc6\xff\xff\xff\xff")
@example(b"\x91" * 100_000)
@example(b"\x81\xa2_t" * 50_000)
def test_any_bytes_make_an_event_or_an_error(data: bytes) -> None:
    decode_or_refuse(data)


@given(event=events(), place=st.integers(0, 10**6), mask=st.integers(1, 255), length=st.integers(0, 10**6))
def test_rows_that_were_damaged_make_an_event_or_an_error(event: BaseEvent, place: int, mask: int, length: int) -> None:
    table = RowTable()
    row = table.pack(event)
    flipped = bytearray(row)
    flipped[place % len(row)] ^= mask
    for data in (bytes(flipped), row[: length % len(row)]):
        refused = refusal(table.unpack, data)
        assert refused is None or refused.offset is not None


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the bytes end"),
        (b"\xc0", "an event is a map"),
        (msgpack.packb([1]), "an event is a map"),
        (msgpack.packb({}), "no version"),
        (msgpack.packb({"_v": 1}), "no event type"),
        (msgpack.packb({"_t": "tick"}), "no version"),
        (changed(_v=2), "version 2, and this release reads up to 1"),
        (changed(_v="1"), "its version is a text"),
        (changed(_t="no_such_type"), "no class here has the event type"),
        (changed(_t=7), "its event type is an integer"),
        (TICK + b"\0", "1 bytes follow the end"),
        (changed(raw_symbol=...), "its field raw_symbol is missing"),
        (changed(raw_symbol=7), "raw_symbol: 7 is no value of its field"),
        (changed(raw_symbol=""), "raw_symbol: its length is out of bounds: .* is to be at least 1 long"),
        (changed(bid="fifty"), "bid: .fifty. is no decimal"),
        (changed(bid="1_000"), "bid: .1_000. is no decimal"),
        (changed(bid="NaN"), "bid: .NaN. is no decimal that its field may hold"),
        (changed(bid="1E+9999999999999999999"), "bid: .1E.* is no decimal"),
        (changed(volume="-1"), "volume: .-1. is no decimal that its field may hold: that is at least 0"),
        (changed(_x="a.b"), "exchange: .a.b.: it holds the reserved character"),
        (changed(_s="BTC*"), "symbol: .BTC\\*.: it holds the reserved character"),
        (changed(_s=None), "symbol: nil is no value"),
        (changed(_ts=1704067200), "timestamp: 1704067200 is no value"),
        (with_timestamp(b"\xff" * 8), "a timestamp has 1073741823 nanoseconds"),
        (with_timestamp(struct.pack(">Iq", 0, 2**62)), "not between the years 1 and 9999"),
        (changed(_ts=msgpack.ExtType(5, b"x")), "extension of type 5"),
        (changed(_m={"a": float("nan")}), "metadata: NaN is no number that JSON has"),
        (changed(_m={"a": b"x"}), "metadata: bytes is no value that JSON has"),
        (changed(_m=[]), "metadata: an array is no value"),
        (changed(_id=b"short"), "event_id: an id has 16 bytes, not 5"),
        (TICK.replace(b"BTCUSDT", b"BTCUSD\xff"), "raw_symbol: a text is not in UTF-8|not in UTF-8"),
    ],
)
def test_what_is_wrong_is_said(data: bytes, reason: str) -> None:
    with pytest.raises(EventDecodeError, match=reason):
        decode_event(data)


def test_a_field_that_stands_twice_is_refused() -> None:
    [head, *rest] = msgpack.packb({**MAP, "bid2": "1"}).split(b"bid2")
    with pytest.raises(EventDecodeError, match="bid stands twice"):
        decode_event(head[:-1] + b"\xa3bid" + rest[0])


def test_values_that_contradict_each_other_are_refused() -> None:
    bar = msgpack.unpackb(encode_event(sample(BarEvent)))
    with pytest.raises(EventDecodeError, match="high 3 is below low 4"):
        decode_event(msgpack.packb(bar | {"high": "3"}))
    with pytest.raises(EventDecodeError, match=r"(?s)interval: .*pattern"):
        decode_event(msgpack.packb(bar | {"interval": "1min"}))
    book = msgpack.unpackb(encode_event(sample(OrderBookEvent)))
    with pytest.raises(EventDecodeError, match=r"bids: price: .x. is no decimal"):
        decode_event(msgpack.packb(book | {"bids": [{"price": "x", "quantity": "1"}]}))


def test_deep_nesting_is_refused_and_not_followed() -> None:
    nested: list[Any] = []
    for _ in range(400):
        nested = [nested]
    with pytest.raises(EventDecodeError, match="nested more than 224 deep"):
        decode_event(changed(_m={"a": nested}))


def test_another_program_may_order_the_entries_as_it_likes_and_add_its_own() -> None:
    backwards = dict(reversed(MAP.items())) | {"unknown": {"a": [1, 2, {"b": None}]}, "_new": 1}
    again = decode_event(msgpack.packb(backwards))
    assert again == decode_event(TICK)
    assert repr(again) == repr(decode_event(TICK))


def test_the_msgpack_package_reads_every_field() -> None:
    tick = sample(TickEvent, event_id="0" * 31 + "a", bid="1.10", timestamp=datetime(2024, 1, 1, 1, 2, 3, 4, UTC))
    read = msgpack.unpackb(encode_event(tick), timestamp=3)
    assert read == {
        "_v": 1,
        "_t": "tick",
        "_id": bytes.fromhex(tick.event_id),
        "_ts": tick.timestamp,
        "_x": "binance",
        "_s": "BTC/USDT",
        "raw_symbol": "BTCUSDT",
        "bid": "1.10",
        "ask": "50000.6",
        "last": "50000.55",
        "volume": "1",
        "exchange_timestamp": tick.exchange_timestamp,
        "local_timestamp": tick.local_timestamp,
    }
    assert decode_event(msgpack.packb(read, datetime=True)) == tick


@given(event=events())
def test_the_msgpack_package_reads_any_event_and_its_bytes_are_read_here(event: BaseEvent) -> None:
    assert decode_event(msgpack.packb(msgpack.unpackb(encode_event(event)))) == event


@given(moment=st.datetimes(timezones=st.just(UTC)))
@example(datetime.min.replace(tzinfo=UTC))
@example(datetime.max.replace(tzinfo=UTC))
@example(datetime(1970, 1, 1, tzinfo=UTC) - timedelta(microseconds=1))
def test_every_utc_microsecond_from_year_1_to_9999_comes_back(moment: datetime) -> None:
    event = sample(TickEvent, timestamp=moment, exchange_timestamp=moment)
    table = RowTable()
    for again in (
        decode_event(encode_event(event)),
        table.unpack(table.pack(event)),
        table_to_events(events_to_table([event]))[0],
    ):
        assert again.timestamp == moment
        assert again.timestamp.tzinfo is UTC


@pytest.mark.parametrize(
    ("column", "values", "reason"),
    [
        ("event_type", ["nothing"], "no class here has the event type"),
        ("event_type", [None], "its event type is missing"),
        ("bid_exp", [None], "no possible exponent"),
        ("bid_exp", [100], "no possible exponent"),
        ("bid_exp", [0], "more digits than its exponent says"),
        ("volume", [Decimal(-1)], "volume: -1.* is no decimal that its field may hold: that is at least 0 and finite"),
        ("symbol", ["*"], "symbol: .* reserved character"),
        ("metadata", ["[1]"], "metadata|dict"),
        ("timestamp", [2**62], "not between the years 1 and 9999"),
    ],
)
def test_a_table_with_impossible_values_is_refused(column: str, values: list[Any], reason: str) -> None:
    table = events_to_table([sample(TickEvent)])
    place = table.schema.names.index(column)
    type_ = table.schema.field(place).type
    array = pa.array(values, pa.int64()).cast(type_) if column == "timestamp" else pa.array(values, type_)
    with pytest.raises(EventDecodeError, match=reason):
        table_to_events(table.set_column(place, table.schema.field(place), array))


def test_what_is_no_table_of_events_is_refused() -> None:
    for table in (pa.table({"a": [1]}), pa.table({"event_type": [1]})):
        with pytest.raises(EventDecodeError):
            table_to_events(table)
    with pytest.raises(EventDecodeError, match="no table of events"):
        table_to_events(object())
