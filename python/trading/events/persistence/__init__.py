"""Recorded events: kept by a ParquetEventWriter, found again and replayed by an EventReader."""

from trading.events.persistence.base import EventWriter, IEventWriter
from trading.events.persistence.compaction import Compaction, compact
from trading.events.persistence.event_range import EventRange
from trading.events.persistence.journal import Recovery
from trading.events.persistence.parquet_writer import Durability, ParquetEventWriter
from trading.events.persistence.reader import EventReader
from trading.events.persistence.replay import Publisher, Replay
from trading.events.persistence.retention import remove_days
from trading.events.persistence.rotation import RotationPolicy
from trading.events.persistence.stored_file import StoredFile, StoredTopic
from trading.events.persistence.verification import Fault, verify

__all__ = [
    "Compaction",
    "Durability",
    "EventRange",
    "EventReader",
    "EventWriter",
    "Fault",
    "IEventWriter",
    "ParquetEventWriter",
    "Publisher",
    "Recovery",
    "Replay",
    "RotationPolicy",
    "StoredFile",
    "StoredTopic",
    "compact",
    "remove_days",
    "verify",
]
