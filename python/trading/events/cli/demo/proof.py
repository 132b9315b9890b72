"""The proof that a recording, replayed by another process, is what was recorded."""

import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from operator import itemgetter
from pathlib import Path

from trading.events.cli.progress import ProgressLine
from trading.events.cli.signals import killed_by_signal, signals_held


@dataclass(frozen=True, slots=True)
class Proof:
    """The events that a fresh process has replayed, and those that were recorded."""

    replayed: int
    """Events that it replayed."""

    seconds: float
    """Seconds that it took, from its start to its end."""

    process_id: int
    """The process."""

    difference: str | None
    """The first thing that is not equal, or None if everything is."""


def prove(recorded: Sequence[tuple[datetime, str]], store: Path, *, progress: ProgressLine) -> Proof:
    """Has a fresh process replay a store, and compares event by event.

    Args:
        recorded: The time and the fingerprint of each event, in the order in which it was accepted. A replay is in
            the order of time; events of one time stay in this order.
        store: The store.
        progress: Where to show how far it is.
    """
    expected = [text for _, text in sorted(recorded, key=itemgetter(0))]
    began_s = time.monotonic()
    with ExitStack() as stack:
        with signals_held():
            process = stack.enter_context(killed_by_signal(_start_replica(store)))
        output = process.stdout or ()
        replayed, difference = compare(expected, _watched(output, len(expected), progress=progress))
    if process.returncode:
        difference = f"the process ended with code {process.returncode}"
    return Proof(replayed, time.monotonic() - began_s, process.pid, difference)


def _start_replica(store: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "trading.events.cli.demo.replica", str(store)]
    # In a session of its own, so that Ctrl-C is for this process, which then ends the other.
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)  # noqa: S603 - our own


def _watched(lines: Iterable[str], total: int, *, progress: ProgressLine) -> Iterator[str]:
    for count, line in enumerate(lines, 1):
        progress.update(count, fraction=min(1.0, count / max(1, total)))
        yield line.rstrip("\n")


def compare(expected: Iterable[str], replayed: Iterable[str]) -> tuple[int, str | None]:
    """Number of events that were replayed, and the first that is not the expected one, if any."""
    count, difference = 0, None
    for place, (original, replica) in enumerate(zip_longest(expected, replayed), 1):
        count += replica is not None
        if original != replica and difference is None:
            difference = f"event {place:,} was {original or 'not there'} and is replayed as {replica or 'nothing'}"
    return count, difference
