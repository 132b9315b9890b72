"""A bus as the feed of a writer, whose own `write_event` is the handler of a subscription."""

import logging
from collections.abc import Callable, Coroutine
from typing import Any
from weakref import WeakMethod

from trading.events.errors import ReentrancyError, ServerError, WrongLoopError

Drain = Callable[[str], Coroutine[Any, Any, None]]
"""Has a bus drained for the writer that a subscription records with."""

_LOGGER = logging.getLogger("trading.events")


class WriterFeed:
    """Has a bus drained before a writer that records there is closed.

    Args:
        name: The bus's name.
        drain: A method of the bus, which is not kept alive.
        sid: The subscription that records.
    """

    def __init__(self, name: str, drain: Drain, sid: str) -> None:
        self._name = name
        self._drain = WeakMethod(drain)
        self._sid = sid

    async def drained(self) -> None:
        """Returns when the bus has handled all that it has accepted, or, with a warning, where it cannot be drained."""
        drain = self._drain()
        if drain is None:
            return
        try:
            await drain(self._sid)
        except TimeoutError:
            self._warn("this has taken longer than its close_timeout_s")
        except ReentrancyError:
            self._warn("the writer is closed in a handler, which would wait for itself")
        except WrongLoopError:
            self._warn("it belongs to another event loop")
        except ServerError as error:
            self._warn(str(error))

    def _warn(self, why: str) -> None:
        _LOGGER.warning(
            "%s: a writer that records here is closed before the bus has been drained: %s. What the bus hands over "
            "later is not recorded: close the bus first, by entering the writer before it",
            self._name,
            why,
        )


def note_feed(handler: Callable[[Any], object], feed: WriterFeed) -> None:
    """Tells the writer of a new subscription, if it is a writer's own method, of the bus that feeds it."""
    tell: Any = getattr(getattr(handler, "__self__", None), "note_feed", None)
    if getattr(handler, "__name__", None) == "write_event" and callable(tell):
        tell(feed)
