"""The files of a store, by their footers."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path

from trading.events._codec.micros import from_micros
from trading.events.persistence.parquet.reading.part import Part
from trading.events.persistence.topics import StoredTopic, topic_order


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file of a store.

    Attributes:
        path: The file.
        event_type: The event type of its events.
        exchange: Their exchange, or None.
        symbol: Their symbol, or None.
        rows: The number of its events.
        first: Least timestamp.
        last: Greatest timestamp.
        size_bytes: Its size on disk.
    """

    path: Path
    event_type: str
    exchange: str | None
    symbol: str | None
    rows: int
    first: datetime
    last: datetime
    size_bytes: int


def describe_part(part: Part) -> StoredFile:
    """A file that holds at least one row, by its footer.

    Raises:
        CorruptFileError: The footer cannot be read.
    """
    topic, groups = part.footer().topic, part.footer().groups
    return StoredFile(
        path=part.path,
        event_type=topic.event_type,
        exchange=topic.exchange,
        symbol=topic.symbol,
        rows=sum(group.rows for group in groups),
        first=from_micros(min(group.first for group in groups)),
        last=from_micros(max(group.last for group in groups)),
        size_bytes=part.size_bytes,
    )


def add_up(files: Iterable[StoredFile]) -> list[StoredTopic]:
    """The files by topic, sorted by event type, exchange and symbol; a missing name comes first."""
    return [_add_up(topic, list(group)) for topic, group in groupby(sorted(files, key=topic_order), key=_topic)]


def _topic(file: StoredFile) -> tuple[str, str | None, str | None]:
    return file.event_type, file.exchange, file.symbol


def _add_up(topic: tuple[str, str | None, str | None], files: list[StoredFile]) -> StoredTopic:
    return StoredTopic(
        *topic,
        files=len(files),
        rows=sum(file.rows for file in files),
        first=min(file.first for file in files),
        last=max(file.last for file in files),
        size_bytes=sum(file.size_bytes for file in files),
    )
