"""Reports of an exception out of a handler, a filter, a gap callback or a store."""

import logging
from collections.abc import Callable
from types import CoroutineType

from trading.events._core import to_await
from trading.events.base import BaseEvent
from trading.events.bus import HandlerFailure
from trading.events.errors import HandlerTypeError
from trading.events.system import ErrorEvent

_LOGGER = logging.getLogger("trading.events")


def report_failure(
    failure: HandlerFailure,
    *,
    component: str,
    on_error: Callable[[HandlerFailure], object] | None,
    publish: Callable[[BaseEvent], object],
) -> None:
    """Tells of an exception by the log, `on_error` and an ErrorEvent. A way that fails stops no other."""
    event, error, phase, name = failure.event, failure.error, failure.phase, failure.subscription
    try:
        where = {"on_gap": "a gap", "store": "recorded events"}.get(phase, "") if event is None else event.topic
        _LOGGER.error("%s: the %s of subscription %s failed on %s", component, phase, name, where, exc_info=error)
    except Exception:
        _LOGGER.exception("%s: the %s of subscription %s failed with %r", component, phase, name, type(error))
    if on_error is not None:
        try:
            _check_told(on_error, on_error(failure))
        except Exception:
            _LOGGER.exception("%s: on_error itself failed", component)
    if isinstance(event, ErrorEvent):
        return
    try:
        publish(_describe(failure, component))
    except Exception:
        _LOGGER.exception("%s: the ErrorEvent of this failure reached nobody", component)


def _check_told(on_error: Callable[[HandlerFailure], object], answer: object) -> None:
    """Refuses an answer that would have to be run first. A task or a future runs by itself."""
    if answer is not None and isinstance(steps := to_await(on_error, answer), CoroutineType):
        steps.close()
        raise HandlerTypeError(f"{on_error} is asynchronous; on_error is a plain function, which may start a task")


def _describe(failure: HandlerFailure, component: str) -> ErrorEvent:
    error, sid, name = failure.error, failure.sid, failure.subscription
    try:
        return ErrorEvent.from_exception(
            error, component=component, event=failure.event, subscription_id=sid, subscription_name=name
        )
    except ValueError:  # an event that was made past its model's checks
        return ErrorEvent.from_exception(error, component=component, subscription_id=sid, subscription_name=name)
