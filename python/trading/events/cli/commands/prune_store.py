"""`trading-events prune`: days that are too old removed from a store."""

import argparse
from datetime import UTC, datetime, timedelta

from trading.events.cli.arguments import UsageError, add_store, count, day
from trading.events.cli.formats import counted
from trading.events.persistence import EventReader, remove_days

NAME = "prune"
SUMMARY = "remove the oldest days of a store"
DESCRIPTION = "Remove the files of all days before one, in UTC. Others may read and write the store meanwhile."
EXAMPLES = """\
examples:
  trading-events prune data/events --before 2024-01-01
  trading-events prune data/events --keep-days 90
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    add_store(parser)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--before", metavar="DAY", type=day, help="first day that stays, such as 2024-01-31")
    which.add_argument("--keep-days", metavar="COUNT", type=count, help="how many days stay, today included")


def run(args: argparse.Namespace) -> int:
    """Runs the command and returns its exit code.

    Raises:
        UsageError: Not even today is to stay.
        StoreError: There is no store, or a manifest of it cannot be read.
        OSError: A file cannot be removed.
    """
    before = args.before
    if before is None:
        if not args.keep_days:
            raise UsageError("--keep-days must be at least 1")
        before = datetime.now(UTC).date() - timedelta(days=args.keep_days - 1)
    removed = remove_days(EventReader(args.store).base_path, before=before)
    print(f"{counted(len(removed), 'day')} before {before} removed")
    return 0
