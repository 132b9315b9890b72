"""A store with a good file, and one that each test spoils."""

from pathlib import Path

from tests.support.recording import record, tick
from trading.events.base import BaseEvent
from trading.events.errors import StoreError
from trading.events.persistence import EventReader

GOOD = [tick(number, symbol="ETH/USDT") for number in range(5)]
BAD = [tick(number, symbol="BAD") for number in range(100)]


def spoilable(tmp_path: Path) -> Path:
    """A store with a good file of five ticks, and one of a hundred that each test spoils."""
    record(tmp_path, [*GOOD, *BAD])
    return tmp_path


def bad_file(store: Path) -> Path:
    return store / "2024/01/01/tick_binance_BAD.parquet"


def read_until_it_raises(reader: EventReader) -> tuple[list[BaseEvent], StoreError]:
    events: list[BaseEvent] = []
    try:
        for event in reader.read_range():
            events.append(event)  # noqa: PERF402 - one by one, so that what came before the error is kept
    except StoreError as error:
        return events, error
    raise AssertionError("nothing was raised")


def good_ones(events: list[BaseEvent]) -> list[BaseEvent]:
    return [event for event in events if event.symbol == "ETH/USDT"]
