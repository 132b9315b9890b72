"""A fingerprint of an event: two events have the same one if all that they say is the same."""

import hashlib

from trading.events.base import BaseEvent


def fingerprint(event: BaseEvent) -> str:
    """The event's type and the SHA-256 of its JSON, which holds every field exactly: decimals digit by digit."""
    return f"{event.event_type} {hashlib.sha256(event.model_dump_json().encode()).hexdigest()}"
