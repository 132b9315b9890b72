"""`trading-events compact`: the files of each day and topic merged into one."""

import argparse

from trading.events.cli.arguments import add_days, add_store, days
from trading.events.cli.formats import counted
from trading.events.persistence import EventReader, compact

NAME = "compact"
SUMMARY = "merge the files of each day and topic into one"
DESCRIPTION = (
    "Merge the files of each day and topic of a store into one. Others may read and write the store meanwhile, and no "
    "event is lost whatever moment it is interrupted at."
)
EXAMPLES = """\
examples:
  trading-events compact data/events
  trading-events compact data/events --start 2024-01-01 --end 2024-02-01
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    add_store(parser)
    add_days(parser)


def run(args: argparse.Namespace) -> int:
    """Runs the command and returns its exit code.

    Raises:
        StoreError: There is no store, or a file of it cannot be read.
        OSError: A file cannot be written.
    """
    start, end = days(args)
    done = compact(EventReader(args.store).base_path, start=start, end=end)
    print(f"{counted(done.merged, 'file')} merged into {done.made}, with {counted(done.rows, 'event')}")
    return 0
