"""The orders of a simulated strategy: each is submitted and then lives its life, one event after the other."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from random import Random

from trading.events.base import BaseEvent, Side
from trading.events.cli.demo.market import Market
from trading.events.order import (
    OrderAcceptedEvent,
    OrderCancelledEvent,
    OrderExpiredEvent,
    OrderFilledEvent,
    OrderRejectedEvent,
    OrderSubmittedEvent,
)

_STRATEGY = "mean-reversion"
_FEE_RATE = Decimal("0.0004")
_FATES = ("filled", "filled", "filled", "filled in parts", "filled in parts", "rejected", "cancelled", "expired")


class OrderFlow:
    """Makes orders, and for each of them all that will happen to it.

    Args:
        random: Where chance comes from.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._numbers = count(1)

    def order(self, market: Market, now: datetime) -> Iterator[BaseEvent]:
        """The events of one order, each later than the one before."""
        return _Order(self._random, market, number=next(self._numbers), now=now).events()


class _Order:
    """One order and its fate."""

    def __init__(self, random: Random, market: Market, *, number: int, now: datetime) -> None:
        self._random = random
        self._market = market
        self._now = now
        self._order_id = f"order-{number}"
        self._client_order_id = f"client-{number}"
        self._venue_order_id = f"venue-{number}"
        self._side: Side = random.choice(("buy", "sell"))
        self._price = market.price
        self._quantity = 2 * market.quantity(random)

    def events(self) -> Iterator[BaseEvent]:
        """Its events, from the first to the last."""
        yield self._submitted()
        fate = self._random.choice(_FATES)
        if fate == "rejected":
            yield self._rejected()
            return
        yield self._accepted()
        if fate == "filled":
            yield self._filled(1, of=1)
        elif fate == "filled in parts":
            yield self._filled(1, of=2)
            yield self._filled(2, of=2)
        else:
            yield self._unfilled(OrderCancelledEvent if fate == "cancelled" else OrderExpiredEvent)

    def _later(self) -> datetime:
        self._now += timedelta(microseconds=self._random.randint(500, 2_000_000))
        return self._now

    def _submitted(self) -> OrderSubmittedEvent:
        return OrderSubmittedEvent(
            exchange=self._market.exchange,
            symbol=self._market.symbol,
            order_id=self._order_id,
            client_order_id=self._client_order_id,
            side=self._side,
            order_type="limit",
            quantity=self._quantity,
            price=self._price,
            strategy_id=_STRATEGY,
            timestamp=self._now,
        )

    def _rejected(self) -> OrderRejectedEvent:
        return OrderRejectedEvent(
            exchange=self._market.exchange,
            symbol=self._market.symbol,
            order_id=self._order_id,
            client_order_id=self._client_order_id,
            reason="insufficient margin",
            timestamp=self._later(),
        )

    def _accepted(self) -> OrderAcceptedEvent:
        return OrderAcceptedEvent(
            exchange=self._market.exchange,
            symbol=self._market.symbol,
            order_id=self._order_id,
            client_order_id=self._client_order_id,
            venue_order_id=self._venue_order_id,
            timestamp=self._later(),
        )

    def _filled(self, part: int, *, of: int) -> OrderFilledEvent:
        quantity = self._quantity / of
        return OrderFilledEvent(
            exchange=self._market.exchange,
            symbol=self._market.symbol,
            order_id=self._order_id,
            client_order_id=self._client_order_id,
            venue_order_id=self._venue_order_id,
            fill_id=f"{self._venue_order_id}-{part}",
            side=self._side,
            price=self._price,
            quantity=quantity,
            order_quantity=self._quantity,
            cumulative_quantity=part * quantity,
            remaining_quantity=self._quantity - part * quantity,
            fee=quantity * self._price * _FEE_RATE,
            fee_currency=self._market.symbol.partition("/")[2] or "USD",
            liquidity="maker",
            strategy_id=_STRATEGY,
            timestamp=self._later(),
        )

    def _unfilled(self, kind: type[OrderCancelledEvent | OrderExpiredEvent]) -> BaseEvent:
        return kind(
            exchange=self._market.exchange,
            symbol=self._market.symbol,
            order_id=self._order_id,
            client_order_id=self._client_order_id,
            venue_order_id=self._venue_order_id,
            cumulative_quantity=Decimal(0),
            remaining_quantity=self._quantity,
            timestamp=self._later(),
        )
