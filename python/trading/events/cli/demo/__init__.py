"""`trading-events demo`: everything at once, without any server."""

import argparse
import asyncio
import shutil
import tempfile
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from trading.events.cli.arguments import UsageError, add_progress, count
from trading.events.cli.demo import report
from trading.events.cli.demo.proof import prove
from trading.events.cli.demo.recording import record
from trading.events.cli.demo.source import open_source
from trading.events.cli.file_options import add_file_options
from trading.events.cli.progress import ProgressLine
from trading.events.cli.signals import removed_by_signal, signals_held

NAME = "demo"
SUMMARY = "see it work: publish, handle, record, query, replay, and prove the replay equal"
DESCRIPTION = """\
Run a trading session over the event bus: five simulated markets on three exchanges, with ticks, trades, quotes, order
books, orders, portfolio and system events, or a real market data file. A bar builder and a position keeper publish what
they make back on the bus; a recorder writes everything to a store, which is then queried, and replayed by a fresh
process. The exit code is 0 only if that replay equals the original, event by event."""
EXAMPLES = """\
examples:
  trading-events demo
  trading-events demo --store data/demo            keeps the recording, for inspect, query and replay
  trading-events demo --input btcusdt-trades.parquet
  trading-events demo --input mine.csv --event trade --exchange x --symbol A/B --map price=px
"""

_SEED = 7
_EVENTS = 100_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.add_argument(
        "--input", metavar="FILE", dest="file", type=Path, help="a market data file instead of a simulation"
    )
    parser.add_argument(
        "--store", metavar="PATH", type=Path, help="record here, in a new folder (default: a temporary one)"
    )
    parser.add_argument(
        "--events", metavar="N", type=count, default=_EVENTS, help="length of the simulation (default: %(default)s)"
    )
    parser.add_argument(
        "--seed", metavar="N", type=count, default=_SEED, help="where its chance begins (default: %(default)s)"
    )
    add_progress(parser)
    add_file_options(parser)


def run(args: argparse.Namespace) -> int:
    """Runs the command and returns its exit code.

    Raises:
        UsageError: The arguments do not go together.
        ImportFileError: The file cannot be taken.
        StoreError: The store cannot be written or read.
    """
    with open_source(args) as source, _store_folder(args.store) as store:
        with ProgressLine("demo", "events", shown=args.progress) as progress:
            report.print_beginning(source.title)
            recording = asyncio.run(record(source.events(), store, prices=source.prices, progress=progress))
        report.print_session(source.describe(), recording)
        if not recording.events:
            report.print_nothing()
            return 1
        report.print_store(store, kept=args.store is not None)
        report.print_queries(store)
        with ProgressLine("replay in a fresh process", "events", shown=args.progress) as progress:
            proof = prove(recording.fingerprints, store, progress=progress)
        report.print_proof(recording, proof)
        if args.store is not None:
            report.print_next_steps(store)
    return 1 if proof.difference or recording.failures else 0


@contextmanager
def _store_folder(chosen: Path | None) -> Generator[Path, None, None]:
    """A folder for the recording: the chosen one, which must be new or empty, or one that goes away afterwards.

    Raises:
        UsageError: The chosen one has something in it.
    """
    if chosen is None:
        with ExitStack() as stack:
            with signals_held():
                folder = Path(tempfile.mkdtemp(prefix="trading-events-demo-"))
                stack.enter_context(removed_by_signal(folder))
                stack.callback(shutil.rmtree, folder)
            yield folder
        return
    if chosen.is_dir() and any(chosen.iterdir()):
        raise UsageError(f"--store {chosen} is not empty; the demo records into a new folder")
    yield chosen
