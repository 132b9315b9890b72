"""A handler that keeps positions out of fills, and publishes what becomes of them back on the bus."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from trading.events.bus import IEventBus
from trading.events.order import OrderFilledEvent
from trading.events.position import (
    PositionClosedEvent,
    PositionEvent,
    PositionModifiedEvent,
    PositionOpenedEvent,
    PositionSide,
)

_CENT_OF_A_CENT = Decimal("0.00000001")


@dataclass
class _Position:
    position_id: str
    exchange: str
    symbol: str
    side: PositionSide
    open_time: datetime
    quantity: Decimal
    entry_price: Decimal
    closed: Decimal = Decimal(0)
    proceeds: Decimal = Decimal(0)
    entry_cost: Decimal = Decimal(0)

    @property
    def realized_pnl(self) -> Decimal:
        gain = self.proceeds - self.entry_cost
        return gain if self.side == "long" else -gain

    def add(self, quantity: Decimal, price: Decimal) -> None:
        cost = self.quantity * self.entry_price + quantity * price
        self.quantity += quantity
        self.entry_price = _rounded(cost / self.quantity)

    def reduce(self, quantity: Decimal, price: Decimal) -> None:
        self.quantity -= quantity
        self.closed += quantity
        self.proceeds += quantity * price
        self.entry_cost += quantity * self.entry_price

    def opened(self) -> PositionOpenedEvent:
        return PositionOpenedEvent(
            position_id=self.position_id,
            exchange=self.exchange,
            symbol=self.symbol,
            side=self.side,
            quantity=self.quantity,
            entry_price=self.entry_price,
            timestamp=self.open_time,
        )

    def modified(self, price: Decimal, at: datetime) -> PositionModifiedEvent:
        gain = (price - self.entry_price) * self.quantity
        return PositionModifiedEvent(
            position_id=self.position_id,
            exchange=self.exchange,
            symbol=self.symbol,
            side=self.side,
            quantity=self.quantity,
            entry_price=self.entry_price,
            current_price=price,
            unrealized_pnl=_rounded(gain if self.side == "long" else -gain),
            realized_pnl=_rounded(self.realized_pnl),
            timestamp=at,
        )

    def finished(self, at: datetime) -> PositionClosedEvent:
        return PositionClosedEvent(
            position_id=self.position_id,
            exchange=self.exchange,
            symbol=self.symbol,
            side=self.side,
            quantity=self.closed,
            entry_price=_rounded(self.entry_cost / self.closed),
            exit_price=_rounded(self.proceeds / self.closed),
            realized_pnl=_rounded(self.realized_pnl),
            open_time=self.open_time,
            close_time=at,
            timestamp=at,
        )


class PositionKeeper:
    """Keeps one position an instrument: fills on its side make it larger, others smaller, and too many turn it round.

    Args:
        bus: Where the events of positions are published.
    """

    def __init__(self, bus: IEventBus) -> None:
        self._bus = bus
        self._positions: dict[tuple[str, str], _Position] = {}
        self._numbers = 0
        self.count = 0
        """Events published so far."""

    async def handle(self, fill: OrderFilledEvent) -> None:
        """Takes a fill."""
        side: PositionSide = "long" if fill.side == "buy" else "short"
        position = self._positions.get((fill.exchange, fill.symbol))
        if position is None:
            await self._open(fill, side, quantity=fill.quantity)
        elif position.side == side:
            position.add(fill.quantity, fill.price)
            await self._publish(position.modified(fill.price, fill.timestamp))
        else:
            await self._reduce(position, fill, side)

    async def _open(self, fill: OrderFilledEvent, side: PositionSide, *, quantity: Decimal) -> None:
        self._numbers += 1
        position = _Position(
            f"position-{self._numbers}", fill.exchange, fill.symbol, side, fill.timestamp, quantity, fill.price
        )
        self._positions[fill.exchange, fill.symbol] = position
        await self._publish(position.opened())

    async def _reduce(self, position: _Position, fill: OrderFilledEvent, side: PositionSide) -> None:
        closing = min(fill.quantity, position.quantity)
        position.reduce(closing, fill.price)
        if position.quantity:
            await self._publish(position.modified(fill.price, fill.timestamp))
            return
        del self._positions[fill.exchange, fill.symbol]
        await self._publish(position.finished(fill.timestamp))
        if fill.quantity > closing:
            await self._open(fill, side, quantity=fill.quantity - closing)

    async def _publish(self, event: PositionEvent) -> None:
        self.count += 1
        await self._bus.publish(event)


def _rounded(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT_OF_A_CENT)
