"""One simulated market: a price that wanders, and the events that a venue sends of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import count
from random import Random
from typing import TYPE_CHECKING

from trading.events.market_data import BookLevel, OrderBookEvent, QuoteEvent, TickEvent, TradeEvent

if TYPE_CHECKING:
    from trading.events.base import Side

_BOOK_LEVELS = 10
_CHANGED_LEVELS = 3
_WORST_HALF_SPREAD = 3


@dataclass
class Market:
    """An instrument on a venue, simulated.

    Args:
        exchange: The venue.
        symbol: The normalized symbol.
        raw_symbol: The venue's own name of it.
        price_step: The smallest step of its price.
        quantity_step: The smallest step of its quantities.
        steps: Its price to begin with, in price steps.
    """

    exchange: str
    symbol: str
    raw_symbol: str
    price_step: Decimal
    quantity_step: Decimal
    steps: int
    _half_spread: int = field(default=1, init=False)
    _volume: int = field(default=0, init=False)
    _sequence: int = field(default=0, init=False)
    _trade_ids: Iterator[int] = field(default_factory=lambda: count(1), init=False)

    @property
    def price(self) -> Decimal:
        """The price in the middle."""
        return self._price(0)

    def _price(self, steps_away: int) -> Decimal:
        return (self.steps + steps_away) * self.price_step

    def quantity(self, random: Random) -> Decimal:
        """A quantity that somebody might trade: mostly small, sometimes large."""
        return min(1 + int(random.expovariate(1 / 400)), 50_000) * self.quantity_step

    def wander(self, random: Random) -> None:
        """Moves the price and the spread a little."""
        self.steps = max(100, self.steps + random.randint(-3, 3))
        self._half_spread = random.randint(1, _WORST_HALF_SPREAD)

    def tick(self, random: Random, now: datetime) -> TickEvent:
        """The state of the price."""
        self.wander(random)
        return TickEvent(
            exchange=self.exchange,
            symbol=self.symbol,
            raw_symbol=self.raw_symbol,
            bid=self._price(-self._half_spread),
            ask=self._price(self._half_spread),
            last=self.price,
            volume=self._volume * self.quantity_step,
            timestamp=now,
            exchange_timestamp=now,
            local_timestamp=now,
        )

    def quote(self, random: Random, now: datetime) -> QuoteEvent:
        """The best bid and ask."""
        self._sequence += 1
        return QuoteEvent(
            exchange=self.exchange,
            symbol=self.symbol,
            raw_symbol=self.raw_symbol,
            bid=self._price(-self._half_spread),
            bid_quantity=self.quantity(random),
            ask=self._price(self._half_spread),
            ask_quantity=self.quantity(random),
            sequence=self._sequence,
            timestamp=now,
            exchange_timestamp=now,
            local_timestamp=now,
        )

    def trade(self, random: Random, now: datetime) -> TradeEvent:
        """A trade between others, at the bid or at the ask."""
        self.wander(random)
        side: Side = random.choice(("buy", "sell"))
        quantity = self.quantity(random)
        self._volume += int(quantity / self.quantity_step)
        return TradeEvent(
            exchange=self.exchange,
            symbol=self.symbol,
            raw_symbol=self.raw_symbol,
            trade_id=str(next(self._trade_ids)),
            price=self._price(self._half_spread if side == "buy" else -self._half_spread),
            quantity=quantity,
            side=side,
            timestamp=now,
            exchange_timestamp=now,
            local_timestamp=now,
        )

    def book(self, random: Random, now: datetime, *, snapshot: bool) -> OrderBookEvent:
        """The order book, or some levels of it that have changed."""
        previous, self._sequence = self._sequence, self._sequence + 1
        distances = range(_BOOK_LEVELS) if snapshot else random.sample(range(_BOOK_LEVELS), _CHANGED_LEVELS)
        return OrderBookEvent(
            exchange=self.exchange,
            symbol=self.symbol,
            raw_symbol=self.raw_symbol,
            kind="snapshot" if snapshot else "delta",
            bids=tuple(self._level(random, -self._half_spread - away) for away in distances),
            asks=tuple(self._level(random, self._half_spread + away) for away in distances),
            sequence=self._sequence,
            previous_sequence=None if snapshot else previous,
            timestamp=now,
            exchange_timestamp=now,
            local_timestamp=now,
        )

    def _level(self, random: Random, steps_away: int) -> BookLevel:
        return BookLevel(price=self._price(steps_away), quantity=self.quantity(random))


def simulated_markets() -> list[Market]:
    """The markets of the demo: several venues, one symbol on two of them, one with a dot in its name."""
    return [
        Market("binance", "BTC/USDT", "BTCUSDT", Decimal("0.01"), Decimal("0.00001"), 4_325_000),
        Market("binance", "ETH/USDT", "ETHUSDT", Decimal("0.01"), Decimal("0.0001"), 231_000),
        Market("kraken", "BTC/USD", "XBT/USD", Decimal("0.1"), Decimal("0.0001"), 432_400),
        Market("kraken", "BTC/USDT", "XBT/USDT", Decimal("0.1"), Decimal("0.0001"), 432_500),
        Market("nyse", "BRK.B", "BRK B", Decimal("0.01"), Decimal(1), 36_150),
    ]
