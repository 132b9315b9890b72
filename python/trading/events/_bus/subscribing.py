"""Entering and ending subscriptions."""

import sys
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from trading.events._bus.argument_checks import check_handler, check_int, check_plain
from trading.events._bus.catch_up import Recorder
from trading.events._bus.closing import ClosingBus
from trading.events._bus.hooks import NO_HOOKS, Subscriber, SubscriptionHooks
from trading.events._bus.unknown_topics import check_event_type
from trading.events._bus.writer_feed import WriterFeed, note_feed
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
    """A native bus that checks what it is given for a subscription."""

    __slots__ = ("_strict_topics",)

    _strict_topics: bool

    _hooks: SubscriptionHooks = NO_HOOKS
    """Called at each step of a subscription; a bus that is held by another has others."""

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
        hooks: SubscriptionHooks | None = None,
    ) -> str:
        hooks = self._hooks if hooks is None else hooks
        hooks.admit(has_store=held)
        check_handler(handler, is_inline=delivery == "inline")
        if condition is not None:
            check_plain(condition, "filter")
        if on_gap is not None:
            check_handler(on_gap, "on_gap")
        check_int(capacity, "capacity", at_least=1, at_most=sys.maxsize)
        if self._phase != "open":
            raise BusClosedError(f"{self.name} is closed and takes no new subscriptions")
        if not hooks.hears_unknown:
            check_event_type(event_type, is_strict=self._strict_topics)
        begin = self._check_start(start)
        if self._watchdog is not None:
            self._watchdog.start()
        name = name or name_of_handler(handler)
        adapted = hooks.adapt(Subscriber(handler, condition, overflow), delivery=delivery, name=name)
        sid = self._subscribe(
            event_type,
            adapted.handler,
            adapted.condition,
            capacity=capacity,
            overflow=adapted.overflow,
            delivery=delivery,
            on_gap=on_gap,
            name=name,
            start=begin,
            held=held,
        )
        self._catch_ups.note(sid, handler)
        note_feed(handler, WriterFeed(self.name, self._drain_for_writer, sid))
        hooks.added(sid, event_type, adapted.handler)
        return sid

    @property
    def recorders(self) -> list[Recorder]:
        """The writers whose own `write_event` is the handler of a subscription."""
        return self._catch_ups.writers

    async def _drain_for_writer(self, sid: str) -> None:
        """Waits until everything has been handled, before the writer of a subscription is closed."""
        raise NotImplementedError

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

    def _end_subscription(self, sid: str, *, drain: bool) -> "asyncio.Future[None] | None":
        ending = self._unsubscribe(sid, drain=drain)
        self._catch_ups.end(self, sid)
        return ending
