"""The system about itself: its connections, its errors, and that it is alive.

`exchange` and `symbol` stay None, unless the event is about one venue or one instrument.
"""

import traceback as tracebacks
from typing import TYPE_CHECKING, Annotated, Literal, Self, Unpack

from pydantic import Field

from trading.events.base import BaseEvent, Count, NonEmptyStr

if TYPE_CHECKING:
    from trading.events.arguments import ConnectionEventArguments, ErrorEventArguments, HeartbeatEventArguments

PositiveSeconds = Annotated[float, Field(strict=True, gt=0)]
"""A span of time in seconds: finite, above zero."""


class SystemEvent(BaseEvent):
    """Something about the system itself. Abstract."""

    component: NonEmptyStr
    """The part of the system that it is about, such as `binance-feed`."""


class ConnectionEvent(SystemEvent):
    """A connection was made or lost, or is being made anew."""

    event_type: Literal["connection"] = "connection"
    """Always `connection`."""

    status: Literal["connecting", "connected", "disconnected", "reconnecting"]
    """State of the connection."""

    endpoint: NonEmptyStr | None = None
    """Address that it leads to, such as a URL without its password, or None where the component has only one."""

    reason: NonEmptyStr | None = None
    """The reason for the change, or None where nobody gives one."""

    attempt: Count | None = None
    """Number of the attempt to connect, counted from 1, or None where it is not counted."""

    missed_count: Count | None = None
    """Number of events known to be missed while it was down, or None where unknown."""

    if TYPE_CHECKING:

        def __init__(self, **arguments: Unpack[ConnectionEventArguments]) -> None: ...


class ErrorEvent(SystemEvent):
    """Something failed. A bus publishes one whenever a handler or a filter raises."""

    event_type: Literal["error"] = "error"
    """Always `error`."""

    error_type: NonEmptyStr
    """Name of the exception's class, with its module unless that is built in."""

    message: str
    """Message of the exception; may be empty."""

    traceback: NonEmptyStr | None = None
    """The traceback as Python prints it, or None where there is none."""

    failed_event_id: NonEmptyStr | None = None
    """`event_id` of the event that was being handled, or None where there was none."""

    failed_topic: NonEmptyStr | None = None
    """Topic of the event that was being handled, or None where there was none."""

    subscription_id: NonEmptyStr | None = None
    """The subscription whose handler or filter failed, or None where there was none."""

    subscription_name: NonEmptyStr | None = None
    """Name that the subscriber gave the subscription, or None where it gave none."""

    if TYPE_CHECKING:

        def __init__(self, **arguments: Unpack[ErrorEventArguments]) -> None: ...

    @classmethod
    def from_exception(
        cls,
        error: BaseException,
        *,
        component: str,
        event: BaseEvent | None = None,
        subscription_id: str | None = None,
        subscription_name: str | None = None,
    ) -> Self:
        """Tells of an exception. Takes any, also one whose text is no valid Unicode or cannot be made.

        Args:
            error: The exception, with its traceback if it was raised.
            component: Where it was caught.
            event: The event that was being handled; its exchange and symbol become those of the error.
            subscription_id: The subscription whose handler or filter failed.
            subscription_name: Name of that subscription.
        """
        return cls(
            component=component,
            exchange=None if event is None else event.exchange,
            symbol=None if event is None else event.symbol,
            error_type=_class_name(type(error)),
            message=_message(error),
            traceback=_valid_unicode("".join(tracebacks.format_exception(error))),
            failed_event_id=None if event is None else event.event_id,
            failed_topic=None if event is None else event.topic,
            subscription_id=subscription_id,
            subscription_name=subscription_name,
        )


class HeartbeatEvent(SystemEvent):
    """A component is alive."""

    event_type: Literal["heartbeat"] = "heartbeat"
    """Always `heartbeat`."""

    sequence: Count
    """Running number of the heartbeat; a gap is a missed one."""

    interval_s: PositiveSeconds | None = None
    """Seconds until the next is due, or None where they keep no rhythm."""

    if TYPE_CHECKING:

        def __init__(self, **arguments: Unpack[HeartbeatEventArguments]) -> None: ...


def _class_name(cls: type[BaseException]) -> str:
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"


def _message(error: BaseException) -> str:
    try:
        return _valid_unicode(str(error))
    except Exception as wrong:  # noqa: BLE001 - whatever the exception's own __str__ raises
        return f"<its text raises {_class_name(type(wrong))}>"


def _valid_unicode(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
