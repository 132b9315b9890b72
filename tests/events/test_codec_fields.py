"""Every type that a user's event class may have: its values come back exactly from bytes, or are refused."""

from typing import Any, Optional

import pytest

from tests.events.odd_fields import ODD_FIELDS, define
from trading.events import base, decode_event, encode_event, events_to_table, table_to_events
from trading.events._core import RowTable
from trading.events.base import BaseEvent


@pytest.fixture(autouse=True)
def _forget_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Classes that a test defines are forgotten when it ends."""
    monkeypatch.setattr(base, "_CLASSES", dict(base._CLASSES))


def assert_comes_back(event: BaseEvent) -> None:
    table = RowTable()
    [from_columns] = table_to_events(events_to_table([event]))
    for again in (decode_event(encode_event(event)), table.unpack(table.pack(event)), from_columns):
        assert again == event
        assert repr(again) == repr(event)


@pytest.mark.parametrize(("annotation", "value"), [pytest.param(*rest, id=name) for name, *rest in ODD_FIELDS])
def test_a_field_of_any_type_comes_back_exactly(annotation: Any, value: Any) -> None:
    assert_comes_back(define(annotation)(value=value))


@pytest.mark.parametrize(("annotation", "value"), [pytest.param(*rest, id=name) for name, *rest in ODD_FIELDS])
def test_an_optional_field_of_any_type_comes_back_exactly(annotation: Any, value: Any) -> None:
    cls = define(Optional[annotation])  # noqa: UP045 - `|` does not take a mere None
    assert_comes_back(cls(value=value))
    assert_comes_back(cls(value=None))
