"""An UnknownEvent carries an event of no class here as its bytes, and says what stands in them."""

import copy
import pickle
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

import msgpack
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.support.classes.samples import SAMPLES, sample
from trading.events import (
    BaseEvent,
    EventDecodeError,
    EventDefinitionError,
    ReadOnlyError,
    UnknownEvent,
    UnstorableEventError,
    base,
    decode_event,
    encode_batch,
    encode_event,
    event_classes,
    events_to_table,
    unknown,
)
from trading.events.unknown import decode_any

pytestmark = pytest.mark.usefixtures("classes_are_forgotten")

ROW = {
    "_v": 1, "_t": "funding", "_id": bytes(16), "_ts": datetime(2024, 1, 1, tzinfo=UTC), "_x": "binance", "_s": None,
    "rate": "0.10",
}  # fmt: skip


def packed(**changes: Any) -> bytes:
    row = {key: value for key, value in (ROW | changes).items() if value is not Ellipsis}
    return bytes(msgpack.packb(row, datetime=True))


@pytest.mark.parametrize("cls", SAMPLES)
def test_every_event_is_carried_to_the_byte_and_is_itself_where_its_class_is(cls: type[BaseEvent]) -> None:
    """Turned red by: encoding the fields of an UnknownEvent."""
    event = sample(cls, metadata={"deep": [1, {"a": None}]})
    encoded = encode_event(event)
    defined = base._CLASSES.pop(event.event_type)
    carried = decode_any(encoded)
    assert isinstance(carried, UnknownEvent)
    assert encode_event(carried) == carried.encoded == encoded
    assert encode_batch([carried, carried]) == b"\x92" + encoded + encoded
    for name in ("event_id", "event_type", "timestamp", "exchange", "symbol", "topic", "metadata"):
        assert getattr(carried, name) == getattr(event, name)
    assert set(carried) <= set(cls.model_fields)
    base._CLASSES[event.event_type] = defined
    assert decode_event(encode_event(carried)) == decode_any(encoded) == event


def test_it_is_a_mapping_of_what_stands_in_it() -> None:
    event = UnknownEvent.of_bytes(packed(__own=1, large=msgpack.ExtType(1, (2**70).to_bytes(9, "big")), raw=b"\xff"))
    assert isinstance(event, Mapping)
    assert dict(event) == {
        "event_type": "funding", "event_id": "0" * 32, "timestamp": ROW["_ts"], "exchange": "binance", "symbol": None,
        "rate": "0.10", "_own": 1, "large": 2**70, "raw": b"\xff",
    }  # fmt: skip
    assert (event["rate"], event.get("price"), "rate" in event, len(event)) == ("0.10", None, True, 9)
    assert event.model_dump() == dict(event)
    assert '"raw":"ff"' in event.model_dump_json()
    assert repr(event) == f"<UnknownEvent events.funding.binance._ {'0' * 32}>"


def test_copies_and_pickles_are_equal_and_other_bytes_are_not() -> None:
    event = UnknownEvent.of_bytes(packed())
    for again in (copy.copy(event), copy.deepcopy(event), pickle.loads(pickle.dumps(event))):
        assert again == event
        assert hash(again) == hash(event)
    assert UnknownEvent.of_bytes(packed(rate="0.1")) != event
    of_values = UnknownEvent.of_values(dict(event))
    assert (of_values.encoded, of_values != event) == (None, True)
    assert pickle.loads(pickle.dumps(of_values)) == of_values


def test_it_cannot_be_changed() -> None:
    """Turned red by: a copy with another symbol, and the bytes of the old one."""
    event = UnknownEvent.of_bytes(packed())
    assert event.model_copy(deep=True) is event
    with pytest.raises(ReadOnlyError, match="cannot be changed"):
        event.model_copy(update={"symbol": "ETH/USDT"})
    with pytest.raises(ValidationError, match="frozen"):
        event.symbol = "ETH/USDT"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


def test_it_is_no_event_class_and_none_derives_from_it() -> None:
    UnknownEvent.of_bytes(packed())
    assert not any(issubclass(cls, UnknownEvent) for cls in event_classes())
    with pytest.raises(EventDefinitionError, match="cannot derive from UnknownEvent"):

        class Funding(UnknownEvent):
            event_type: Literal["funding"] = "funding"


def test_without_bytes_and_in_columns_it_is_refused() -> None:
    with pytest.raises(UnstorableEventError, match="no class here is for its type"):
        encode_event(UnknownEvent.of_values({"event_type": "a", "event_id": "b", "timestamp": ROW["_ts"]}))
    with pytest.raises(UnstorableEventError, match="no class here is for its type"):
        events_to_table([UnknownEvent.of_bytes(packed())])


@pytest.mark.parametrize(
    ("encoded", "reason"),
    [
        (b"\xc1", "it is no event"),
        (b"\x90", "an event is a map"),
        (packed(_v=...), "no version"),
        (packed(_v=2), "version 2, and this release reads up to 1"),
        (packed(_t=...), "no event type"),
        (packed(_t=1), "no event type"),
        (packed(_t="Not A Type"), "event type"),
        (packed(_id=...), "event_id is NoneType"),
        (packed(_id=b"short"), "event_id is bytes"),
        (packed(_id=""), "event_id"),
        (packed(_ts=1), "timestamp is int"),
        (packed(_ts=msgpack.Timestamp(2**40, 0)), "it is no event"),
        (packed(_x="a.b"), "exchange"),
        (packed(_s=b"BTC"), "symbol is bytes"),
        (packed(_m=[1]), "metadata"),
        (packed(rate=msgpack.ExtType(9, b"")), "an extension 9"),
        (packed(rate={1: 2}), "it is no event"),
        (packed()[:-1], "it is no event"),
        (packed() + b"\xc0", "it is no event"),
        (b"\x82\xa1a\x01\xa1a\x02", "occurs twice"),
        (b"\x91" * 100_000, "it is no event"),
    ],
)
def test_bytes_that_are_no_event_are_refused_with_the_reason(encoded: bytes, reason: str) -> None:
    with pytest.raises(EventDecodeError, match=reason):
        UnknownEvent.of_bytes(encoded)


@given(st.binary(max_size=80) | st.tuples(st.integers(0, 70), st.binary(max_size=4)).map(
    lambda cut: packed()[: cut[0]] + cut[1] + packed()[cut[0] + len(cut[1]) :]
))  # fmt: skip
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_bytes_come_the_answer_is_an_event_or_a_decode_error(encoded: bytes) -> None:
    try:
        found = decode_any(encoded)
    except EventDecodeError:
        return
    assert encode_event(found) == encoded if isinstance(found, UnknownEvent) else found.topic


def test_who_sends_ever_new_types_fills_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Turned red by: a class for each type for ever."""
    monkeypatch.setattr(unknown, "_MOST_TYPES", len(unknown._classes) + 1)
    UnknownEvent.of_bytes(packed(_t="first_new_type"))
    UnknownEvent.of_bytes(packed(_t="first_new_type"))
    with pytest.raises(EventDecodeError, match="types that no class is for"):
        UnknownEvent.of_bytes(packed(_t="second_new_type"))


def test_what_its_class_refuses_is_not_carried() -> None:
    class Funding(BaseEvent):
        event_type: Literal["funding"] = "funding"
        rate: Decimal

    with pytest.raises(EventDecodeError, match="rate"):
        decode_any(packed(rate="much"))
    event = decode_any(packed())
    assert isinstance(event, Funding)
    assert event.timestamp - timedelta(0) == ROW["_ts"]
