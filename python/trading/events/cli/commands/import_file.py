"""`trading-events import`: a market data file into a store."""

import argparse
import asyncio
import csv
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from trading.events.base import BaseEvent
from trading.events.cli.arguments import DEFAULT_STORE, add_progress
from trading.events.cli.file_options import add_file_options, open_file
from trading.events.cli.formats import as_time, counted, printable
from trading.events.cli.progress import ProgressLine
from trading.events.cli.signals import run_until_signal
from trading.events.errors import ImportFileError
from trading.events.importing import MarketDataFile, RefusedRow
from trading.events.persistence import ParquetEventWriter

if TYPE_CHECKING:
    from datetime import datetime

NAME = "import"
SUMMARY = "import a market data file into a store"
DESCRIPTION = """\
Import a file of market data into a store of events: Parquet, CSV or JSON lines (text also gzipped or alone in a zip
archive). What the file holds, and which column is which field, is told by the usual names of columns; --event and --map
say it where they do not.

A row that cannot become an event is refused and named with its line and the reason; all the others are imported, and
the exit code is 1 unless --skip-bad is given. Doubles in Parquet are taken through their shortest text of at most 15
significant digits: 0.00031099999999999997 is 0.000311. A file that is imported twice is in the store twice."""
EXAMPLES = """\
examples:
  trading-events import btcusdt-trades.parquet --event trade --exchange binance --symbol BTC/USDT
  trading-events import usdjpy-ticks.csv --exchange truefx --symbol USD/JPY --store data/fx
  trading-events import bars.csv --event bar --interval 1m --exchange fxcm --symbol GBP/USD
  trading-events import mine.csv --event trade --exchange x --symbol A/B --map price=px --map quantity=lots
  trading-events import BTCUSDT-trades-2024-01-01.zip --event trade --exchange binance --symbol BTC/USDT \\
      --header id,price,qty,quote_qty,time,is_buyer_maker,is_best_match
"""

_BATCH_EVENTS = 2_000
_NAMED_REFUSALS = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.add_argument("file", metavar="FILE", type=Path, help="the file")
    parser.add_argument(
        "--store", metavar="PATH", type=Path, default=DEFAULT_STORE, help="folder of the store (default: %(default)s)"
    )
    add_file_options(parser)
    parser.add_argument("--skip-bad", action="store_true", help="exit with 0 although rows were refused")
    parser.add_argument(
        "--rejects", metavar="FILE", type=Path, help="write every refused row to this CSV file: line, rows, reason"
    )
    add_progress(parser)


def run(args: argparse.Namespace) -> int:
    """Runs the command and returns its exit code.

    Raises:
        ImportFileError: The file cannot be taken, or not to its end.
        StoreError: The store cannot be written.
        UsageError: A field is mapped twice.
        OSError: The file of rejects cannot be written.
    """
    with ExitStack() as stack:
        file = stack.enter_context(open_file(args))
        progress = stack.enter_context(ProgressLine(f"import {args.file.name}", "rows", shown=args.progress))
        rejects = stack.enter_context(args.rejects.open("w", encoding="utf-8", newline="")) if args.rejects else None
        work = _Import(file, progress=progress, rejects=rejects)
        try:
            run_until_signal(work.run(args.store))
        finally:
            progress.clear()
            if file.rows_read:
                work.report(args.store)
    return 1 if file.rows_refused and not args.skip_bad else 0


class _Import:
    """One file on its way into a store, and what has become of its rows so far."""

    def __init__(self, file: MarketDataFile, *, progress: ProgressLine, rejects: TextIO | None) -> None:
        self._file = file
        self._progress = progress
        self._rejects = None if rejects is None else csv.writer(rejects, lineterminator="\n")
        self._began_s = time.monotonic()
        self._refusals = 0
        self._events = 0
        self._first: datetime | None = None
        self._last: datetime | None = None
        if self._rejects is not None:
            self._rejects.writerow((file.line_word, "rows", "reason"))

    async def run(self, store: Path) -> None:
        """Imports the file. Where the file breaks off, or the user does, what came before is in the store."""
        async with ParquetEventWriter(store) as writer:
            batch: list[BaseEvent] = []
            try:
                for item in self._file:
                    if isinstance(item, RefusedRow):
                        self._refuse(item)
                        continue
                    batch.append(item)
                    if len(batch) == _BATCH_EVENTS:
                        await self._record(batch, writer)
                        batch = []
            except ImportFileError:
                await self._record(batch, writer)
                raise
            await self._record(batch, writer)

    async def _record(self, batch: list[BaseEvent], writer: ParquetEventWriter) -> None:
        await writer.write_batch(batch)
        self._events += len(batch)
        for event in batch:
            self._first = min(self._first or event.timestamp, event.timestamp)
            self._last = max(self._last or event.timestamp, event.timestamp)
        self._progress.update(self._file.rows_read, fraction=self._file.fraction_read)
        await asyncio.sleep(0)

    def _refuse(self, row: RefusedRow) -> None:
        self._refusals += 1
        if self._rejects is not None:
            self._rejects.writerow((row.line, row.rows, row.reason))
        if self._refusals <= _NAMED_REFUSALS:
            self._progress.clear()
            print(printable(f"{self._file.line_word} {row.line}: {row.reason}"), file=sys.stderr)

    def report(self, store: Path) -> None:
        """Says what has become of the rows."""
        if self._refusals > _NAMED_REFUSALS:
            print(f"... and {self._refusals - _NAMED_REFUSALS:,} more", file=sys.stderr)
        refused = self._file.rows_refused
        print(
            f"{self._file.path.name} -> {store}: {counted(self._events, f'{self._file.event_type} event')} "
            f"from {counted(self._file.rows_read - refused, 'row')}, {refused:,} refused, "
            f"in {time.monotonic() - self._began_s:.1f} s"
        )
        if self._first is not None and self._last is not None:
            print(f"  time     {as_time(self._first)} to {as_time(self._last)}")
        columns = ", ".join(f"{field}={column}" for field, column in self._file.columns.items())
        print(f"  columns  {printable(columns)}")
