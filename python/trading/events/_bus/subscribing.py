"""Entering and ending subscriptions."""

import sys
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from trading.events._bus.argument_checks import check_handler, check_int, check_plain
from trading.events._bus.closing import ClosingBus
from trading.events._bus.unknown_topics import check_event_type
from trading.events._core import to_utc
from trading.events.base import BaseEvent
from trading.events.bus import DEFAULT_CAPACITY, Delivery, Filter, GapCallback, Overflow, Start
from trading.events.errors import BusClosedError, NoHistoryError
from trading.events.stream import StreamReader

if TYPE_CHECKING:
    import asyncio


def name_of_handler(handler: Any) -> str:
    """The name of a subscription that was given none."""
    if isinstance(handler, partial):
        return name_of_handler(handler.func)
    owner = getattr(handler, "__self__", None)
    if isinstance(owner, StreamReader):
        return owner.name
    own_name = getattr(handler, "__qualname__", None)
    return own_name if isinstance(own_name, str) else type(handler).__qualname__


class SubscribingBus(ClosingBus):
    """A native bus that checks what it is given for a subscription. Buses with a server override the steps."""

    __slots__ = ("_strict_topics",)

    _strict_topics: bool

    def _add(
        self,
        event_type: str | type[BaseEvent],
        handler: Callable[[Any], object],
        condition: Filter[Any] | None,
        *,
        capacity: int = DEFAULT_CAPACITY,
        overflow: Overflow = "block",
        delivery: Delivery = "queued",
        on_gap: GapCallback | None = None,
        name: str | None = None,
        start: Start = "new",
        held: bool = False,
    ) -> str:
        check_handler(handler, is_inline=delivery == "inline")
        if condition is not None:
            check_plain(condition, "filter")
        if on_gap is not None:
            check_handler(on_gap, "on_gap")
        check_int(capacity, "capacity", at_least=1, at_most=sys.maxsize)
        if self._phase != "open":
            raise BusClosedError(f"{self.name} is closed and takes no new subscriptions")
        check_event_type(event_type, is_strict=self._strict_topics)
        begin = self._check_start(start)
        if self._watchdog is not None:
            self._watchdog.start()
        name = name or name_of_handler(handler)
        adapted, condition, applied = self._adapt(handler, condition, overflow, delivery=delivery, name=name)
        sid = self._subscribe(
            event_type,
            adapted,
            condition,
            capacity=capacity,
            overflow=applied,
            delivery=delivery,
            on_gap=on_gap,
            name=name,
            start=begin,
            held=held,
        )
        self._catch_ups.note(sid, handler)
        return sid

    def _check_start(self, start: Start) -> str | datetime | None:
        begin = to_utc(start) if isinstance(start, datetime) else start
        if begin not in {"new", "last_per_topic", "history"} and not isinstance(begin, datetime):
            raise ValueError(f"start is {start!r}; it may be 'new', 'last_per_topic', 'history' or a datetime")
        if begin == "new":
            return None
        if self._history is None:
            raise NoHistoryError(
                f"{self.name} keeps no earlier events to start from; make it with InMemoryEventBus(history=...), "
                "or name a store"
            )
        return begin

    def _adapt(
        self,
        handler: Callable[[Any], object],
        condition: Filter[Any] | None,
        overflow: str,
        *,
        delivery: str,  # noqa: ARG002 - for those who override it, as is the name
        name: str | None,  # noqa: ARG002 - as above
    ) -> tuple[Callable[[Any], object], Filter[Any] | None, str]:
        """For buses that have something of their own to do around a handler."""
        return handler, condition, overflow

    async def _wait_subscribed(self, sid: str) -> None:
        """For buses that have somebody else to tell of a new subscription."""

    def _end_subscription(self, sid: str, *, drain: bool) -> "asyncio.Future[None] | None":
        ending = self._unsubscribe(sid, drain=drain)
        self._catch_ups.end(self, sid)
        return ending
