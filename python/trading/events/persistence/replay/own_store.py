"""Refusal to record the events of a store into the same store again."""

from collections.abc import Hashable
from contextlib import closing
from typing import Any, cast

from trading.events.errors import ReplayIntoItselfError
from trading.events.persistence.replay.event_range import EventChunks


def refuse_own_store(store_id: Hashable, bus: object) -> None:
    """Refuses a bus on which a writer records into a store.

    Writers are told by the bus's `recorders`, and stores by their `store_id`.

    Raises:
        ReplayIntoItselfError: There is such a writer.
    """
    recorders: Any = getattr(bus, "recorders", None)
    writers = cast("list[object]", recorders) if isinstance(recorders, list) else []
    for writer in writers:
        if store_id is not None and store_id == getattr(writer, "store_id", None):
            raise ReplayIntoItselfError(
                f"{writer!r} records what is on {bus!r} into the store that is replayed there, so that each event "
                "would be in it twice: replay on another bus, unsubscribe the writer, or if it is meant, say "
                "into_itself=True"
            )


def refusing_own_store(chunks: EventChunks, store_id: Hashable, bus: object) -> EventChunks:
    """The same chunks, as long as no such writer records on the bus."""
    with closing(chunks):
        for chunk in chunks:
            refuse_own_store(store_id, bus)
            yield chunk
