"""Recorded events: kept by a ParquetEventWriter, found again and replayed by an EventReader."""

import importlib
from typing import TYPE_CHECKING, Any

from trading.events.persistence.base import EventWriter, IEventReader, IEventWriter
from trading.events.persistence.parquet.journal.journal import Recovery
from trading.events.persistence.parquet.reading.stored_file import StoredFile
from trading.events.persistence.parquet.sealing.quarantine import SetApart
from trading.events.persistence.parquet.sealing.rotation import RotationPolicy
from trading.events.persistence.parquet.upkeep.compaction import Compaction, compact
from trading.events.persistence.parquet.upkeep.retention import remove_days
from trading.events.persistence.parquet.upkeep.verification import Fault, verify
from trading.events.persistence.parquet_writer import Durability, ParquetEventWriter
from trading.events.persistence.reader import EventReader
from trading.events.persistence.replay.clock import ReplayClock
from trading.events.persistence.replay.event_range import EventChunks, EventRange
from trading.events.persistence.replay.replay import Publisher, Replay
from trading.events.persistence.replay.report import ReplayReport
from trading.events.persistence.selection import Criteria, Selection
from trading.events.persistence.sending.delivery import RefusedEvent
from trading.events.persistence.sending.policy import SendingPolicy
from trading.events.persistence.topics import StoredTopic

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
    "InfluxBucket",
    "InfluxDatabase",
    "InfluxEventWriter",
    "ParquetEventWriter",
    "Publisher",
    "Recovery",
    "RefusedEvent",
    "Replay",
    "ReplayClock",
    "ReplayReport",
    "RotationPolicy",
    "Selection",
    "SendingPolicy",
    "SetApart",
    "StoredFile",
    "StoredTopic",
    "compact",
    "remove_days",
    "verify",
]

if TYPE_CHECKING:
    from trading.events.persistence.arctic.reader import ArcticEventReader as ArcticEventReader
    from trading.events.persistence.arctic.writer import ArcticEventWriter as ArcticEventWriter
    from trading.events.persistence.influx_writer import InfluxBucket, InfluxDatabase, InfluxEventWriter

_ON_DEMAND = {
    "ArcticEventReader": "arctic.reader",
    "ArcticEventWriter": "arctic.writer",
    "InfluxBucket": "influx_writer",
    "InfluxDatabase": "influx_writer",
    "InfluxEventWriter": "influx_writer",
}
"""Names that are imported on demand, and their modules. Those that need an extra are not in `__all__`."""


def __getattr__(name: str) -> Any:
    """Imports a name of `_ON_DEMAND` when it is first asked for."""
    module = _ON_DEMAND.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{module}"), name)
