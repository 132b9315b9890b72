"""Recorded events: kept by a ParquetEventWriter, found again and replayed by an EventReader."""

from trading.events.persistence.base import EventWriter, IEventReader, IEventWriter
from trading.events.persistence.compaction import Compaction, compact
from trading.events.persistence.event_range import EventChunks, EventRange
from trading.events.persistence.journal import Recovery
from trading.events.persistence.parquet_writer import Durability, ParquetEventWriter
from trading.events.persistence.reader import EventReader
from trading.events.persistence.replay import Publisher, Replay
from trading.events.persistence.replay_report import ReplayClock, ReplayReport
from trading.events.persistence.retention import remove_days
from trading.events.persistence.rotation import RotationPolicy
from trading.events.persistence.selection import Criteria, Selection
from trading.events.persistence.stored_file import StoredFile, StoredTopic
from trading.events.persistence.verification import Fault, verify

__all__ = [
    "Compaction",
    "Criteria",
    "Durability",
    "EventChunks",
    "EventRange",
    "EventReader",
    "EventWriter",
    "Fault",
    "IEventReader",
    "IEventWriter",
    "ParquetEventWriter",
    "Publisher",
    "Recovery",
    "Replay",
    "ReplayClock",
    "ReplayReport",
    "RotationPolicy",
    "Selection",
    "StoredFile",
    "StoredTopic",
    "compact",
    "remove_days",
    "verify",
]
