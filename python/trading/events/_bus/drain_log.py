"""Says in the log what a bus waits for that takes long to drain."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

from trading.events.statistics import SubscriptionStatistics

_LOGGER = logging.getLogger("trading.events")

_MOST_NAMED = 8
"""So many subscriptions are named in a line, those with the most events."""


class DrainLog:
    """While it is entered, a warning says what is left: after `FIRST_S`, and every `AGAIN_S` from then on.

    Args:
        name: The bus's name.
        what: What takes so long, such as "closing".
        left: Says what is left, a phrase for each thing.
        published: Says how many events the bus has ever accepted.
    """

    FIRST_S = 2.0
    """Longer than draining takes where nothing is wrong."""

    AGAIN_S = 10.0
    """Often enough to see whether it gets less."""

    def __init__(
        self, name: str, what: str, *, left: Callable[[], Iterable[str]], published: Callable[[], int]
    ) -> None:
        self._name = name
        self._what = what
        self._left = left
        self._count_published = published
        self._begun_s = 0.0
        self._published = 0
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._begun_s, self._published = loop.time(), self._count_published()
        self._timer = loop.call_later(self.FIRST_S, self._tell)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _tell(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self.AGAIN_S, self._tell)
        left = "; ".join(self._left()) or "nothing that it knows of"
        published = self._count_published() - self._published
        if published:
            left = f"{left} ({published} events were published meanwhile)"
        _LOGGER.warning(
            "%s: %s has taken %.1f s so far, and waits for %s",
            self._name,
            self._what,
            loop.time() - self._begun_s,
            left,
        )


def subscriptions_left(
    accounts: Iterable[SubscriptionStatistics], in_handlers: Iterable[tuple[str, str, int]], only: str | None = None
) -> list[str]:
    """Names the subscriptions, or one of them, that have events or run a handler, and says how many events."""
    running = {sid: (name, 0) for sid, name, _ in in_handlers}
    waiting = {account.sid: (account.name, account.queued) for account in accounts if account.waiting}
    found = sorted((running | waiting).items(), key=lambda item: -item[1][1])
    lines = [_line(sid, name, queued, sid in running) for sid, (name, queued) in found if only in {None, sid}]
    rest = len(lines) - _MOST_NAMED
    return lines if rest <= 0 else [*lines[:_MOST_NAMED], f"{rest} more subscriptions"]


def _line(sid: str, name: str, queued: int, is_running: bool) -> str:  # noqa: FBT001 - private
    whom = sid if name == sid else f"{name} ({sid})"
    parts = ([f"{queued} waiting"] if queued else []) + (["one in its handler"] if is_running else [])
    return f"subscription {whom}: {' and '.join(parts) or 'one on its way'}"
