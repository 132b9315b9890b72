"""Sources of the demo's events: a simulation, or a market data file."""

import argparse
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from trading.events.base import BaseEvent
from trading.events.cli.demo.session import Session
from trading.events.cli.file_options import open_file
from trading.events.cli.formats import counted
from trading.events.importing import MarketDataFile, RefusedRow

_PRICES = ("trade", "tick", "quote")


class Source(Protocol):
    """A source of events."""

    @property
    def prices(self) -> str:
        """The event type from which bars can be built."""
        ...

    @property
    def title(self) -> str:
        """Its description, in a few words."""
        ...

    def events(self) -> Iterator[BaseEvent]:
        """The events, in the order of their time or of the file; once."""
        ...

    def describe(self) -> str:
        """The events in one line of text; asked when they have all been taken."""
        ...


class SimulatedSource:
    """A simulated session.

    Args:
        seed: Where chance begins.
        event_count: How many events there are.
    """

    prices = "trade"
    title = "a simulated trading session"

    def __init__(self, seed: int, event_count: int) -> None:
        self._seed = seed
        self._event_count = event_count
        self._session = Session(seed, event_count)

    def events(self) -> Iterator[BaseEvent]:
        """The events."""
        return self._session.events()

    def describe(self) -> str:
        """Their description."""
        return f"{counted(self._event_count, 'event')} of five simulated markets on three exchanges, seed {self._seed}"


class FileSource:
    """A market data file. Rows that cannot become events are left out, and counted.

    Args:
        file: The file.
    """

    def __init__(self, file: MarketDataFile) -> None:
        self.title = file.path.name
        self._file = file
        self._events = 0
        self._first_refused: RefusedRow | None = None

    @property
    def prices(self) -> str:
        """The file's own event type if it has prices."""
        return self._file.event_type if self._file.event_type in _PRICES else "trade"

    def events(self) -> Iterator[BaseEvent]:
        """The events."""
        for item in self._file:
            if isinstance(item, RefusedRow):
                self._first_refused = self._first_refused or item
            else:
                self._events += 1
                yield item

    def describe(self) -> str:
        """Their description, and what was refused."""
        text = f"{counted(self._events, f'{self._file.event_type} event')} from {self._file.path.name}"
        if self._first_refused is None:
            return text
        return (
            f"{text}; {counted(self._file.rows_refused, 'row')} refused, the first in {self._file.line_word} "
            f"{self._first_refused.line}: {self._first_refused.reason}"
        )


@contextmanager
def open_source(args: argparse.Namespace) -> Generator[Source, None, None]:
    """The source that the arguments name.

    Raises:
        ImportFileError: The file cannot be taken.
        UsageError: A field is mapped twice.
    """
    if args.file is None:
        yield SimulatedSource(args.seed, args.events)
        return
    with open_file(args, default_exchange="demo", default_symbol=_symbol_of(args.file)) as file:
        yield FileSource(file)


def _symbol_of(path: Path) -> str:
    """`btcusdt-trades.parquet` is about BTCUSDT."""
    letters = (character if character.isalnum() else " " for character in path.name)
    return next(iter("".join(letters).split()), "UNKNOWN").upper()
