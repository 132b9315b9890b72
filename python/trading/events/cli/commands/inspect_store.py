"""`trading-events inspect`: what a store holds."""

import argparse
import json
from collections.abc import Iterable, Sequence

from trading.events.cli.arguments import add_range, add_store, event_range
from trading.events.cli.formats import as_bytes, as_time, counted, printable
from trading.events.cli.no_match import is_narrowed, tell_of_no_match
from trading.events.cli.screen import print_table
from trading.events.cli.unreadable import gather_unreadable, print_warnings
from trading.events.persistence import EventReader, StoredTopic

NAME = "inspect"
SUMMARY = "show what a store holds"
DESCRIPTION = "Show what a store of recorded events holds: its topics, how many events, from when to when, how large."
EXAMPLES = """\
examples:
  trading-events inspect data/events
  trading-events inspect data/events --event trade --exchange binance
  trading-events inspect data/events --json
"""

_HEADER = ("event type", "exchange", "symbol", "events", "files", "size", "bytes/event", "first", "last")
_RIGHT = (3, 4, 5, 6)
_TIMES = (7, 8)
_EXPENDABLE = (6, 4, 7)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    add_store(parser)
    add_range(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")


def run(args: argparse.Namespace) -> int:
    """Runs the command and returns its exit code.

    Raises:
        StoreError: There is no store.
    """
    chosen = event_range(args)
    with gather_unreadable() as unreadable:
        topics = EventReader(args.store, on_error="warn").topics(**chosen)
    print_warnings(unreadable)
    if args.json:
        print(json.dumps(_as_json(topics), indent=2))
    elif topics:
        _print_table(topics)
    elif not is_narrowed(chosen):
        print(f"{args.store} is empty")
    if not topics and not unreadable and is_narrowed(chosen):
        return tell_of_no_match(args.store, chosen)
    return 1 if unreadable else 0


def _print_table(topics: Sequence[StoredTopic]) -> None:
    rows = [
        (
            topic.event_type,
            printable(topic.exchange or "_"),
            printable(topic.symbol or "_"),
            f"{topic.rows:,}",
            f"{topic.files:,}",
            as_bytes(topic.size_bytes),
            f"{topic.size_bytes / topic.rows:.1f}",
            as_time(topic.first),
            as_time(topic.last),
        )
        for topic in topics
    ]
    events, size_bytes = sum(topic.rows for topic in topics), sum(topic.size_bytes for topic in topics)
    total = (
        f"{counted(events, 'event')} of {counted(len(topics), 'topic')} "
        f"in {counted(sum(topic.files for topic in topics), 'file')}, "
        f"{as_bytes(size_bytes)}, {size_bytes / events:.1f} bytes an event"
    )
    print_table(_HEADER, rows, right=_RIGHT, wrapped=_TIMES, expendable=_EXPENDABLE)
    print(f"\n{total}")


def _as_json(topics: Iterable[StoredTopic]) -> dict[str, object]:
    topics = list(topics)
    return {
        "events": sum(topic.rows for topic in topics),
        "files": sum(topic.files for topic in topics),
        "size_bytes": sum(topic.size_bytes for topic in topics),
        "topics": [
            {
                "event_type": topic.event_type,
                "exchange": topic.exchange,
                "symbol": topic.symbol,
                "events": topic.rows,
                "files": topic.files,
                "size_bytes": topic.size_bytes,
                "first": topic.first.isoformat(),
                "last": topic.last.isoformat(),
            }
            for topic in topics
        ],
    }
