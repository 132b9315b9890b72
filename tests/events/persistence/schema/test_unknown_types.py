"""Recorded events whose class is not defined here: named, where events are to be made of them; else no matter."""

from pathlib import Path
from typing import Literal

import pytest

from tests.support.classes.samples import sample
from tests.support.recording import START, record, ticks
from trading.events import base
from trading.events.base import BaseEvent
from trading.events.errors import UnknownEventTypeError, UnreadableFileWarning
from trading.events.market_data import TradeEvent
from trading.events.persistence import EventReader

pytestmark = pytest.mark.usefixtures("classes_are_forgotten")


@pytest.fixture
def forgotten(tmp_path: Path) -> Path:
    """A store with events of a class that is not defined any more."""

    class FundingEvent(BaseEvent):
        event_type: Literal["funding"] = "funding"
        rate: int

    record(tmp_path, [*ticks(2), FundingEvent(rate=7, timestamp=START), sample(TradeEvent, timestamp=START)])
    del base._CLASSES["funding"]
    return tmp_path


def test_events_of_an_undefined_type_are_named_and_the_rest_is_read(forgotten: Path) -> None:
    events: list[BaseEvent] = []
    with pytest.raises(UnknownEventTypeError) as caught:
        events.extend(EventReader(forgotten).read_range())
    assert len(events) == 3
    error = caught.value
    assert isinstance(error, LookupError)
    assert error.event_type == "funding"
    assert "'funding': import the module that defines it" in str(error)
    assert str(error.path).endswith("funding__.parquet")


def test_they_are_only_warned_of_if_wished(forgotten: Path) -> None:
    with pytest.warns(UnreadableFileWarning, match="import the module that defines it"):
        assert len(list(EventReader(forgotten, on_error="warn").read_range())) == 3


def test_they_are_in_tables_counts_and_summaries(forgotten: Path) -> None:
    reader = EventReader(forgotten)
    table = reader.read_table(event_type="funding")
    assert table["rate"].to_pylist() == [7]
    assert reader.read_table().num_rows == reader.count() == 4
    assert [topic.event_type for topic in reader.topics()] == ["funding", "tick", "trade"]


def test_they_count_as_base_events(forgotten: Path) -> None:
    with pytest.raises(UnknownEventTypeError):
        list(EventReader(forgotten).read_range(event_type=BaseEvent))


def test_they_are_no_matter_where_they_are_not_asked_for(forgotten: Path) -> None:
    assert list(EventReader(forgotten).read_range(event_type="tick")) == ticks(2)
