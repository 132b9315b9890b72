"""A portfolio as a whole: its value, and the limits on its risk.

`exchange` and `symbol` stay None, unless the event is about the portfolio's part on one venue or in one instrument.
"""

from typing import TYPE_CHECKING, Literal, Unpack

from trading.events.base import Amount, BaseEvent, NonEmptyStr

if TYPE_CHECKING:
    from trading.events.arguments import PortfolioValueEventArguments, RiskLimitEventArguments


class PortfolioEvent(BaseEvent):
    """Something about a portfolio. Abstract."""

    portfolio_id: NonEmptyStr
    """Identity of the portfolio in this system."""


class PortfolioValueEvent(PortfolioEvent):
    """Value of a portfolio. All amounts are in `currency`."""

    event_type: Literal["portfolio_value"] = "portfolio_value"
    """Always `portfolio_value`."""

    currency: NonEmptyStr
    """The currency of all amounts here, such as USDT."""

    total_value: Amount
    """Worth of all there is, cash and positions; negative when more is owed than owned."""

    cash: Amount
    """Money held; negative when borrowed."""

    positions_value: Amount
    """Worth of the open positions; negative when more is short than long."""

    unrealized_pnl: Amount | None = None
    """Profit, or loss if negative, of the open positions, or None where not reckoned."""

    realized_pnl: Amount | None = None
    """Profit, or loss if negative, of what has been closed so far, or None where not reckoned."""

    if TYPE_CHECKING:

        def __init__(self, **arguments: Unpack[PortfolioValueEventArguments]) -> None: ...


class RiskLimitEvent(PortfolioEvent):
    """A risk limit is near, broken, or kept again."""

    event_type: Literal["risk_limit"] = "risk_limit"
    """Always `risk_limit`."""

    limit_name: NonEmptyStr
    """Name of the limit, such as `max_drawdown` or `min_cash`."""

    status: Literal["normal", "warning", "breached"]
    """State of the limit: kept, near, or broken."""

    limit_value: Amount
    """The bound, in `unit`."""

    current_value: Amount
    """Current value of what it bounds, in `unit`."""

    unit: NonEmptyStr | None = None
    """Unit of both values, such as USDT or %, or None for a plain number."""

    reason: NonEmptyStr | None = None
    """Description of what happened, or None where there is nothing to add."""

    if TYPE_CHECKING:

        def __init__(self, **arguments: Unpack[RiskLimitEventArguments]) -> None: ...
