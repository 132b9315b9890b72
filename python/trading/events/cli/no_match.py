"""A selection to which nothing in a store belongs: which of its names the store does not have."""

import sys
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path

from trading.events._models.suggestion import suggest
from trading.events.cli.arguments import EventRangeArguments
from trading.events.cli.formats import printable
from trading.events.cli.unreadable import gather_unreadable
from trading.events.persistence import EventReader, StoredTopic
from trading.events.persistence.parquet.sealing.quarantine import list_quarantined


def is_narrowed(chosen: EventRangeArguments) -> bool:
    """True if less is chosen than all that a store holds."""
    return any(value for name, value in chosen.items() if name not in {"invalid", "unknown"})


def tell_of_no_match(store: Path, chosen: EventRangeArguments) -> int:
    """Says on the standard error that nothing matches, and names what the store does not have.

    Returns:
        The exit code: 1 where a name was given that the store does not have, else 0.
    """
    with gather_unreadable():
        topics = EventReader(store, on_error="warn").topics()
        quarantined = list_quarantined(store)
    unknown = list(
        _unknown_names(topics, chosen, quarantined={each.event_type for each in quarantined if each.event_type})
    )
    for line in unknown or ["nothing matches"]:
        print(f"trading-events: {printable(line)}", file=sys.stderr)
    return 1 if unknown else 0


def _unknown_names(topics: list[StoredTopic], chosen: EventRangeArguments, *, quarantined: set[str]) -> Iterator[str]:
    for what, names, field in (
        ("event type", chosen["event_type"], "event_type"),
        ("exchange", chosen["exchange"], "exchange"),
        ("symbol", chosen["symbol"], "symbol"),
    ):
        stored: set[str] = set(filter(None, map(attrgetter(field), topics)))
        stored |= quarantined if field == "event_type" else set()
        for name in names or ():
            if name not in stored:
                yield f"nothing matches: the store has no {what} {name!r}{suggest(name, stored)}"
