"""Events as bytes: they come back exactly, or an error says why not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.classes.samples import SAMPLES, sample
from tests.support.classes.strategies import events
from trading.events import decode_batch, decode_event, encode_batch, encode_event, events_to_table, table_to_events
from trading.events._core import RowTable
from trading.events.base import BaseEvent
from trading.events.errors import EventDecodeError, NotAnEventError
from trading.events.market_data import TickEvent


def assert_same(actual: BaseEvent, expected: BaseEvent) -> None:
    assert type(actual) is type(expected)
    assert actual == expected
    assert repr(actual) == repr(expected)
    assert actual.model_dump_json() == expected.model_dump_json()


@given(event=events())
def test_an_event_of_any_class_comes_back_equal_and_with_the_same_json(event: BaseEvent) -> None:
    assert_same(decode_event(encode_event(event)), event)


@given(batch=st.lists(events(), max_size=5))
def test_a_batch_comes_back_in_its_order(batch: list[BaseEvent]) -> None:
    again = decode_batch(encode_batch(iter(batch)))
    assert len(again) == len(batch)
    for actual, expected in zip(again, batch, strict=True):
        assert_same(actual, expected)


@pytest.mark.parametrize("cls", SAMPLES)
def test_bytes_may_stand_in_any_buffer(cls: type[BaseEvent]) -> None:
    event = sample(cls)
    data = encode_event(event)
    for buffer in (data, bytearray(data), memoryview(data)):
        assert decode_event(buffer) == event


def test_what_is_no_event_is_not_encoded() -> None:
    with pytest.raises(NotAnEventError, match="str is no event"):
        encode_event("tick")
    with pytest.raises(NotAnEventError, match="int is no event"):
        encode_batch([sample(TickEvent), 7])


def test_no_bytes_are_no_event() -> None:
    with pytest.raises(EventDecodeError):
        decode_event(b"")


@given(batch=st.lists(events(), max_size=5))
def test_rows_come_back_with_the_texts_of_their_table(batch: list[BaseEvent]) -> None:
    table = RowTable()
    rows = [table.pack(event) for event in batch for _ in range(3)]
    again = RowTable(table.texts)
    for row, event in zip(rows, [event for event in batch for _ in range(3)], strict=True):
        assert_same(table.unpack(row), event)
        assert_same(again.unpack(row), event)


def test_a_row_of_a_tick_is_compact_once_its_texts_have_come() -> None:
    table = RowTable()
    rows = [table.pack(sample(TickEvent)) for _ in range(3)]
    assert len(rows[-1]) < 60 < len(rows[0])
    assert table.texts[0].startswith("tick\1")
    assert "\0event_id\0timestamp" in table.texts[0]
    with pytest.raises(EventDecodeError, match="no text has the number 0"):
        RowTable().unpack(rows[0])


@given(batch=st.lists(events(), max_size=5))
def test_a_mixed_table_comes_back_in_its_order(batch: list[BaseEvent]) -> None:
    table = events_to_table(batch)
    assert table.num_rows == len(batch)
    table.validate(full=True)
    for actual, expected in zip(table_to_events(table), batch, strict=True):
        assert_same(actual, expected)
