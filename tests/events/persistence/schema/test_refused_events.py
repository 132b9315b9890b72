"""Stored events that their class refuses: the others are read, and each of them is named, or left out if wished."""

import logging
import pickle
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, create_model

from tests.support.quarantine import ids, leave, read_until_it_raises
from tests.support.recording import START, record, tick
from tests.support.stores.kinds import ARCTIC_BYTES
from trading.events import InMemoryEventBus, base
from trading.events.base import BaseEvent
from trading.events.cli import main
from trading.events.errors import ChangedFieldError, StoredEventError, UnreadableFileWarning
from trading.events.filters import symbol_filter
from trading.events.persistence import ArcticEventReader, ArcticEventWriter, EventReader, verify

pytestmark = pytest.mark.usefixtures("classes_are_forgotten")

COUNT = 1_000


def define(**fields: Any) -> type[BaseEvent]:
    """The class of the event type `order_hint`, anew, with these fields."""
    base._CLASSES.pop("order_hint", None)
    each: dict[str, Any] = {name: (type_, ...) for name, type_ in fields.items()}
    kind: Any = Literal["order_hint"]
    return create_model("OrderHint", __base__=BaseEvent, __module__=__name__, event_type=(kind, "order_hint"), **each)


def hints(count: int = COUNT, **values: Any) -> list[BaseEvent]:
    cls = define(**{name: type(value) for name, value in {"size": 0, **values}.items()})
    return [
        cls.model_validate(
            {
                "event_id": f"hint-{number}", "timestamp": START + timedelta(seconds=number), "exchange": "x",
                "symbol": "A", "size": number, **values,
            }
        )
        for number in range(count)
    ]  # fmt: skip


@pytest.fixture(params=["in files", "in the journal"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A store with a thousand hints, and a class that refuses the last."""
    events = [*hints(), tick(COUNT)]
    if request.param == "in files":
        record(tmp_path, events)
    else:
        leave(tmp_path, events)
    define(size=Annotated[int, Field(lt=COUNT - 1)])
    return tmp_path


OTHERS = [*(f"hint-{number}" for number in range(COUNT - 1)), f"tick-{COUNT}"]


def test_all_others_are_given_and_then_the_row_is_named(store: Path) -> None:
    found, error = read_until_it_raises(store)
    assert found == OTHERS
    assert isinstance(error, StoredEventError)
    assert isinstance(error, ValueError)
    assert not isinstance(error, ChangedFieldError)
    assert (error.seq, error.event_type, error.field, error.value) == (COUNT, "order_hint", "size", str(COUNT - 1))
    assert error.timestamp == START + timedelta(seconds=COUNT - 1)
    assert str(error.path) in str(error)
    assert f"row {COUNT} of 2024-01-01T00:16:39.000000Z is no 'order_hint' event as its class is here: " in str(error)
    assert "the file is sound" in str(error)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.seq) == (str(error), error.seq)


def test_it_is_left_out_if_wished_and_that_is_logged_once(store: Path, caplog: pytest.LogCaptureFixture) -> None:
    reader = EventReader(store)
    assert ids(list(reader.read_range(invalid="skip"))) == OTHERS
    [logged] = caplog.records
    assert logged.levelno == logging.WARNING
    assert logged.message.startswith("1 stored events were left out, the first: ")
    assert f"row {COUNT} of" in logged.message


async def test_a_replay_leaves_it_out_if_wished(store: Path) -> None:
    async with InMemoryEventBus() as bus:
        assert await EventReader(store).replay(bus, speed=None, invalid="skip") == COUNT
        with pytest.raises(StoredEventError):
            await EventReader(store).replay(bus, speed=None)


def test_a_reader_that_warns_only_warns_of_it(store: Path) -> None:
    with pytest.warns(UnreadableFileWarning, match=f"row {COUNT} of"):
        assert ids(list(EventReader(store, on_error="warn").read_range())) == OTHERS


def test_who_asks_for_others_does_not_hear_of_it(store: Path) -> None:
    end = START + timedelta(seconds=COUNT - 1)
    assert read_until_it_raises(store, event_type="tick") == ([f"tick-{COUNT}"], None)
    assert read_until_it_raises(store, end=end) == (OTHERS[:-1], None)
    assert read_until_it_raises(store, filter=symbol_filter("BTC/USDT")) == ([f"tick-{COUNT}"], None)


def test_the_last_event_is_the_last_that_its_class_takes(store: Path) -> None:
    moment = START + timedelta(seconds=COUNT)
    last = EventReader(store).last_before(moment, event_type="order_hint", invalid="skip")
    assert last is not None
    assert last.event_id == f"hint-{COUNT - 2}"
    with pytest.raises(StoredEventError):
        EventReader(store).last_before(moment, event_type="order_hint")


def test_a_filter_of_ones_own_counts_the_events_that_there_are(store: Path) -> None:
    reader = EventReader(store)
    assert reader.count(filter=lambda event: event.symbol == "A", invalid="skip") == COUNT - 1
    with pytest.raises(StoredEventError):
        reader.count(filter=lambda event: event.symbol == "A")


async def test_a_store_in_arcticdb_names_it_and_leaves_it_out_likewise(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with ArcticEventWriter(tmp_path, capacity_bytes=ARCTIC_BYTES) as writer:
        await writer.write_batch([*hints(9), tick(9)])
    define(size=Annotated[int, Field(lt=8)])
    reader = ArcticEventReader(tmp_path, capacity_bytes=ARCTIC_BYTES)
    others = [*(f"hint-{number}" for number in range(8)), "tick-9"]
    found: list[str] = []
    with pytest.raises(StoredEventError) as caught:
        found.extend(event.event_id for event in reader.read_range())
    assert found == others
    assert (caught.value.field, caught.value.value) == ("size", "8")
    assert ids(list(reader.read_range(invalid="skip"))) == others
    assert "1 stored events were left out" in caplog.records[-1].message
    last = reader.last_before(START + timedelta(seconds=9), invalid="skip")
    assert last is not None
    assert last.event_id == "hint-7"


def test_an_argument_that_is_neither_is_refused(tmp_path: Path) -> None:
    record(tmp_path, [])
    invalid: Any = "keep"
    with pytest.raises(ValueError, match="invalid must be 'raise' or 'skip', not 'keep'"):
        EventReader(tmp_path).read_range(invalid=invalid)


def test_of_many_the_first_are_named_and_the_others_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    record(tmp_path, hints(3_000))
    define(size=Annotated[int, Field(ge=1_500)])
    found, error = read_until_it_raises(tmp_path)
    assert found == [f"hint-{number}" for number in range(1_500, 3_000)]
    assert isinstance(error, StoredEventError)
    assert error.seq == 1
    assert len(error.__notes__) == 8
    assert error.__notes__[-1] == "1492 more stored events are refused by their classes"
    assert len(list(EventReader(tmp_path).read_range(invalid="skip"))) == 1_500
    assert "1500 stored events were left out" in caplog.records[-1].message


TIGHTENED: dict[str, tuple[Any, Any, str | None, str | None]] = {
    "a pattern": ("b1", Annotated[str, Field(pattern="^a")], "note", "'b1'"),
    "a length": ("long", Annotated[str, Field(max_length=2)], "note", "'long'"),
    "a choice": ("b", Literal["a", "c"], "note", '"b"'),
    "a decimal's limit": (Decimal("1.50"), Annotated[Decimal, Field(le=1)], "note", "Decimal('1.50')"),
}


@pytest.mark.parametrize("how", TIGHTENED)
def test_field_and_value_are_named_whatever_was_tightened(tmp_path: Path, how: str) -> None:
    value, type_, field, shown = TIGHTENED[how]
    record(tmp_path, hints(1, note=value))
    define(size=int, note=type_)
    _, error = read_until_it_raises(tmp_path)
    assert isinstance(error, StoredEventError)
    assert (error.field, error.value) == (field, shown)


def test_a_field_that_a_class_has_since_and_that_has_no_default_is_named(tmp_path: Path) -> None:
    record(tmp_path, hints(1))
    define(size=int, extra=str)
    _, error = read_until_it_raises(tmp_path)
    assert isinstance(error, StoredEventError)
    assert "its field extra is missing" in str(error)


CHANGED: dict[str, tuple[Any, Any, str, str]] = {
    "text to int": ("many", int, "text", "int"),
    "text to a list": ("many", list[int], "text", "list[int]"),
    "int to text": (7, str, "int", "str"),
    "decimal to bool": (Decimal("1.5"), bool, "decimal", "bool"),
}


@pytest.mark.parametrize("how", CHANGED)
def test_a_field_that_has_another_type_since_is_named_with_both(tmp_path: Path, how: str) -> None:
    value, type_, stored, here = CHANGED[how]
    record(tmp_path, [*hints(2, note=value), tick(9)])
    define(size=int, note=type_)
    found, error = read_until_it_raises(tmp_path)
    assert found == ["tick-9"]
    assert isinstance(error, ChangedFieldError)
    assert error.field == "note"
    assert f"the field 'note' is stored as {stored}, and has the type {here} here" in str(error)
    assert "give the field its former type" in str(error)
    assert EventReader(tmp_path).read_table(event_type="order_hint").num_rows == 2
    assert EventReader(tmp_path).count() == 3


@pytest.mark.parametrize("how", CHANGED)
def test_in_the_journal_it_is_named_with_both_too(tmp_path: Path, how: str) -> None:
    value, type_, stored, here = CHANGED[how]
    leave(tmp_path, [*hints(2, note=value), tick(9)])
    define(size=int, note=type_)
    found, error = read_until_it_raises(tmp_path)
    assert found == ["tick-9"]
    assert isinstance(error, ChangedFieldError)
    stored = {"decimal": "text"}.get(stored, stored)  # as which a row of the journal holds it
    assert f"the field 'note' is stored as {stored}, and has the type {here} here" in str(error)
    define(size=int, note=type(value))
    assert read_until_it_raises(tmp_path) == (["hint-0", "hint-1", "tick-9"], None)


@pytest.mark.parametrize("how", CHANGED)
async def test_in_arcticdb_it_is_named_with_both_too(tmp_path: Path, how: str) -> None:
    value, type_, stored, here = CHANGED[how]
    async with ArcticEventWriter(tmp_path, capacity_bytes=ARCTIC_BYTES) as writer:
        await writer.write_batch(hints(2, note=value))
    define(size=int, note=type_)
    with pytest.raises(ChangedFieldError, match="note") as raised:
        list(ArcticEventReader(tmp_path, capacity_bytes=ARCTIC_BYTES).read_range())
    assert f"the field 'note' is stored as {stored}, and has the type {here} here" in str(raised.value)


def test_a_value_that_the_same_type_refuses_is_no_change_of_type(tmp_path: Path) -> None:
    leave(tmp_path, hints(2, note="many"))
    define(size=int, note=Decimal)
    _, error = read_until_it_raises(tmp_path)
    assert isinstance(error, StoredEventError)
    assert not isinstance(error, ChangedFieldError)


def test_a_store_with_a_field_of_another_type_is_as_it_was_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record(tmp_path, hints(2, note="many"))
    define(size=int, note=int)
    assert list(verify(tmp_path)) == []
    assert main(["verify", str(tmp_path)]) == 0
    assert "is as it was written" in capsys.readouterr().out
    assert main(["query", str(tmp_path)]) == 1
    assert "the field 'note' is stored as text, and has the type int here" in capsys.readouterr().err
