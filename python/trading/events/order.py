"""The life of an order: submitted, accepted or rejected, filled, cancelled or expired.

Prices are in the quote currency for one unit of the base; quantities in units of the base, or in contracts where the
venue counts so.
"""

from typing import TYPE_CHECKING, Literal, Self, Unpack

from pydantic import Field, model_validator

from trading.events._models.decimals import WIDE
from trading.events.base import (
    Amount,
    BaseEvent,
    Exchange,
    NonEmptyStr,
    PositiveQuantity,
    Quantity,
    Side,
    Symbol,
    UtcDatetime,
)

if TYPE_CHECKING:
    from trading.events.arguments import (
        OrderAcceptedEventArguments,
        OrderCancelledEventArguments,
        OrderExpiredEventArguments,
        OrderFilledEventArguments,
        OrderRejectedEventArguments,
        OrderSubmittedEventArguments,
    )

Liquidity = Literal["maker", "taker"]
"""Role of an order: it waited in the book (maker) or took what waited there (taker)."""


class OrderEvent(BaseEvent):
    """Something happened to an order of ours. Abstract."""

    exchange: Exchange = Field(...)
    """The venue that the order is for."""

    symbol: Symbol = Field(...)
    """The instrument's normalized name, such as BTC/USDT."""

    order_id: NonEmptyStr
    """Identity of the order in this system, the same in all its events."""

    client_order_id: NonEmptyStr | None = None
    """Identity that was sent to the venue, or None where it is not known."""


class OrderSubmittedEvent(OrderEvent):
    """An order was sent to its venue, which has not answered yet."""

    event_type: Literal["order_submitted"] = "order_submitted"
    """Always `order_submitted`."""

    client_order_id: NonEmptyStr = Field(...)
    """Identity that is sent to the venue, chosen by the sender."""

    side: Side
    """Side of the order: buy or sell."""

    order_type: NonEmptyStr
    """The kind of order, such as `market`, `limit` or `stop_limit`."""

    quantity: PositiveQuantity
    """Quantity to trade, above zero."""

    price: Amount | None = None
    """Limit price, or None where the kind of order has none."""

    strategy_id: NonEmptyStr | None = None
    """The strategy that wants it, or None where no strategy does."""

    if TYPE_CHECKING:

        def __init__(self, **arguments: Unpack[OrderSubmittedEventArguments]) -> None: ...


class OrderAcceptedEvent(OrderEvent):
    """The venue took the order."""

    event_type: Literal["order_accepted"] = "order_accepted"
    """Always `order_accepted`."""

    venue_order_id: NonEmptyStr
    """Identity that the venue gave the order."""

    exchange_timestamp: UtcDatetime | None = None
    """Time of acceptance by the venue's clock, or None where unknown."""

    if TYPE_CHECKING:

        def __init__(self, **arguments: Unpack[OrderAcceptedEventArguments]) -> None: ...


class OrderRejectedEvent(OrderEvent):
    """The order never came to the market: the venue, or a check before it, refused it."""

    event_type: Literal["order_rejected"] = "order_rejected"
    """Always `order_rejected`."""

    reason: NonEmptyStr
    """The reason, in the words of whoever refused it."""

    exchange_timestamp: UtcDatetime | None = None
    """Time of refusal by the venue's clock, or None where unknown or where the venue never saw the order."""

    if TYPE_CHECKING:

        def __init__(self, **arguments: Unpack[OrderRejectedEventArguments]) -> None: ...


class OrderCancelledEvent(OrderEvent):
    """The rest of the order was withdrawn, by its sender or by the venue."""

    event_type: Literal["order_cancelled"] = "order_cancelled"
    """Always `order_cancelled`."""

    venue_order_id: NonEmptyStr | None = None
    """Identity that the venue gave the order, or None where it is not known."""

    reason: NonEmptyStr | None = None
    """The reason, or None where nobody gives one."""

    cumulative_quantity: Quantity | None = None
    """Quantity filled before, or None where unknown."""

    remaining_quantity: Quantity | None = None
    """Quantity withdrawn unfilled, or None where unknown."""

    exchange_timestamp: UtcDatetime | None = None
    """Time of withdrawal by the venue's clock, or None where unknown."""

    if TYPE_CHECKING:

        def __init__(self, **arguments: Unpack[OrderCancelledEventArguments]) -> None: ...


class OrderExpiredEvent(OrderEvent):
    """The time of the order ran out before it was filled."""

    event_type: Literal["order_expired"] = "order_expired"
    """Always `order_expired`."""

    venue_order_id: NonEmptyStr | None = None
    """Identity that the venue gave the order, or None where it is not known."""

    cumulative_quantity: Quantity | None = None
    """Quantity filled before, or None where unknown."""

    remaining_quantity: Quantity | None = None
    """Quantity that expired unfilled, or None where unknown."""

    exchange_timestamp: UtcDatetime | None = None
    """Time of expiry by the venue's clock, or None where unknown."""

    if TYPE_CHECKING:

        def __init__(self, **arguments: Unpack[OrderExpiredEventArguments]) -> None: ...


class OrderFilledEvent(OrderEvent):
    """A part of the order, or all that was left of it, was executed."""

    event_type: Literal["order_filled"] = "order_filled"
    """Always `order_filled`."""

    venue_order_id: NonEmptyStr | None = None
    """Identity that the venue gave the order, or None where it is not known."""

    fill_id: NonEmptyStr
    """The venue's identity of this execution; no two fills of an order have the same."""

    side: Side
    """Side of the order: buy or sell."""

    price: Amount
    """Price of this fill."""

    quantity: PositiveQuantity
    """Quantity of this fill, above zero."""

    order_quantity: PositiveQuantity
    """Quantity of the whole order as it stands now."""

    cumulative_quantity: PositiveQuantity
    """Quantity filled so far, this fill included; at most `order_quantity`."""

    remaining_quantity: Quantity
    """Quantity still to be filled: exactly `order_quantity` less `cumulative_quantity`."""

    fee: Amount | None = None
    """Cost of this fill, in `fee_currency`; negative for a rebate; None where unknown."""

    fee_currency: NonEmptyStr | None = None
    """Currency of the fee; given whenever a fee is."""

    liquidity: Liquidity | None = None
    """Role of the order: it waited in the book (maker) or not (taker), or None where unknown."""

    strategy_id: NonEmptyStr | None = None
    """The strategy that wanted the order, or None where no strategy did."""

    exchange_timestamp: UtcDatetime | None = None
    """Time of execution by the venue's clock, or None where unknown."""

    if TYPE_CHECKING:

        def __init__(self, **arguments: Unpack[OrderFilledEventArguments]) -> None: ...

    @property
    def is_full(self) -> bool:
        """True if nothing of the order is left."""
        return not self.remaining_quantity

    @model_validator(mode="after")
    def _quantities_agree(self) -> Self:
        filled, order = self.cumulative_quantity, self.order_quantity
        if filled > order:
            raise ValueError(f"cumulative_quantity {filled} is above order_quantity {order}: filled above the order")
        if self.quantity > filled:
            raise ValueError(f"quantity {self.quantity} is above cumulative_quantity {filled}, which includes it")
        if WIDE.add(filled, self.remaining_quantity) != order:
            raise ValueError(
                f"cumulative_quantity {filled} and remaining_quantity {self.remaining_quantity} "
                f"do not add up to order_quantity {order}"
            )
        if self.fee is not None and self.fee_currency is None:
            raise ValueError(f"fee {self.fee} without its fee_currency")
        return self
