"""The golden files in tests/data/golden: one of each format that leaves the process, and the events in them.

`python -m tests.events.codec.golden FOLDER` writes them anew, which is called for only where a format gains a version.
"""

import asyncio
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgpack

from tests.support.classes.samples import SAMPLES, sample
from tests.support.places import DATA
from trading.events import BaseEvent, TradeEvent, UnknownEvent, _core, encode_batch, encode_event
from trading.events.persistence import ParquetEventWriter
from trading.events.persistence.encoding import encode_row
from trading.events.persistence.parquet.store.checked_text import replace_checked
from trading.events.persistence.parquet.store.import_notes import ImportNote, ImportSource, Run
from trading.events.persistence.parquet.store.manifest import Manifest, SealedFile, replace_manifest
from trading.events.transport.frame import FrameMaker

GOLDEN = DATA / "golden"
START = datetime(2024, 1, 1, tzinfo=UTC)
PUBLISHER = bytes(range(8))
SEGMENT = "00000000000000000007.segment"
FIRST_SEQ = 100
MANIFEST = Manifest(
    files=(
        SealedFile(
            name="trade_binance_BTCUSDT.parquet",
            size_bytes=6_000,
            crc32c=2**32 - 1,
            footer_crc32c=17,
            rows=2,
            first=1_704_067_200_000_000,
            last=1_704_067_201_000_000,
            first_seq=1,
            last_seq=2,
        ),
    ),
    sealed=((1, 3), (5, 5)),
)

IMPORT_NOTE = ImportNote(
    source=ImportSource(
        name="btcusdt-trades.csv",
        size_bytes=6_000,
        sha256="e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        kind={"event_type": "trade", "exchange": "binance", "symbol": "BTC/USDT"},
        options={"columns": {"price": "price"}, "time_unit": "auto", "header": None, "reading": 1},
    ),
    at=START,
    events=2_000,
    run=Run(first_seq=2_001),
)
NOTE = f"{IMPORT_NOTE.source.key}.json"


def golden_events() -> list[BaseEvent]:
    """A plain event of every class, and values that are hard to keep."""
    events = [
        sample(cls, event_id=f"{number:032x}", timestamp=START + timedelta(seconds=number))
        for number, cls in enumerate(SAMPLES, 1)
    ]
    hard = [
        {"price": "0.1000"},
        {"price": "-0"},
        {"price": "1E+40"},
        {"price": "123456789012345678901234567890.123456789012345678901"},
        {"event_id": "an id of one's own"},
        {"side": None, "metadata": {"text": "Grüße", "list": [1, 2.5, None, {"a": True}]}},
        {"symbol": "BRK.B/ü€"},
        {"timestamp": START + timedelta(hours=1, microseconds=1)},
    ]
    return events + [
        sample(TradeEvent, **{"event_id": f"{number:032x}", "timestamp": START + timedelta(minutes=number)} | values)
        for number, values in enumerate(hard, len(events) + 1)
    ]


def make_golden_files(folder: Path) -> None:
    """Writes the files whose bytes are wholly this package's own."""
    events = golden_events()
    (folder / "events.msgpack").write_bytes(b"".join(map(encode_event, events)))
    (folder / "batch.msgpack").write_bytes(encode_batch(events))
    maker = FrameMaker(lambda event, wrong: None)
    maker.publisher = PUBLISHER
    [frame] = maker.make(b"channel", events)
    (folder / "events.frame").write_bytes(frame)
    [beat] = maker.make_beats()
    (folder / "beat.frame").write_bytes(beat)
    _make_segment(folder, events)
    replace_manifest(folder, MANIFEST)
    replace_checked(folder / NOTE, IMPORT_NOTE.model_dump_json().encode())


def _make_segment(folder: Path, events: list[BaseEvent]) -> None:
    journal = _core.Journal(
        folder, 7, FIRST_SEQ, most_rows=1_000, most_bytes=1 << 20, most_unsynced_bytes=1 << 20, is_deferred=False
    )
    journal.append_batch([encode_row(event) for event in events])
    journal.sync()


def stored_events() -> tuple[list[BaseEvent], list[BaseEvent]]:
    """The events of the golden store: those in Parquet files, and those in its journal alone."""
    events = [event for event in golden_events() if event.event_type in {"trade", "orderbook", "order_filled"}]
    return events[:-1], events[-1:]


def make_golden_store(store: Path) -> None:
    """Records a store of which a killed writer has left a segment."""
    sealed, unsealed = stored_events()
    asyncio.run(_record(store, sealed))
    child = os.fork()
    if not child:
        asyncio.run(_record(store, unsealed, ends=True))
    os.waitpid(child, 0)


def raw_events() -> list[UnknownEvent]:
    """Events of a type that no class is for."""
    rows = [
        {
            "_v": 1,
            "_t": "golden_funding",
            "_id": number.to_bytes(16, "big"),
            "_ts": START + timedelta(seconds=number),
            "_x": "binance",
            "_s": "BTC/USDT",
            "rate": "0.00010",
            "intervals": [1, 2.5, None, {"hours": 8}],
        }
        for number in range(1, 4)
    ]
    return [UnknownEvent.of_bytes(msgpack.packb(row, datetime=True)) for row in rows]


async def _record(store: Path, events: list[BaseEvent], *, ends: bool = False) -> None:
    async with ParquetEventWriter(store) as writer:
        await writer.write_batch(events)
        if ends:
            os._exit(0)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True)
    make_golden_files(target)
    make_golden_store(target / "store")
    asyncio.run(_record(target / "raw_store", [*raw_events()]))
