"""The life of a position: opened, modified, closed.

Prices are in the quote currency for one unit of the base; quantities in units of the base, or in contracts; profit and
loss in the quote currency. Quantities are never negative: `side` tells long from short.
"""

from typing import TYPE_CHECKING, Literal, Self, Unpack

from pydantic import Field, model_validator

from trading.events.base import (
    Amount,
    BaseEvent,
    Exchange,
    NonEmptyStr,
    PositiveQuantity,
    Quantity,
    Symbol,
    UtcDatetime,
)

if TYPE_CHECKING:
    from trading.events.arguments import (
        PositionClosedEventArguments,
        PositionModifiedEventArguments,
        PositionOpenedEventArguments,
    )

PositionSide = Literal["long", "short"]
"""Direction: a position gains when the price rises (long) or falls (short)."""


class PositionEvent(BaseEvent):
    """Something happened to a position of ours. Abstract."""

    exchange: Exchange = Field(...)
    """The venue that the position is held on."""

    symbol: Symbol = Field(...)
    """The instrument's normalized name, such as BTC/USDT."""

    position_id: NonEmptyStr
    """Identity of the position in this system, the same in all its events."""

    side: PositionSide
    """Direction: it gains when the price rises (long) or falls (short)."""


class PositionOpenedEvent(PositionEvent):
    """A position came to be, at the event's `timestamp`."""

    event_type: Literal["position_opened"] = "position_opened"
    """Always `position_opened`."""

    quantity: PositiveQuantity
    """Quantity held, above zero."""

    entry_price: Amount
    """Average price paid or received for it."""

    if TYPE_CHECKING:

        def __init__(self, **arguments: Unpack[PositionOpenedEventArguments]) -> None: ...


class PositionModifiedEvent(PositionEvent):
    """A position has grown, shrunk, or been valued anew."""

    event_type: Literal["position_modified"] = "position_modified"
    """Always `position_modified`."""

    quantity: Quantity
    """Quantity held now."""

    entry_price: Amount
    """Average price paid or received for what is held."""

    current_price: Amount
    """Price at which it is valued now."""

    unrealized_pnl: Amount
    """Profit, or loss if negative, that closing all of it at `current_price` would bring."""

    realized_pnl: Amount
    """Profit, or loss if negative, of what has been closed so far."""

    if TYPE_CHECKING:

        def __init__(self, **arguments: Unpack[PositionModifiedEventArguments]) -> None: ...


class PositionClosedEvent(PositionEvent):
    """Nothing of a position is left."""

    event_type: Literal["position_closed"] = "position_closed"
    """Always `position_closed`."""

    quantity: PositiveQuantity
    """Quantity closed over the position's whole life, above zero."""

    entry_price: Amount
    """Average price at which that quantity was opened."""

    exit_price: Amount
    """Average price at which it was closed."""

    realized_pnl: Amount
    """Profit, or loss if negative, of the position's whole life."""

    open_time: UtcDatetime
    """Time at which the position was opened."""

    close_time: UtcDatetime
    """Time at which the last of it was closed."""

    if TYPE_CHECKING:

        def __init__(self, **arguments: Unpack[PositionClosedEventArguments]) -> None: ...

    @model_validator(mode="after")
    def _times_agree(self) -> Self:
        if self.close_time < self.open_time:
            raise ValueError(f"close_time {self.close_time} is before open_time {self.open_time}")
        return self
