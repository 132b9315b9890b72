"""Recorded events: written by a ParquetEventWriter, found again and replayed by an EventReader."""

from trading.events.persistence.base import EventWriter, IEventWriter
from trading.events.persistence.parquet_writer import ParquetEventWriter
from trading.events.persistence.reader import EventRange, EventReader, StoredFile, StoredTopic
from trading.events.persistence.replay import Publisher, Replay
from trading.events.persistence.rotation import RotationPolicy

__all__ = [
    "EventRange",
    "EventReader",
    "EventWriter",
    "IEventWriter",
    "ParquetEventWriter",
    "Publisher",
    "Replay",
    "RotationPolicy",
    "StoredFile",
    "StoredTopic",
]
