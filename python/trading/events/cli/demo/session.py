"""A simulated trading session: every kind of event, from several venues, the same for the same seed but for ids."""

import heapq
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from random import Random
from typing import Literal

from trading.events.base import BaseEvent
from trading.events.cli.demo.market import Market, simulated_markets
from trading.events.cli.demo.order_flow import OrderFlow
from trading.events.portfolio import PortfolioValueEvent, RiskLimitEvent
from trading.events.system import ConnectionEvent, ErrorEvent, HeartbeatEvent

OPENING = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
"""Time at which the session begins, in simulated time."""

ConnectionStatus = Literal["connected", "disconnected"]
"""The states of a feed that happen in the session."""

_STEP_US = 36_000
_TIED_SHARE = 0.1
_CHOICES = ("tick", "quote", "trade", "book", "order")
_WEIGHTS = (33, 28, 28, 8, 3)
_SNAPSHOT_SHARE = 0.05
_HEARTBEAT = timedelta(seconds=5)
_VALUATION = timedelta(seconds=10)
_CAPITAL = Decimal(1_000_000)
_LIMIT = Decimal(250_000)


class Session:
    """The events that venues, a strategy, a portfolio and the system itself send, in the order of their time.

    Some have the same time, as they do in life. Bars and positions are not among them: the handlers make those.

    Args:
        seed: Where chance begins.
        count: How many events there are.
    """

    def __init__(self, seed: int, event_count: int) -> None:
        self._random = Random(seed)  # noqa: S311 - a simulation, repeatable by intent
        self._event_count = event_count
        self._now = OPENING
        self._markets = simulated_markets()
        self._orders = OrderFlow(self._random)
        self._later: list[tuple[datetime, int, BaseEvent, Iterator[BaseEvent]]] = []
        self._tie_breaker = count()

    def events(self) -> Iterator[BaseEvent]:
        """The events, one by one."""
        for kind in (self._connections, self._heartbeats, self._valuations):
            self._schedule(kind())
        for _ in range(self._event_count):
            if self._later and self._later[0][0] <= self._now:
                yield self._next_scheduled()
            else:
                yield self._next_of_market()
                if self._random.random() >= _TIED_SHARE:
                    self._now += timedelta(microseconds=self._random.randint(1, _STEP_US))

    def _schedule(self, events: Iterator[BaseEvent]) -> None:
        event = next(events, None)
        if event is not None:
            heapq.heappush(self._later, (event.timestamp, next(self._tie_breaker), event, events))

    def _next_scheduled(self) -> BaseEvent:
        _, _, event, rest = heapq.heappop(self._later)
        self._schedule(rest)
        return event

    def _next_of_market(self) -> BaseEvent:
        market = self._random.choice(self._markets)
        match self._random.choices(_CHOICES, _WEIGHTS)[0]:
            case "tick":
                return market.tick(self._random, self._now)
            case "quote":
                return market.quote(self._random, self._now)
            case "trade":
                return market.trade(self._random, self._now)
            case "book":
                return market.book(self._random, self._now, snapshot=self._random.random() < _SNAPSHOT_SHARE)
            case _:
                return self._new_order(market)

    def _new_order(self, market: Market) -> BaseEvent:
        events = self._orders.order(market, self._now)
        submitted = next(events)
        self._schedule(events)
        return submitted

    def _connections(self) -> Iterator[BaseEvent]:
        """Every feed comes up; later one of them goes down for three seconds."""
        for market in self._markets:
            yield _connection(market, OPENING, "connected")
        market = self._random.choice(self._markets)
        lost = OPENING + timedelta(minutes=2)
        yield _connection(market, lost, "disconnected", reason="connection reset by peer")
        yield ErrorEvent(
            component=f"{market.exchange}-feed",
            exchange=market.exchange,
            error_type="ConnectionResetError",
            message="the venue closed the connection",
            timestamp=lost,
        )
        yield _connection(market, lost + timedelta(seconds=3), "connected")

    def _heartbeats(self) -> Iterator[BaseEvent]:
        for number in count():
            yield HeartbeatEvent(
                component="demo",
                sequence=number,
                interval_s=_HEARTBEAT.total_seconds(),
                timestamp=OPENING + number * _HEARTBEAT,
            )

    def _valuations(self) -> Iterator[BaseEvent]:
        """The portfolio's worth, and a risk limit that is near it now and then."""
        for number in count(1):
            now = OPENING + number * _VALUATION
            in_positions = Decimal(self._random.randint(0, 30_000_000)) / 100
            yield PortfolioValueEvent(
                portfolio_id="main",
                currency="USDT",
                total_value=_CAPITAL,
                cash=_CAPITAL - in_positions,
                positions_value=in_positions,
                timestamp=now,
            )
            if in_positions > _LIMIT:
                yield RiskLimitEvent(
                    portfolio_id="main",
                    limit_name="max_positions_value",
                    status="breached",
                    limit_value=_LIMIT,
                    current_value=in_positions,
                    unit="USDT",
                    timestamp=now,
                )


def _connection(
    market: Market, at: datetime, status: ConnectionStatus, *, reason: str | None = None
) -> ConnectionEvent:
    return ConnectionEvent(
        component=f"{market.exchange}-feed", exchange=market.exchange, status=status, reason=reason, timestamp=at
    )
