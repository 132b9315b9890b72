"""Ticks for engines that dispatch models of their own only: the same fields with the same values."""

from typing import Any

from pydantic import BaseModel, create_model

from benchmarks.ticks import make_ticks
from trading.events import TickEvent

FIELDS = (
    "exchange",
    "symbol",
    "raw_symbol",
    "bid",
    "ask",
    "last",
    "volume",
    "exchange_timestamp",
    "local_timestamp",
)


def peer_tick_of(base: type[BaseModel]) -> Any:
    """A tick's class, derived from an engine's own base class."""
    fields: dict[str, Any] = {name: (TickEvent.model_fields[name].annotation, ...) for name in FIELDS}
    return create_model("PeerTick", __base__=base, **fields)


def make_peer_ticks(peer_tick: type[BaseModel], count: int) -> list[Any]:
    """The ticks that every engine gets, as this class."""
    return [peer_tick(**{name: getattr(tick, name) for name in FIELDS}) for tick in make_ticks(count)]
