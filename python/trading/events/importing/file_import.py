"""FileImport: records the events of a market data file in a store, once."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from trading.events.base import BaseEvent
from trading.events.errors import AlreadyImportedError, CorruptFileError, ImportFileError
from trading.events.importing.market_data_file import MarketDataFile
from trading.events.importing.rows.rows import RefusedRow
from trading.events.importing.source import Signature, check_unchanged, identify
from trading.events.persistence.parquet.journal.journal import next_seq
from trading.events.persistence.parquet.store.import_notes import ImportNote, ImportNotes, ImportSource
from trading.events.persistence.parquet_writer import ParquetEventWriter

if TYPE_CHECKING:
    from datetime import datetime

_BATCH_EVENTS = 2_000


class FileImport:
    """Records the events of a market data file in a Parquet store, once.

        with MarketDataFile("btcusdt-trades.csv", exchange="binance", symbol="BTC/USDT") as file:
            await FileImport(file, "data/events").run()

    An import that was stopped, by an error, by Ctrl-C or by the death of the process, goes on where it stopped when the
    same file is imported again. A file whose events are all there is refused, also under another name, unless its
    events are of another type, or the exchange or the symbol that is given is another one.

    Args:
        file: The file, of which nothing has been read yet.
        base_path: The store's folder; made if it is missing.
        again: Whether to record all its events, although some or all of them are in the store.
        on_refused: Called with each row that becomes no event. None, the default, ends the import by the first.
        on_batch: Called when some of the events have been recorded.
    """

    def __init__(
        self,
        file: MarketDataFile,
        base_path: str | PathLike[str],
        *,
        again: bool = False,
        on_refused: Callable[[RefusedRow], object] | None = None,
        on_batch: Callable[[], object] | None = None,
    ) -> None:
        self._file = file
        self._base_path = Path(base_path).absolute()
        self._again = again
        self._on_refused = on_refused
        self._on_batch = on_batch
        self.events = 0
        """The number of events that it has recorded."""
        self.earlier = 0
        """The number of events that an import that was stopped had recorded."""
        self.earlier_at: datetime | None = None
        """The time when that was noted."""
        self.first: datetime | None = None
        """The least timestamp that it has recorded."""
        self.last: datetime | None = None
        """The greatest."""
        self.is_finished = False
        """True if all events of the file are in the store."""

    async def run(self) -> None:
        """Imports the file. Where it breaks off, or this is cancelled, what came before is in the store.

        Raises:
            AlreadyImportedError: Its events are in the store, or some of them, in a way in which it cannot be gone on.
            ImportFileError: It cannot be read to its end, has changed, or a row becomes no event.
            StoreError: The store cannot be written.
        """
        source, signature = await identify(self._file)
        async with ParquetEventWriter(self._base_path) as writer:
            notes = ImportNotes(writer.base_path)
            if not self._again:
                self._take_earlier(notes, source)
            begun = notes.begin(source, events=self.earlier, first_seq=next_seq(writer.base_path))
            if self._again:
                _forget_others(notes, source)
            await self._record_all(writer)
            await self._finish(writer, notes, begun, signature)

    def _take_earlier(self, notes: ImportNotes, source: ImportSource) -> None:
        """Finds out where to go on.

        Raises:
            AlreadyImportedError: It cannot be gone on.
        """
        note = notes.read(source.key)
        if note is None:
            for other in _others(notes, source):
                raise self._refusal(other, f"a file of this name, but of other content, {_stopped(other)}; {_AGAIN}")
            return
        if note.is_finished and note.events:
            raise self._refusal(note, f"{_finished(note, source)}; {_AGAIN}")
        if note.is_damaged:
            raise self._refusal(
                note, f"it {_stopped(note)}, and some of them were lost with a damaged journal; {_AGAIN}"
            )
        if note.events and note.source.options != source.options:
            difference = _difference(note.source, source)
            raise self._refusal(note, f"it {_stopped(note)}, with {difference}; give the same to go on, or {_AGAIN}")
        self.earlier, self.earlier_at = note.events, note.at if note.events else None

    def _refusal(self, note: ImportNote, reason: str) -> AlreadyImportedError:
        return AlreadyImportedError(self._file.path, reason, at=note.at, events=note.events)

    async def _record_all(self, writer: ParquetEventWriter) -> None:
        batch: list[BaseEvent] = []
        try:
            for event in self._rest():
                batch.append(event)
                if len(batch) == _BATCH_EVENTS:
                    await self._record(batch, writer)
                    batch = []
        except ImportFileError:
            await self._record(batch, writer)
            raise
        await self._record(batch, writer)

    def _rest(self) -> Iterator[BaseEvent]:
        """The events that are not in the store yet."""
        skipped = 0
        for item in self._file:
            if isinstance(item, RefusedRow):
                self._refuse(item)
            elif skipped < self.earlier:
                skipped += 1
            else:
                yield item
        if skipped < self.earlier:
            raise ImportFileError(
                f"{self._file.path} has given {self.earlier:,} events before, and gives {skipped:,}: its event type or "
                f"this package reads it otherwise than then; {_AGAIN}"
            )

    def _refuse(self, row: RefusedRow) -> None:
        if self._on_refused is None:
            raise ImportFileError(f"{self._file.path}: {self._file.line_word} {row.line}: {row.reason}")
        self._on_refused(row)

    async def _record(self, batch: list[BaseEvent], writer: ParquetEventWriter) -> None:
        await writer.write_batch(batch)
        self.events += len(batch)
        for event in batch:
            self.first = min(self.first or event.timestamp, event.timestamp)
            self.last = max(self.last or event.timestamp, event.timestamp)
        if self._on_batch is not None:
            self._on_batch()
        await asyncio.sleep(0)

    async def _finish(
        self, writer: ParquetEventWriter, notes: ImportNotes, begun: ImportNote, signature: Signature
    ) -> None:
        await writer.flush()
        check_unchanged(self._file.path, signature)
        notes.finish(begun, events=self.earlier + self.events)
        self.is_finished = True


_AGAIN = "to record all its events from the first on, import it with again=True (--again)"


def _others(notes: ImportNotes, source: ImportSource) -> Iterator[ImportNote]:
    """The unfinished imports of files with the same name and kind, and other content."""
    for key in notes.unfinished():
        with suppress(CorruptFileError):  # a note of another file is its own matter
            note = notes.read(key)
            if note is None or not note.events or key == source.key:
                continue
            if (note.source.name, note.source.kind) == (source.name, source.kind):
                yield note


def _forget_others(notes: ImportNotes, source: ImportSource) -> None:
    for other in list(_others(notes, source)):
        notes.forget_unfinished(other.source.key)


def _finished(note: ImportNote, source: ImportSource) -> str:
    name = "" if note.source.name == source.name else f", from a file of the same content, {note.source.name!r}"
    return f"it was imported into this store on {_moment(note)}, all its {note.events:,} events{name}"


def _stopped(note: ImportNote) -> str:
    return f"was imported in part, {note.events:,} of its events, until {_moment(note)}"


def _moment(note: ImportNote) -> str:
    return f"{note.at:%Y-%m-%d at %H:%M:%S} UTC"


def _difference(before: ImportSource, here: ImportSource) -> str:
    """Names the options that differ."""
    names = sorted(name for name in before.options | here.options if before.options.get(name) != here.options.get(name))
    return "other options: " + ", ".join(
        f"{name} was {before.options.get(name)!r} and is {here.options.get(name)!r}" for name in names
    )
