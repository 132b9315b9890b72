"""An ErrorEvent tells of any exception at all."""

import pytest

from tests.support.classes.samples import sample
from trading.events.market_data import TickEvent
from trading.events.system import ErrorEvent


class BrokenError(Exception):
    def __str__(self) -> str:
        raise RuntimeError


def read_level() -> None:
    raise ValueError("no such level")


def test_an_error_event_tells_of_an_exception_and_of_the_event_in_hand() -> None:
    tick = sample(TickEvent, symbol="BRK.B", exchange="nyse")
    with pytest.raises(ValueError, match="no such level") as raised:
        read_level()
    error = ErrorEvent.from_exception(
        raised.value, component="bus", event=tick, subscription_id="7", subscription_name="strategy-a"
    )
    assert error.topic == "events.error.nyse.BRK.B"
    assert (error.error_type, error.message) == ("ValueError", "no such level")
    assert (error.failed_event_id, error.failed_topic) == (tick.event_id, "events.tick.nyse.BRK.B")
    assert (error.component, error.subscription_id, error.subscription_name) == ("bus", "7", "strategy-a")
    assert error.traceback is not None
    assert "in read_level" in error.traceback


def test_an_error_event_tells_of_an_exception_alone() -> None:
    error = ErrorEvent.from_exception(ValueError(), component="feed")
    assert error.topic == "events.error._._"
    assert error.message == ""
    assert error.failed_event_id is error.failed_topic is error.subscription_id is None


@pytest.mark.parametrize(
    ("exception", "error_type", "message"),
    [
        (BrokenError(), f"{__name__}.BrokenError", "<its text raises RuntimeError>"),
        (FileNotFoundError("\udcff.csv"), "FileNotFoundError", "\\udcff.csv"),
        (KeyboardInterrupt(), "KeyboardInterrupt", ""),
    ],
    ids=["a broken __str__", "a lone surrogate", "no Exception"],
)
def test_an_error_event_tells_of_any_exception_at_all(exception: BaseException, error_type: str, message: str) -> None:
    error = ErrorEvent.from_exception(exception, component="bus")
    assert (error.error_type, error.message) == (error_type, message)
    assert ErrorEvent.model_validate_json(error.model_dump_json()) == error
