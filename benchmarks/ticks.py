"""The events that are measured with: ticks that differ, made the same way each time."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from trading.events.market_data import TickEvent

START = datetime(2024, 1, 1, tzinfo=UTC)
SPREAD = Decimal("0.1")


def make_ticks(count: int, *, symbols: tuple[str, ...] = ("BTC/USDT",)) -> list[TickEvent]:
    """Ticks a millisecond apart, the symbols in turn."""
    return [make_tick(index, symbol=symbols[index % len(symbols)]) for index in range(count)]


def make_warm_ticks(count: int, *, symbol: str = "BTC/USDT") -> list[TickEvent]:
    """A thousand ticks, again and again: where events are published they have just been made, and lie in the cache."""
    different = [make_tick(index, symbol=symbol) for index in range(min(count, 1_000))]
    return [different[index % len(different)] for index in range(count)]


def with_own_names(ticks: Sequence[TickEvent]) -> list[TickEvent]:
    """The same ticks, whose exchanges and symbols are texts of their own, as a parser makes them."""
    renamed = {
        id(tick): tick.model_copy(
            update={"exchange": "".join(tick.exchange or ()), "symbol": "".join(tick.symbol or ())}
        )
        for tick in ticks
    }
    return [renamed[id(tick)] for tick in ticks]


def make_tick(index: int, *, symbol: str = "BTC/USDT") -> TickEvent:
    """The tick that has this place in the series."""
    bid = Decimal(500_000 + index % 1000).scaleb(-1)
    time = START + timedelta(milliseconds=index)
    return TickEvent(
        timestamp=time,
        exchange="binance",
        symbol=symbol,
        raw_symbol=symbol.replace("/", ""),
        bid=bid,
        ask=bid + SPREAD,
        last=bid,
        volume=Decimal(1 + index % 7),
        exchange_timestamp=time,
        local_timestamp=time,
    )
