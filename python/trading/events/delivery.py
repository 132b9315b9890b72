"""Questions that a handler may ask about how its event came to it."""

from contextvars import ContextVar

REDELIVERED: ContextVar[bool] = ContextVar("trading.events.redelivered", default=False)
"""Set around a handler by buses that deliver at least once."""


def is_redelivered() -> bool:
    """True if the event that is being handled may have been handled before, by a consumer that did not acknowledge it.

    Only over streams with a group can this be true.
    """
    return REDELIVERED.get()
