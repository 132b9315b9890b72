"""Reports of a bus over a server: connections, gaps, frames that cannot be read, events that cannot be sent."""

import logging
from collections.abc import Callable
from typing import Any

from trading.events.base import BaseEvent
from trading.events.system import ConnectionEvent, ErrorEvent
from trading.events.transport.sequences import Missed

_LOGGER = logging.getLogger("trading.events")

Announce = Callable[..., None]
"""Told of the state of a connection: `announce(status, reason=..., attempt=...)`."""


class Reports:
    """Logs, counts, and publishes to the bus's own subscribers.

    Args:
        component: The bus's name.
        endpoint: The server, without its password.
        publish: Publishes an event of the bus's own.
        on_missed: The user's function, told of every gap.
    """

    def __init__(
        self,
        component: str,
        endpoint: str,
        publish: Callable[[BaseEvent], None],
        on_missed: Callable[[Missed], object] | None,
    ) -> None:
        self._component = component
        self._endpoint = endpoint
        self._publish = publish
        self._on_missed = on_missed
        self.on_refused: Callable[[BaseEvent, Exception], None] | None = None
        self.missed_count = 0
        self.undecodable_count = 0
        self.refused_count = 0

    def announce(self, role: str) -> Announce:
        """Returns what a connection of this role calls when its state changes."""

        def tell(status: Any, *, reason: str | None, attempt: int | None) -> None:
            level = logging.INFO if status == "connected" else logging.WARNING
            _LOGGER.log(level, "%s: %s connection to %s: %s", self._component, status, self._endpoint, reason or "")
            self._tell_connection(status, reason=reason, attempt=attempt, metadata={"role": role})

        return tell

    def missed(self, missed: Missed) -> None:
        """Events are known to be lost."""
        self.missed_count += missed.count
        reason = f"{missed.count} events of publisher {missed.publisher} on {missed.channel} were missed"
        _LOGGER.warning("%s: %s", self._component, reason)
        if self._on_missed is not None:
            try:
                self._on_missed(missed)
            except Exception:
                _LOGGER.exception("%s: on_missed itself failed", self._component)
        metadata = {"publisher": missed.publisher, "channel": missed.channel}
        self._tell_connection("connected", reason=reason, missed_count=missed.count, metadata=metadata)

    def notice(self, reason: str) -> None:
        """Something at the server is not as it was left."""
        _LOGGER.warning("%s: %s", self._component, reason)
        self._tell_connection("connected", reason=reason)

    def undecodable(self, channel: str, wrong: Exception) -> None:
        """A frame could not be read, or not all of it."""
        self.undecodable_count += 1
        _LOGGER.warning("%s: events of a frame on %.100s are skipped: %s", self._component, channel, wrong)
        self._tell_error(wrong)

    def refused(self, event: BaseEvent, wrong: Exception) -> None:
        """An event could not be sent."""
        self.refused_count += 1
        if self.on_refused is not None:
            self.on_refused(event, wrong)
        _LOGGER.error("%s: %s %s is not sent: %s", self._component, event.topic, event.event_id, wrong)
        self._tell_error(wrong)

    def _tell_connection(self, status: Any, **fields: Any) -> None:
        try:
            self._publish(ConnectionEvent(component=self._component, status=status, endpoint=self._endpoint, **fields))
        except Exception:
            _LOGGER.exception("%s: the ConnectionEvent of this reached nobody", self._component)

    def _tell_error(self, wrong: Exception) -> None:
        try:
            self._publish(ErrorEvent.from_exception(wrong, component=self._component))
        except Exception:
            _LOGGER.exception("%s: the ErrorEvent of this reached nobody", self._component)
