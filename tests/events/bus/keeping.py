"""A bus that keeps its newest events, and the ticks that it keeps."""

from datetime import timedelta
from typing import Any

from tests.support.doubles import MOMENT, number_of
from trading.events import BaseEvent, InMemoryEventBus, TickEvent

HISTORY = 20


def tick(number: int, *, symbol: str = "A", at: int = 0) -> TickEvent:
    """A tick of a symbol, so many seconds after the moment."""
    return TickEvent(
        event_id=str(number),
        timestamp=MOMENT + timedelta(seconds=at),
        exchange="x",
        symbol=symbol,
        raw_symbol=symbol,
        exchange_timestamp=MOMENT,
    )


def numbers(events: list[Any]) -> list[int]:
    return [number_of(event) for event in events]


async def filled(*events: BaseEvent, history: int = HISTORY) -> InMemoryEventBus:
    bus = InMemoryEventBus(history=history)
    await bus.publish_batch(events)
    return bus
