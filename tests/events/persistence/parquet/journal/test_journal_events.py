"""`Journal.take_event`: the short way into the journal, open where nothing is refused and nobody is to be told."""

import resource
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from tests.events.persistence.parquet.journal.test_journal import open_journal, rows_of
from tests.support.classes.samples import sample
from tests.support.recording import tick, ticks
from trading.events import _core
from trading.events.base import BaseEvent
from trading.events.codec import decode_event
from trading.events.market_data import TickEvent, TradeEvent
from trading.events.persistence.encoding import encode_row

FRAME_BYTES = 16 + len(encode_row(tick(1)))
INTERRUPTS: dict[str, type[BaseException]] = {"KeyboardInterrupt": KeyboardInterrupt, "SystemExit": SystemExit}


class Interrupting:
    """A type whose own code interrupts whoever reads one of its values again."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._read, serialization=core_schema.plain_serializer_function_ser_schema(lambda value: value.interrupt)
        )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if isinstance(value, cls):
            return value
        raise INTERRUPTS[value]

    def __init__(self, interrupt: str) -> None:
        self.interrupt = interrupt


class InterruptingEvent(BaseEvent):
    event_type: Literal["interrupting"] = "interrupting"
    value: Interrupting


def begin(folder: Path, **options: Any) -> _core.Journal:
    """A journal whose first row has been told of."""
    journal = open_journal(folder, **options)
    assert journal.append(encode_row(tick(0)))
    return journal


def events_of(folder: Path) -> list[BaseEvent]:
    return [decode_event(row) for _, row in rows_of(folder)]


def assert_takes_nothing(journal: _core.Journal, event: Any) -> None:
    """That nothing is taken, and nothing has changed."""
    before = journal.next_seq, journal.rows, journal.place, journal.number
    assert journal.take_event(event) is False
    assert (journal.next_seq, journal.rows, journal.place, journal.number) == before


def test_an_event_is_the_row_in_the_file_that_append_would_have_made_of_it(tmp_path: Path) -> None:
    journal = begin(tmp_path)
    for event in ticks(3)[1:]:
        assert journal.take_event(event) is True
    assert rows_of(tmp_path) == [(number + 1, encode_row(tick(number))) for number in range(3)]


def test_a_deferred_event_is_in_the_file_when_it_is_synced(tmp_path: Path) -> None:
    journal = begin(tmp_path, is_deferred=True)
    assert journal.take_event(tick(1))
    assert events_of(tmp_path) == []
    journal.sync()
    assert events_of(tmp_path) == ticks(2)


def test_the_first_event_after_a_sync_is_left_to_append_which_tells_of_it(tmp_path: Path) -> None:
    journal = begin(tmp_path)
    journal.sync()
    assert_takes_nothing(journal, tick(1))
    assert journal.append(encode_row(tick(1)))
    assert journal.take_event(tick(2))


@pytest.mark.parametrize(
    "limit",
    [{"most_rows": 3}, {"most_bytes": 3 * FRAME_BYTES}, {"most_unsynced_bytes": 12 * FRAME_BYTES}],
    ids=lambda limit: next(iter(limit)),
)
def test_the_event_that_reaches_a_limit_is_left_to_append_which_tells_of_it(
    tmp_path: Path, limit: dict[str, int]
) -> None:
    journal = begin(tmp_path, **limit)
    assert journal.take_event(tick(1))
    assert_takes_nothing(journal, tick(2))
    assert journal.append(encode_row(tick(2)))
    assert events_of(tmp_path) == ticks(3)


def test_nothing_is_taken_while_the_disk_is_behind(tmp_path: Path) -> None:
    journal = begin(tmp_path, most_unsynced_bytes=10)
    assert_takes_nothing(journal, tick(1))


def test_nothing_is_taken_where_the_file_may_not_grow(tmp_path: Path) -> None:
    journal = begin(tmp_path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (FRAME_BYTES + 60, limits[1]))
    try:
        assert_takes_nothing(journal, tick(1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert journal.take_event(tick(1))
    assert events_of(tmp_path) == ticks(2)


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        "tick",
        TickEvent,
        TickEvent.model_construct(**dict(tick(1)) | {"bid": object()}),
        TradeEvent.model_construct(**dict(sample(TradeEvent)) | {"quantity": Decimal(-1)}),
    ],
    ids=["None", "a text", "a class", "a value that cannot be stored", "what its class would refuse"],
)
def test_what_cannot_be_recorded_is_left_alone(tmp_path: Path, wrong: Any) -> None:
    journal = begin(tmp_path)
    assert_takes_nothing(journal, wrong)
    assert journal.take_event(tick(1, bid=Decimal(1)))


@pytest.mark.parametrize("interrupt", ["KeyboardInterrupt", "SystemExit"])
def test_an_interrupt_gets_through(tmp_path: Path, interrupt: str) -> None:
    journal = begin(tmp_path)
    event = InterruptingEvent(value=Interrupting(interrupt))
    with pytest.raises(INTERRUPTS[interrupt]):
        journal.take_event(event)
    with pytest.raises(INTERRUPTS[interrupt]):
        encode_row(event)
    assert events_of(tmp_path) == [tick(0)]
