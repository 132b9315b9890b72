"""A handler that makes bars of one minute out of prices, and publishes them back on the bus."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from trading.events.base import BaseEvent
from trading.events.bus import IEventBus
from trading.events.market_data import BarEvent, QuoteEvent, TickEvent, TradeEvent

_MINUTE = timedelta(minutes=1)


@dataclass
class _Bar:
    exchange: str
    symbol: str
    open_time: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal | None
    trade_count: int | None

    def add(self, price: Decimal, quantity: Decimal | None) -> None:
        self.high = max(self.high, price)
        self.low = min(self.low, price)
        self.close = price
        if quantity is not None and self.volume is not None and self.trade_count is not None:
            self.volume += quantity
            self.trade_count += 1

    def event(self, *, complete: bool) -> BarEvent:
        return BarEvent(
            exchange=self.exchange,
            symbol=self.symbol,
            interval="1m",
            open_time=self.open_time,
            close_time=self.open_time + _MINUTE,
            open=self.open,
            high=self.high,
            low=self.low,
            close=self.close,
            volume=self.volume,
            trade_count=self.trade_count,
            complete=complete,
            timestamp=self.open_time + _MINUTE,
        )


class BarBuilder:
    """Makes bars of one minute from trades, ticks or quotes; of a tick or quote it takes the last price or the middle.

    Args:
        bus: Where the bars are published.
    """

    def __init__(self, bus: IEventBus) -> None:
        self._bus = bus
        self._bars: dict[tuple[str, str], _Bar] = {}
        self.count = 0
        """Bars published so far."""

    async def handle(self, event: BaseEvent) -> None:
        """Takes a price; the first of a new minute closes the bar before."""
        if not isinstance(event, TradeEvent | TickEvent | QuoteEvent):
            return
        price = _price(event)
        if price is None:
            return
        key = (event.exchange, event.symbol)
        quantity = event.quantity if isinstance(event, TradeEvent) else None
        minute = event.timestamp.replace(second=0, microsecond=0)
        bar = self._bars.get(key)
        if bar is not None and bar.open_time >= minute:
            bar.add(price, quantity)
            return
        if bar is not None:
            await self._publish(bar, complete=True)
        trades = None if quantity is None else 1
        self._bars[key] = _Bar(*key, minute, price, price, price, price, quantity, trades)

    async def finish(self) -> None:
        """Publishes the bars that are still open, as incomplete."""
        for bar in self._bars.values():
            await self._publish(bar, complete=False)
        self._bars.clear()

    async def _publish(self, bar: _Bar, *, complete: bool) -> None:
        self.count += 1
        await self._bus.publish(bar.event(complete=complete))


def _price(event: TradeEvent | TickEvent | QuoteEvent) -> Decimal | None:
    if isinstance(event, TradeEvent):
        return event.price
    if isinstance(event, TickEvent) and event.last is not None:
        return event.last
    if event.bid is None or event.ask is None:
        return event.bid if event.ask is None else event.ask
    return (event.bid + event.ask) / 2
