"""`trading-events import`: a market data file into a store."""

import argparse
import csv
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

from trading.events.cli.arguments import DEFAULT_STORE, add_progress
from trading.events.cli.file_options import add_file_options, open_file
from trading.events.cli.formats import as_time, counted, printable
from trading.events.cli.progress import ProgressLine
from trading.events.cli.signals import run_until_signal
from trading.events.importing import FileImport, MarketDataFile, RefusedRow

NAME = "import"
SUMMARY = "import a market data file into a store"
DESCRIPTION = """\
Import a file of market data into a store of events: Parquet, CSV or JSON lines (text also gzipped or alone in a zip
archive). What the file holds, and which column is which field, is told by the usual names of columns; --event and --map
say it where they do not.

A row that cannot become an event is refused and named with its line and the reason; all the others are imported, and
the exit code is 1 unless --skip-bad is given. Doubles in Parquet are taken through their shortest text of at most 15
significant digits: 0.00031099999999999997 is 0.000311.

An import that was stopped goes on where it stopped when the same file is imported again. A file whose events are all
in the store is refused, unless --again is given."""
EXAMPLES = """\
examples:
  trading-events import btcusdt-trades.parquet --event trade --exchange binance --symbol BTC/USDT
  trading-events import usdjpy-ticks.csv --exchange truefx --symbol USD/JPY --store data/fx
  trading-events import bars.csv --event bar --interval 1m --exchange fxcm --symbol GBP/USD
  trading-events import mine.csv --event trade --exchange x --symbol A/B --map price=px --map quantity=lots
  trading-events import BTCUSDT-trades-2024-01-01.zip --event trade --exchange binance --symbol BTC/USDT \\
      --header id,price,qty,quote_qty,time,is_buyer_maker,is_best_match
"""

_NAMED_REFUSALS = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.add_argument("file", metavar="FILE", type=Path, help="the file")
    parser.add_argument(
        "--store", metavar="PATH", type=Path, default=DEFAULT_STORE, help="folder of the store (default: %(default)s)"
    )
    add_file_options(parser)
    parser.add_argument(
        "--again", action="store_true", help="record every event of the file, though they are in the store already"
    )
    parser.add_argument("--skip-bad", action="store_true", help="exit with 0 although rows were refused")
    parser.add_argument(
        "--rejects", metavar="FILE", type=Path, help="write every refused row to this CSV file: line, rows, reason"
    )
    add_progress(parser)


def run(args: argparse.Namespace) -> int:
    """Runs the command and returns its exit code.

    Raises:
        ImportFileError: The file cannot be taken, or not to its end, or is in the store already.
        StoreError: The store cannot be written.
        UsageError: A field is mapped twice.
        OSError: The file of rejects cannot be written.
    """
    with ExitStack() as stack:
        file = stack.enter_context(open_file(args))
        progress = stack.enter_context(ProgressLine(f"import {args.file.name}", "rows", shown=args.progress))
        rejects = stack.enter_context(args.rejects.open("w", encoding="utf-8", newline="")) if args.rejects else None
        report = _Report(file, progress=progress, rejects=rejects)
        work = FileImport(file, args.store, again=args.again, on_refused=report.refuse, on_batch=report.show)
        try:
            run_until_signal(work.run())
        finally:
            progress.clear()
            if file.rows_read:
                report.tell(work, args.store)
    return 1 if file.rows_refused and not args.skip_bad else 0


class _Report:
    """The state of the rows of a file so far."""

    def __init__(self, file: MarketDataFile, *, progress: ProgressLine, rejects: TextIO | None) -> None:
        self._file = file
        self._progress = progress
        self._rejects = None if rejects is None else csv.writer(rejects, lineterminator="\n")
        self._began_s = time.monotonic()
        self._refusals = 0
        if self._rejects is not None:
            self._rejects.writerow((file.line_word, "rows", "reason"))

    def show(self) -> None:
        """Shows how far the import is."""
        self._progress.update(self._file.rows_read, fraction=self._file.fraction_read)

    def refuse(self, row: RefusedRow) -> None:
        """Names a row that became no event."""
        self._refusals += 1
        if self._rejects is not None:
            self._rejects.writerow((row.line, row.rows, row.reason))
        if self._refusals <= _NAMED_REFUSALS:
            self._progress.clear()
            print(printable(f"{self._file.line_word} {row.line}: {row.reason}"), file=sys.stderr)

    def tell(self, work: FileImport, store: Path) -> None:
        """Says what has become of the rows."""
        if self._refusals > _NAMED_REFUSALS:
            print(f"... and {self._refusals - _NAMED_REFUSALS:,} more", file=sys.stderr)
        refused = self._file.rows_refused
        print(
            f"{self._file.path.name} -> {store}: {counted(work.events, f'{self._file.event_type} event')} "
            f"from {counted(self._file.rows_read - refused, 'row')}, {refused:,} refused, "
            f"in {time.monotonic() - self._began_s:.1f} s"
        )
        if work.earlier_at is not None:
            print(f"  resumed  behind {work.earlier:,} events that are in the store since {as_time(work.earlier_at)}")
        if work.first is not None and work.last is not None:
            print(f"  time     {as_time(work.first)} to {as_time(work.last)}")
        columns = ", ".join(f"{field}={column}" for field, column in self._file.columns.items())
        print(f"  columns  {printable(columns)}")
        if not work.is_finished:
            print("  not all  import the same file again, and it goes on from here")
