"""`trading-events verify`: whether every byte of a store is as it was written."""

import argparse

from trading.events.cli.arguments import add_store
from trading.events.cli.formats import counted, printable
from trading.events.persistence import EventReader, verify

NAME = "verify"
SUMMARY = "check every byte of a store"
DESCRIPTION = (
    "Read all of a store: checksums, footers, order, sequence, manifests, journal. Each file that is not as it was "
    "written is named, and the exit code is then 1."
)
EXAMPLES = """\
examples:
  trading-events verify data/events
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    add_store(parser)


def run(args: argparse.Namespace) -> int:
    """Runs the command and returns its exit code.

    Raises:
        StoreError: There is no store.
    """
    count = 0
    for fault in verify(EventReader(args.store).base_path):
        count += 1
        print(printable(f"{fault.path}: {fault.reason}"))
    print(f"{args.store}: {counted(count, 'fault')}" if count else f"{args.store} is as it was written")
    return 1 if count else 0
